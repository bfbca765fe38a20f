/* SPDX-License-Identifier: MIT */
#include "drift.h"

#include "drift_parts.h"
#include "xmalloc.h"

#include <stdlib.h>

/* --- life --- */

static const struct contract_side *
side_of(const struct drift *drift, size_t endpoint, unsigned direction)
{
	const struct contract_endpoint *found =
	    &drift->contract->endpoints[endpoint];
	if (direction == DRIFT_SERVER)
		return &found->server;
	return found->has_client ? &found->client : NULL;
}

/* One that an earlier endpoint declares alike. */
static uint32_t
find_message(const struct drift *drift, unsigned direction,
    const struct contract_message *message)
{
	for (uint32_t i = 0; i < drift->message_count; i++) {
		const struct drift_message *known = &drift->messages[i];
		if (known->direction == direction &&
		    known->message->schema == message->schema &&
		    strcmp(known->message->type, message->type) == 0)
			return i;
	}
	return DRIFT_NO_MESSAGE;
}

static uint32_t
add_message(struct drift *drift, size_t endpoint, unsigned direction,
    const struct contract_message *message)
{
	uint32_t entries = 0;
	struct drift_message *own = &drift->messages[drift->message_count];
	own->message = message;
	own->endpoint = (uint8_t)endpoint;
	own->direction = (uint8_t)direction;
	own->declared = schema_declared_new(message->schema);
	schema_declared_entries(own->declared, &entries);
	own->seen = xcalloc(entries / 64 + 1, sizeof(*own->seen));
	own->shapes = xcalloc(DRIFT_SHAPES, sizeof(*own->shapes));
	return drift->message_count++;
}

static void
add_side(struct drift *drift, size_t endpoint, unsigned direction)
{
	const struct contract_side *side = side_of(drift, endpoint, direction);
	if (!side)
		return;
	uint32_t *index = xcalloc(side->message_count + 1, sizeof(*index));
	drift->index[endpoint][direction] = index;
	drift->messages = xrealloc(drift->messages,
	    (drift->message_count + side->message_count + 1) *
		sizeof(*drift->messages));
	memset(drift->messages + drift->message_count, 0,
	    side->message_count * sizeof(*drift->messages));
	for (size_t i = 0; i < side->message_count; i++) {
		index[i] = find_message(drift, direction, &side->messages[i]);
		if (index[i] == DRIFT_NO_MESSAGE)
			index[i] = add_message(
			    drift, endpoint, direction, &side->messages[i]);
	}
}

/* Twice the room at least, so that a search for a free slot is short. Pages
 * that are never used cost nothing. */
static void
make_room(struct drift *drift)
{
	size_t slots = 32;
	while (slots < 2 * (size_t)drift->bound->cells_max)
		slots *= 2;
	drift->cells = xcalloc(drift->bound->cells_max, sizeof(*drift->cells));
	drift->slots = xcalloc(slots, sizeof(*drift->slots));
	drift->slot_mask = (uint32_t)slots - 1;
	drift->groups = xcalloc(slots / 2, sizeof(*drift->groups));
	drift->group_mask = (uint32_t)slots / 2 - 1;
}

struct drift *
drift_new(
    const struct contract *contract, struct drift_bound *bound, uint64_t now_ms)
{
	struct drift *drift = xcalloc(1, sizeof(*drift));
	drift->contract = contract;
	drift->bound = bound;
	make_room(drift);
	drift->since_ms = now_ms;
	drift->now_ms = now_ms;
	buf_init(&drift->text, 0);
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		add_side(drift, i, DRIFT_SERVER);
		add_side(drift, i, DRIFT_CLIENT);
	}
	return drift;
}

void
drift_free(struct drift **drift_p)
{
	struct drift *drift = *drift_p;
	if (!drift)
		return;
	for (uint32_t i = 0; i < drift->message_count; i++) {
		schema_declared_free(&drift->messages[i].declared);
		free(drift->messages[i].seen);
		free(drift->messages[i].shapes);
	}
	for (uint32_t i = 0; i < drift->cell_count; i++) {
		free(drift->cells[i]->sample);
		free(drift->cells[i]);
	}
	for (size_t i = 0; i < CONTRACT_ENDPOINTS_MAX; i++) {
		free(drift->index[i][DRIFT_SERVER]);
		free(drift->index[i][DRIFT_CLIENT]);
	}
	free(drift->messages);
	free(drift->cells);
	free(drift->slots);
	free(drift->groups);
	buf_fini(&drift->text);
	free(drift);
	*drift_p = NULL;
}

void
drift_tick(struct drift *drift, uint64_t now_ms)
{
	drift->now_ms = now_ms;
}

/* --- what goes into cells --- */

static uint32_t
index_of(const struct drift *drift, const struct drift_origin *origin,
    const struct contract_message *message)
{
	const struct contract_side *side =
	    side_of(drift, origin->endpoint, origin->direction);
	return drift->index[origin->endpoint][origin->direction]
			   [message - side->messages];
}

/* What fits. */
static void
copy_text(char *to, size_t size, const char *text)
{
	size_t length = strlen(text);
	if (length >= size)
		length = size - 1;
	memcpy(to, text, length);
	to[length] = '\0';
}

/* The key of a message's cells, all but pointer and name. */
static void
begin_key(struct drift *drift, const struct drift_origin *origin,
    uint32_t message, const char *rule, struct drift_key *key)
{
	memset(key, 0, sizeof(*key)); /* compared as a whole */
	key->direction = (uint8_t)origin->direction;
	key->endpoint = message == DRIFT_NO_MESSAGE
	    ? (uint8_t)origin->endpoint
	    : drift->messages[message].endpoint;
	key->message = message;
	copy_text(key->rule, sizeof(key->rule), rule);
	key->producer = drift_producer(drift, origin->producer);
}

struct undeclared {
	struct drift *drift;
	const struct drift_origin *origin;
	struct drift_message *message;
	const struct json_doc *doc;
	uint32_t found;
};

static void
on_undeclared(void *arg, uint32_t place, uint32_t object, uint32_t key_node)
{
	struct undeclared *undeclared = arg;
	struct drift *drift = undeclared->drift;
	const struct json_doc *doc = undeclared->doc;
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(undeclared->message->declared, &count);
	struct drift_facts facts = { .level = FINDING_WARNING };
	struct drift_key key;
	undeclared->found++;
	begin_key(drift, undeclared->origin,
	    (uint32_t)(undeclared->message - drift->messages),
	    "undeclared_member", &key);
	key.seen = drift_member_name(doc, key_node, &drift->text);
	copy_text(key.pointer, sizeof(key.pointer), entries[place].pointer);
	if (!drift_open(drift, &key, undeclared->origin))
		return;
	drift_name_member(
	    drift, undeclared->message, place, doc, object, key_node, &facts);
	copy_text(
	    facts.expected, sizeof(facts.expected), "only declared members");
	copy_text(facts.got, sizeof(facts.got),
	    json_type_name(doc->nodes[key_node + 1].type));
	drift_make(drift, &key, &facts, undeclared->origin, doc);
}

void
drift_see(struct drift *drift, const struct drift_origin *origin,
    const struct contract_message *message, struct schema_scratch *scratch,
    const struct json_doc *doc)
{
	struct drift_message *own =
	    &drift->messages[index_of(drift, origin, message)];
	struct undeclared undeclared = { drift, origin, own, doc, 0 };
	atomic_store_explicit(&own->count,
	    atomic_load_explicit(&own->count, memory_order_relaxed) + 1,
	    memory_order_relaxed);
	uint64_t shape = schema_declared_shape(own->declared, doc);
	uint64_t *known = &own->shapes[shape % DRIFT_SHAPES];
	if (shape != 0 && *known == shape)
		return;
	schema_declared_walk(
	    own->declared, scratch, doc, own->seen, on_undeclared, &undeclared);
	/* What is undeclared is counted each time. */
	if (undeclared.found == 0)
		*known = shape;
}

static void
count_violation(struct drift *drift, const struct drift_origin *origin,
    uint32_t index, const struct json_doc *doc,
    const struct violation *violation)
{
	struct drift_facts facts = { .level = FINDING_ERROR };
	struct drift_key key;
	begin_key(drift, origin, index, violation->rule, &key);
	drift_key_violation(drift, violation, doc, &key);
	if (!drift_open(drift, &key, origin))
		return;
	copy_text(facts.expected, sizeof(facts.expected), violation->expected);
	copy_text(facts.got, sizeof(facts.got), violation->got);
	copy_text(facts.hint, sizeof(facts.hint), violation->hint);
	drift_name_violation(
	    drift, &drift->messages[index], violation, doc, &key, &facts);
	drift_make(drift, &key, &facts, origin, doc);
}

void
drift_breach(struct drift *drift, const struct drift_origin *origin,
    const struct contract_message *message, const struct json_doc *doc,
    const struct violation *violations, size_t count)
{
	uint32_t index = index_of(drift, origin, message);
	for (size_t i = 0; i < count; i++)
		count_violation(drift, origin, index, doc, &violations[i]);
}

void
drift_unknown(struct drift *drift, const struct drift_origin *origin,
    const struct json_doc *doc)
{
	const struct contract_side *side =
	    side_of(drift, origin->endpoint, origin->direction);
	struct drift_facts facts = { .level = FINDING_ERROR };
	struct drift_key key;
	uint32_t node = 0;
	bool has_type =
	    json_pointer_get(doc, view_of(side->discriminator), &node);
	begin_key(drift, origin, DRIFT_NO_MESSAGE,
	    has_type ? "unknown_type" : "missing_type", &key);
	copy_text(key.pointer, sizeof(key.pointer), side->discriminator);
	if (has_type)
		key.seen = drift_type_name(doc, node, &drift->text);
	else /* frames that lost different things are different */
		drift_name_type(drift, side, doc, &key, &facts);
	key.missing = facts.nearest;
	if (!drift_open(drift, &key, origin))
		return;
	copy_text(facts.expected, sizeof(facts.expected), "a declared type");
	copy_text(facts.got, sizeof(facts.got),
	    !has_type ? "no such member"
		: doc->nodes[node].type == JSON_STRING
		? "another string"
		: json_type_name(doc->nodes[node].type));
	if (has_type)
		drift_name_type(drift, side, doc, &key, &facts);
	drift_make(drift, &key, &facts, origin, doc);
}

void
drift_fault(struct drift *drift, const struct drift_origin *origin,
    const char *code, const char *pointer, const char *why)
{
	struct drift_facts facts = { .level = FINDING_ERROR };
	struct drift_key key;
	begin_key(drift, origin, DRIFT_NO_MESSAGE, code, &key);
	copy_text(key.pointer, sizeof(key.pointer), pointer);
	if (!drift_open(drift, &key, origin))
		return;
	copy_text(facts.got, sizeof(facts.got), why);
	drift_make(drift, &key, &facts, origin, NULL);
}
