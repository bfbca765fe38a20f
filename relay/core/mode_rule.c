/* SPDX-License-Identifier: MIT */
#include "mode_rule.h"

#include "nearest.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

static bool
parse_mode(const char *word, enum judge_mode *mode_r)
{
	static const char *const words[] = { "off", "warn", "enforce" };
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(word, words[i]) != 0)
			continue;
		*mode_r = (enum judge_mode)i;
		return true;
	}
	return false;
}

/* The endpoint whose name the target begins with, and what follows the dot. A
 * type may hold dots, and so may the name of an endpoint. */
static bool
find_endpoint(const struct contract *contract, struct view target,
    size_t *endpoint_r, struct view *type_r)
{
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		struct view name = view_of(contract->endpoints[i].name);
		if (target.len < name.len ||
		    memcmp(target.data, name.data, name.len) != 0 ||
		    (target.len > name.len && target.data[name.len] != '.'))
			continue;
		size_t used = name.len + (target.len > name.len);
		*endpoint_r = i;
		*type_r = view_make(target.data + used, target.len - used);
		return true;
	}
	return false;
}

static bool
find_type(const struct contract_side *side, struct view type, size_t *index_r)
{
	for (size_t i = 0; i < side->message_count; i++) {
		if (!view_is(type, side->messages[i].type))
			continue;
		*index_r = i;
		return true;
	}
	return false;
}

static int
refuse_endpoint(
    const struct contract *contract, const char *target, struct error *err)
{
	char names[256] = "";
	size_t length = 0;
	for (size_t i = 0; i < contract->endpoint_count; i++)
		length += (size_t)snprintf(names + length,
		    length < sizeof(names) ? sizeof(names) - length : 0, "%s%s",
		    i ? ", " : "", contract->endpoints[i].name);
	return error_set(
	    err, target, "the contract has no such endpoint; it has %s", names);
}

static int
refuse_type(const struct contract_endpoint *endpoint, struct view type,
    const char *target, struct error *err)
{
	const struct contract_side *side = &endpoint->server;
	size_t unused;
	if (endpoint->has_client && find_type(&endpoint->client, type, &unused))
		return error_set(err, target,
		    "is what clients send, and that is always enforced");
	const char **names = xcalloc(side->message_count, sizeof(*names));
	for (size_t i = 0; i < side->message_count; i++)
		names[i] = side->messages[i].type;
	const char *near = nearest_name(type, names, side->message_count);
	error_set(err, target, "the endpoint sends no such type%s%s%s",
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
	free(names);
	return -1;
}

static int
parse_target(const struct contract *contract, const char *target,
    struct mode_rule *rule_r, struct error *err)
{
	struct view type;
	if (!find_endpoint(contract, view_of(target), &rule_r->endpoint, &type))
		return refuse_endpoint(contract, target, err);
	const struct contract_endpoint *endpoint =
	    &contract->endpoints[rule_r->endpoint];
	rule_r->message = MODE_RULE_ALL;
	if (type.len == 0 || view_is(type, "*") ||
	    find_type(&endpoint->server, type, &rule_r->message))
		return 0;
	return refuse_type(endpoint, type, target, err);
}

int
mode_rule_parse(const struct contract *contract, const char *text,
    struct mode_rule *rule_r, struct error *err)
{
	char target[200];
	const char *equals = strrchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	snprintf(target, sizeof(target), "%.*s", (int)length, text);
	if (!equals || length >= sizeof(target) ||
	    !parse_mode(equals + 1, &rule_r->mode))
		return error_set(err, target,
		    "wants ENDPOINT.TYPE=MODE or ENDPOINT=MODE, where MODE is "
		    "off, warn or enforce");
	return parse_target(contract, target, rule_r, err);
}
