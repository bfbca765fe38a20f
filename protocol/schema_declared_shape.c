/* SPDX-License-Identifier: MIT */

/*
 * The shape of an instance: a hash of its members' names, of how they nest, and
 * of those values that a walk would mark or that decide which way it goes. Two
 * instances of one shape have the same walk, so that the second one can be
 * spared. One pass over the tape, a few cycles a node.
 */

#include "schema_declared_parts.h"

#include "xmalloc.h"

#include <stdlib.h>

#define WATCH_DEPTH 8

/* --- which values count --- */

static void
watch(struct schema_declared *declared, uint32_t hash)
{
	struct declared_watch *watch = &declared->watch;
	for (uint32_t i = 0; i < watch->count; i++)
		if (watch->hashes[i] == hash)
			return;
	watch->hashes = xrealloc(
	    watch->hashes, (watch->count + 1) * sizeof(*watch->hashes));
	watch->hashes[watch->count++] = hash;
}

/* Does the rule look at nothing but the value itself, and at no more of it
 * than value_of() tells? */
static bool
is_leaf(const struct schema_rule *rule)
{
	bool is_list =
	    rule->op == SCHEMA_OP_CONST || rule->op == SCHEMA_OP_ENUM;
	return rule->op <= SCHEMA_OP_FORMAT &&
	    !(is_list && rule->values->container_count > 0);
}

static void
watch_node(struct schema_declared *declared, uint32_t id, unsigned depth)
{
	const struct schema_node *node = &declared->schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		bool is_link =
		    rule->op == SCHEMA_OP_REF || rule->op == SCHEMA_OP_ALL_OF;
		if (is_leaf(rule))
			continue;
		if (depth == 0 || (!is_link && rule->op != SCHEMA_OP_MEMBERS)) {
			declared->watch.is_useless = true;
			return;
		}
		if (is_link) {
			watch_node(declared, rule->node, depth - 1);
			continue;
		}
		const struct schema_table *table = rule->members->table;
		for (uint32_t n = 0; n < table->count; n++) {
			watch(declared, table->names[n].hash);
			watch_node(declared, table->names[n].node, depth - 1);
		}
	}
}

void
declared_watch_condition(struct schema_declared *declared, uint32_t id)
{
	watch_node(declared, id, WATCH_DEPTH);
}

/* The name under which the values of this place stand. */
static void
watch_place(struct schema_declared *declared, const char *pointer)
{
	struct buf name;
	const char *token = strrchr(pointer, '/');
	if (!token || strcmp(token, "/*") == 0) {
		declared->watch.is_useless = true; /* items have no name */
		return;
	}
	buf_init(&name, 0);
	for (token++; *token; token++) {
		bool is_escape = token[0] == '~' && token[1] != '\0';
		buf_add_char(
		    &name, is_escape ? (token[1] == '1' ? '/' : '~') : *token);
		token += is_escape;
	}
	watch(declared, json_hash(buf_view(&name)));
	buf_fini(&name);
}

void
declared_watch_values(struct schema_declared *declared)
{
	for (uint32_t i = 1; i < declared->count; i++) {
		const struct declared_entry *entry = &declared->entries[i];
		if (entry->kind == DECLARED_VALUE && !entry->is_sole)
			watch_place(declared, entry->pointer);
	}
	for (uint32_t i = 0; i < declared->watch.count; i++)
		declared->watch.mask |= UINT64_C(1)
		    << declared->watch.hashes[i] % 64;
}

/* --- the hash --- */

static inline uint64_t
mix(uint64_t value)
{
	value *= UINT64_C(0xd6e8feb86659fd93);
	return value ^ value >> 32;
}

static bool
is_watched(const struct declared_watch *watch, uint32_t hash)
{
	for (uint32_t i = 0; i < watch->count; i++)
		if (watch->hashes[i] == hash)
			return true;
	return false;
}

/* What sets the value apart from others: its text, or its type. */
static uint64_t
value_of(const struct json_doc *doc, uint32_t at)
{
	const struct json_node *node = &doc->nodes[at];
	uint64_t value = (uint64_t)node->type << 32;
	if (node->type == JSON_STRING)
		value |= node->hash;
	if (node->type == JSON_NUMBER)
		value |= json_hash(json_text(doc, at));
	return value;
}

uint64_t
schema_declared_shape(
    const struct schema_declared *declared, const struct json_doc *doc)
{
	const struct declared_watch *watch = &declared->watch;
	const struct json_node *nodes = doc->nodes;
	uint64_t shape = 0;
	if (watch->is_useless)
		return 0;
	for (uint32_t i = 0; i < doc->count; i++) {
		const struct json_node *node = &nodes[i];
		uint64_t place = i * UINT64_C(0x9e3779b97f4a7c15);
		uint64_t own = 0;
		if (node->flags & JSON_IS_KEY) {
			own = node->hash | UINT64_C(1) << 40;
			if (watch->mask >> node->hash % 64 & 1 &&
			    is_watched(watch, node->hash))
				shape += mix(value_of(doc, i + 1) ^ place ^ 1);
		} else if (node->type >= JSON_ARRAY) {
			own = node->count | (uint64_t)node->type << 41;
		}
		shape += mix(own ^ place);
	}
	return shape ? shape : 1;
}
