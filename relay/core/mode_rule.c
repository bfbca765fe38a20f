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

/* Does the target begin with the name? Then *type_r is what follows the dot. A
 * type may hold dots, and so may the name of an endpoint. */
static bool
is_named(const struct contract_endpoint *endpoint, struct view target,
    struct view *type_r)
{
	struct view name = view_of(endpoint->name);
	if (target.len < name.len ||
	    memcmp(target.data, name.data, name.len) != 0 ||
	    (target.len > name.len && target.data[name.len] != '.'))
		return false;
	size_t used = name.len + (target.len > name.len);
	*type_r = view_make(target.data + used, target.len - used);
	return true;
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

static bool
find_message(
    const struct contract_side *side, struct view type, size_t *message_r)
{
	*message_r = MODE_RULE_ALL;
	return type.len == 0 || view_is(type, "*") ||
	    find_type(side, type, message_r);
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

/* Of several endpoints that it may mean the one with the longest name. */
static int
parse_target(const struct contract *contract, const char *target,
    struct mode_rule *rule_r, struct error *err)
{
	const struct contract_endpoint *wrong = NULL;
	struct view type, wrong_type = { 0 };
	size_t used = 0;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		size_t message, length = strlen(endpoint->name) + 1;
		if (!is_named(endpoint, view_of(target), &type))
			continue;
		if (!find_message(&endpoint->server, type, &message)) {
			wrong = endpoint;
			wrong_type = type;
		} else if (length > used) {
			used = length;
			rule_r->endpoint = i;
			rule_r->message = message;
		}
	}
	if (used > 0)
		return 0;
	return wrong ? refuse_type(wrong, wrong_type, target, err)
		     : refuse_endpoint(contract, target, err);
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
