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

static inline bool
schema_name_is(
    const struct schema_name *name, const struct json_doc *doc, uint32_t node)
{
	const struct json_node *value = &doc->nodes[node];
	if (value->hash != name->hash)
		return false;
	if (value->flags & JSON_HAS_ESCAPE)
		return schema_table_same(doc, node, name);
	return value->length == name->text.len + 2 &&
	    memcmp(doc->text.data + value->start + 1, name->text.data,
		name->text.len) == 0;
}

/* The entry that the string at `node` spells, or NULL. */
static inline const struct schema_name *
schema_table_find(
    const struct schema_table *table, const struct json_doc *doc, uint32_t node)
{
	uint32_t slot = doc->nodes[node].hash & table->mask;
	for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask) {
		const struct schema_name *name =
		    &table->names[table->slots[slot] - 1];
		if (schema_name_is(name, doc, node))
			return name;
	}
	return NULL;
}

#endif
