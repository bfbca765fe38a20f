/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_TABLE_H
#define SCHEMA_TABLE_H

/* Lookups in the name tables of a program. */

#include "schema_program.h"

/* An empty table for at most `capacity` names. */
struct schema_table *schema_table_new(
    struct schema_arena *arena, uint32_t capacity);

/* The entry of this text, added when it is not there. The text is borrowed. */
struct schema_name *schema_table_add(
    struct schema_table *table, struct view text);

/* By decoded text. NULL: not there. */
struct schema_name *schema_table_get(
    const struct schema_table *table, struct view text);

/* The slow half of a lookup: hashes agree, but the text has escapes. */
bool schema_table_same(
    const struct json_doc *doc, uint32_t node, const struct schema_name *name);

/* Sets text, hash and what is derived of them. The text is borrowed. */
void schema_name_set(struct schema_name *name, struct view text, uint32_t hash);

static inline uint64_t
schema_load(const char *at)
{
	uint64_t word;
	memcpy(&word, at, sizeof(word));
	return word;
}

/* Names are short: their first 16 bytes are compared without asking how many
 * there are, where the text has so many to read. */
__attribute__((always_inline)) static inline bool
schema_same_text(
    const struct schema_name *name, const struct json_doc *doc, size_t start)
{
	const char *at = doc->text.data + start;
	if (start + 16 > doc->text.len)
		return memcmp(at, name->text.data, name->text.len) == 0;
	uint64_t difference =
	    ((schema_load(at) ^ name->head[0]) & name->mask[0]) |
	    ((schema_load(at + 8) ^ name->head[1]) & name->mask[1]);
	if (name->length <= 16 + 2)
		return difference == 0;
	return difference == 0 &&
	    memcmp(at + 16, name->text.data + 16, name->text.len - 16) == 0;
}

/* Hash and length at once. A string with escapes is longer than what it
 * spells, so one of this length has none. */
__attribute__((always_inline)) static inline bool
schema_same_key(const struct schema_name *name, const struct json_node *value)
{
	return schema_load((const char *)&name->hash) ==
	    schema_load((const char *)&value->hash);
}

/* `value` is a node of the document and a string. */
__attribute__((always_inline)) static inline bool
schema_name_fits(const struct schema_name *name, const struct json_doc *doc,
    const struct json_node *value)
{
	if (schema_same_key(name, value))
		return schema_same_text(name, doc, (size_t)value->start + 1);
	return value->hash == name->hash && value->flags & JSON_HAS_ESCAPE &&
	    schema_table_same(doc, (uint32_t)(value - doc->nodes), name);
}

static inline bool
schema_name_is(
    const struct schema_name *name, const struct json_doc *doc, uint32_t node)
{
	return schema_name_fits(name, doc, &doc->nodes[node]);
}

/* The entry that the string spells, or NULL. */
__attribute__((always_inline)) static inline const struct schema_name *
schema_table_look(const struct schema_table *table, const struct json_doc *doc,
    const struct json_node *value)
{
	uint32_t at = value->hash & table->mask;
	const struct schema_slot *slot = &table->slots[at];
	for (; slot->name; slot = &table->slots[++at & table->mask])
		if (slot->hash == value->hash &&
		    schema_name_fits(slot->name, doc, value))
			return slot->name;
	return NULL;
}

static inline const struct schema_name *
schema_table_find(
    const struct schema_table *table, const struct json_doc *doc, uint32_t node)
{
	return schema_table_look(table, doc, &doc->nodes[node]);
}

#endif
