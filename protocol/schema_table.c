/* SPDX-License-Identifier: MIT */
#include "schema_table.h"

void
schema_name_set(struct schema_name *name, struct view text, uint32_t hash)
{
	size_t size =
	    text.len < sizeof(name->head) ? text.len : sizeof(name->head);
	name->text = text;
	name->hash = hash;
	name->length = (uint32_t)text.len + 2;
	memset(name->head, 0, sizeof(name->head));
	memset(name->mask, 0, sizeof(name->mask));
	if (size > 0)
		memcpy(name->head, text.data, size);
	memset(name->mask, 0xff, size);
}

/* Small tables are sparse: nearly all looks end at the first slot. The name
 * behind the last is no name, so that there is always one to guess. */
struct schema_table *
schema_table_new(struct schema_arena *arena, uint32_t capacity)
{
	uint32_t size = 4;
	while (size < (capacity <= 64 ? 4 : 2) * (uint64_t)capacity)
		size *= 2;
	struct schema_table *table = schema_arena_get(arena, sizeof(*table));
	table->mask = size - 1;
	table->slots = schema_arena_get(arena, size * sizeof(*table->slots));
	table->names =
	    schema_arena_get(arena, (capacity + 1) * sizeof(*table->names));
	return table;
}

/* The slot of this text: its own, or the free one where it would go. */
static struct schema_slot *
find_slot(const struct schema_table *table, struct view text, uint32_t hash)
{
	uint32_t at = hash & table->mask;
	struct schema_slot *slot = &table->slots[at];
	for (; slot->name; slot = &table->slots[++at & table->mask])
		if (slot->hash == hash && view_equal(slot->name->text, text))
			break;
	return slot;
}

struct schema_name *
schema_table_add(struct schema_table *table, struct view text)
{
	uint32_t hash = json_hash(text);
	struct schema_slot *slot = find_slot(table, text, hash);
	if (!slot->name) {
		slot->name = &table->names[table->count++];
		slot->hash = hash;
		schema_name_set(slot->name, text, hash);
	}
	return slot->name;
}

struct schema_name *
schema_table_get(const struct schema_table *table, struct view text)
{
	return find_slot(table, text, json_hash(text))->name;
}

bool
schema_table_same(
    const struct json_doc *doc, uint32_t node, const struct schema_name *name)
{
	return json_string_is(doc, node, name->text);
}
