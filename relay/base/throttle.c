/* SPDX-License-Identifier: MIT */
#include "throttle.h"

#include <string.h>

static struct throttle_kind *
find_kind(struct throttle *throttle, const char *component, const char *action)
{
	for (unsigned i = 0; i < throttle->count; i++) {
		struct throttle_kind *kind = &throttle->kinds[i];
		if (strcmp(kind->component, component) == 0 &&
		    strcmp(kind->action, action) == 0)
			return kind;
	}
	if (throttle->count == THROTTLE_KINDS)
		return &throttle->kinds[THROTTLE_KINDS - 1];
	struct throttle_kind *kind = &throttle->kinds[throttle->count++];
	kind->component = component;
	kind->action = action;
	return kind;
}

static bool
is_over(const struct throttle_kind *kind, uint64_t now_ms)
{
	return now_ms - kind->since_ms >= THROTTLE_WINDOW_MS;
}

bool
throttle_admit(struct throttle *throttle, const char *component,
    const char *action, uint64_t now_ms)
{
	struct throttle_kind *kind = find_kind(throttle, component, action);
	if (kind->passed == 0 || is_over(kind, now_ms)) {
		kind->since_ms = now_ms;
		kind->passed = 0;
		kind->held = 0;
	}
	if (kind->passed <
	    (throttle->lines ? throttle->lines : THROTTLE_LINES)) {
		kind->passed++;
		return true;
	}
	kind->held++;
	return false;
}

bool
throttle_due(
    struct throttle *throttle, uint64_t now_ms, struct throttle_kind *due_r)
{
	for (unsigned i = 0; i < throttle->count; i++) {
		struct throttle_kind *kind = &throttle->kinds[i];
		if (kind->held == 0 || !is_over(kind, now_ms))
			continue;
		*due_r = *kind;
		kind->held = 0;
		kind->passed = 0;
		return true;
	}
	return false;
}
