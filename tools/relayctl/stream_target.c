/* SPDX-License-Identifier: MIT */
#include "stream_target.h"

#include "ctl_check.h"
#include "stream_key.h"

#include <string.h>

void
stream_target_init(struct stream_target *target)
{
	*target = (struct stream_target){
		.tenant = "default", .user = "anonymous", .prefix = "relay:"
	};
	buf_init(&target->key, 0);
}

static int
build_key(
    struct stream_target *target, struct ctl *ctl, const char *session_or_key)
{
	size_t prefix = strlen(target->prefix);
	struct view session = view_of(session_or_key);
	if (prefix && strncmp(session_or_key, target->prefix, prefix) == 0)
		buf_add(&target->key, session);
	else if (stream_key_session_is_valid(session))
		stream_key_events(&target->key, view_of(target->prefix),
		    view_of(target->tenant), view_of(target->user), session);
	else
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "a session id has 1 to 256 bytes of UTF-8 without control "
		    "characters");
	return 0;
}

int
stream_target_open(
    struct stream_target *target, struct ctl *ctl, const char *session_or_key)
{
	int status = build_key(target, ctl, session_or_key);
	if (status == 0)
		status = ctl_check_addresses(ctl);
	const char *url = status == 0 ? ctl_redis(ctl) : NULL;
	if (!url)
		return status ? status : CTL_INPUT;
	if (!*url) {
		ctl_fix(ctl,
		    "name the relay's Redis with --redis URL; a relay "
		    "with a private one says it at start");
		return ctl_fail(ctl, CTL_USAGE, "usage", "no --redis");
	}
	struct error err = { 0 };
	target->redis = redis_client_open(url, 5000, &err);
	if (target->redis)
		return 0;
	return ctl_fail(ctl, CTL_UNREACHABLE, "redis_unreachable", "%s: %s",
	    err.where, err.message);
}

int
stream_target_expect(struct stream_target *target, struct ctl *ctl)
{
	struct error err = { 0 };
	if (redis_client_expect_stream(
		target->redis, buf_view(&target->key), &err) == 0)
		return 0;
	return ctl_fail(
	    ctl, CTL_INPUT, "wrong_type", "%s: %s", err.where, err.message);
}

void
stream_target_fini(struct stream_target *target)
{
	redis_client_close(&target->redis);
	buf_fini(&target->key);
}
