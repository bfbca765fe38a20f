/* SPDX-License-Identifier: MIT */
#include "schema_table.h"

struct schema_table *
schema_table_new(struct schema_arena *arena, uint32_t capacity)
{
	uint32_t size = 4;
	while (size < 2 * capacity)
		size *= 2;
	struct schema_table *table = schema_arena_get(arena, sizeof(*table));
	table->mask = size - 1;
	table->slots = schema_arena_get(arena, size * sizeof(*table->slots));
	table->names =
	    schema_arena_get(arena, capacity * sizeof(*table->names));
	return table;
}

/* The slot of this text: its own, or the free one where it would go. */
static uint32_t
find_slot(const struct schema_table *table, struct view text, uint32_t hash)
{
	uint32_t slot = hash & table->mask;
	for (; table->slots[slot] != 0; slot = (slot + 1) & table->mask) {
		const struct schema_name *name =
		    &table->names[table->slots[slot] - 1];
		if (name->hash == hash && view_equal(name->text, text))
			return slot;
	}
	return slot;
}

struct schema_name *
schema_table_add(struct schema_table *table, struct view text)
{
	uint32_t hash = json_hash(text);
	uint32_t slot = find_slot(table, text, hash);
	if (table->slots[slot] == 0) {
		struct schema_name *name = &table->names[table->count++];
		name->text = text;
		name->hash = hash;
		table->slots[slot] = table->count;
	}
	return &table->names[table->slots[slot] - 1];
}

struct schema_name *
schema_table_get(const struct schema_table *table, struct view text)
{
	uint32_t slot = find_slot(table, text, json_hash(text));
	if (table->slots[slot] == 0)
		return NULL;
	return &table->names[table->slots[slot] - 1];
}

bool
schema_table_same(
    const struct json_doc *doc, uint32_t node, const struct schema_name *name)
{
	return json_string_is(doc, node, name->text);
}
