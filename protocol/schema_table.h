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

static inline uint64_t
schema_load(const char *at, size_t size)
{
	uint64_t word = 0;
	memcpy(&word, at, size);
	return word;
}

/* memcmp, but short names (nearly all) without a call: two words that overlap
 * cover 4 to 16 bytes, three bytes anything less. */
static inline bool
schema_same_bytes(const char *a, const char *b, size_t size)
{
	if (size >= 8 && size <= 16)
		return schema_load(a, 8) == schema_load(b, 8) &&
		    schema_load(a + size - 8, 8) ==
		    schema_load(b + size - 8, 8);
	if (size >= 4 && size < 8)
		return schema_load(a, 4) == schema_load(b, 4) &&
		    schema_load(a + size - 4, 4) ==
		    schema_load(b + size - 4, 4);
	if (size > 0 && size < 4)
		return a[0] == b[0] && a[size / 2] == b[size / 2] &&
		    a[size - 1] == b[size - 1];
	return memcmp(a, b, size) == 0;
}

/* `value` is a node of the document and a string. */
__attribute__((always_inline)) static inline bool
schema_name_fits(const struct schema_name *name, const struct json_doc *doc,
    const struct json_node *value)
{
	if (value->hash != name->hash)
		return false;
	if (value->flags & JSON_HAS_ESCAPE)
		return schema_table_same(
		    doc, (uint32_t)(value - doc->nodes), name);
	return value->length == name->text.len + 2 &&
	    schema_same_bytes(doc->text.data + value->start + 1,
		name->text.data, name->text.len);
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
	uint32_t slot = value->hash & table->mask;
	for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask) {
		const struct schema_name *name =
		    &table->names[table->slots[slot] - 1];
		if (schema_name_fits(name, doc, value))
			return name;
	}
	return NULL;
}

static inline const struct schema_name *
schema_table_find(
    const struct schema_table *table, const struct json_doc *doc, uint32_t node)
{
	return schema_table_look(table, doc, &doc->nodes[node]);
}

#endif
