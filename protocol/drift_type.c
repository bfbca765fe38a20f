/* SPDX-License-Identifier: MIT */

/* A type that is not declared, or not there at all: what it may stand for. A
 * frame without a type is often one that lost the wrapper around it. */

#include "drift_parts.h"

#include "nearest.h"

#include <stdio.h>

#define TYPES_MAX 256

bool
drift_has_type(
    const struct drift *drift, enum drift_direction direction, const char *type)
{
	for (uint32_t i = 0; i < drift->message_count; i++)
		if (drift->messages[i].direction == direction &&
		    strcmp(drift->messages[i].message->type, type) == 0)
			return true;
	return false;
}

static void
name_unknown(struct drift *drift, enum drift_direction direction,
    const struct drift_key *key, struct drift_facts *facts)
{
	const char *types[TYPES_MAX];
	size_t count = 0;
	struct view seen = view_of(key->seen.text);
	for (uint32_t i = 0; i < drift->message_count && count < TYPES_MAX; i++)
		if (drift->messages[i].direction == direction)
			types[count++] = drift->messages[i].message->type;
	const char *near = nearest_name(seen, types, count);
	if (near)
		snprintf(facts->hint, sizeof(facts->hint),
		    "did you mean \"%.80s\"?", near);
	if (!near)
		near = nearest_of_all(seen, types, count);
	facts->nearest = drift_name_of(view_of(near ? near : ""));
}

/* How much alike the object's members and those of a declared place are: 0 to
 * 100. */
static unsigned
likeness(const struct drift_message *message, uint32_t place,
    const struct json_doc *doc)
{
	uint32_t count = 0;
	uint32_t declared = 0;
	uint32_t shared = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(message->declared, &count);
	for (uint32_t i = 1; i < count; i++) {
		if (entries[i].kind != DECLARED_MEMBER ||
		    entries[i].place != place)
			continue;
		declared++;
		shared += json_member(doc, 0, view_of(entries[i].name)) != 0;
	}
	uint32_t all = declared + doc->nodes[0].count;
	return all ? 200 * shared / all : 0;
}

/* Of all places at the root of a message or one below, the one that the object
 * resembles most. */
static void
guess_place(struct drift *drift, enum drift_direction direction,
    const struct json_doc *doc, struct drift_facts *facts)
{
	unsigned best = 60;
	for (uint32_t i = 0; i < drift->message_count; i++) {
		const struct drift_message *message = &drift->messages[i];
		uint32_t count = 0;
		const struct declared_entry *entries =
		    schema_declared_entries(message->declared, &count);
		for (uint32_t n = 1; n < count; n++) {
			const char *pointer = entries[n].pointer;
			if (message->direction != direction ||
			    entries[n].kind != DECLARED_PLACE ||
			    strchr(pointer[0] ? pointer + 1 : "", '/'))
				continue;
			unsigned score = likeness(message, n, doc);
			if (score <= best)
				continue;
			best = score;
			const char *type = message->message->type;
			snprintf(facts->hint, sizeof(facts->hint),
			    "it looks like %.30s of \"%.50s\" without %s",
			    pointer[0] ? pointer : "the body", type,
			    pointer[0] ? "the wrapper" : "its type");
			facts->nearest = drift_name_of(view_of(type));
		}
	}
}

/* A member that holds a declared type, under another name than the contract
 * has for it. */
static void
find_renamed(struct drift *drift, const struct contract_side *side,
    enum drift_direction direction, const struct json_doc *doc,
    struct drift_facts *facts)
{
	const struct json_node *nodes = doc->nodes;
	for (uint32_t at = 1; at < nodes[0].next; at = nodes[at + 1].next) {
		struct drift_name value =
		    drift_value_name(doc, at + 1, &drift->text);
		if (nodes[at + 1].type != JSON_STRING ||
		    !drift_has_type(drift, direction, value.text))
			continue;
		const char *slash = strrchr(side->discriminator, '/');
		facts->seen = drift_member_name(doc, at, &drift->text);
		facts->nearest = drift_name_of(view_of(slash ? slash + 1 : ""));
		if (!facts->hint[0])
			snprintf(facts->hint, sizeof(facts->hint),
			    "\"%s\" holds a declared type: was it renamed?",
			    facts->seen.text);
		return;
	}
}

void
drift_name_type(struct drift *drift, const struct contract_side *side,
    const struct json_doc *doc, const struct drift_key *key,
    struct drift_facts *facts)
{
	enum drift_direction direction = (enum drift_direction)key->direction;
	if (strcmp(key->rule, "unknown_type") == 0) {
		if (key->seen.text[0])
			name_unknown(drift, direction, key, facts);
		return;
	}
	guess_place(drift, direction, doc, facts);
	find_renamed(drift, side, direction, doc, facts);
}
