/* SPDX-License-Identifier: MIT */
#include "schema_declared_parts.h"

#include "schema_table.h"

static uint32_t
add_entry(struct schema_declared *declared, const char *pointer,
    const char *value, enum json_type type, uint32_t place)
{
	uint32_t entry =
	    declared_entry(declared, DECLARED_VALUE, pointer, value, type);
	declared->entries[entry].place = place;
	return entry;
}

static void
add_strings(struct schema_declared *declared, struct declared_values *values,
    const struct schema_values *list, const char *pointer, uint32_t place)
{
	for (uint32_t i = 0; i < list->strings->count; i++) {
		struct view text = list->strings->names[i].text;
		schema_table_add(values->strings, text);
		const struct schema_name *name =
		    schema_table_get(values->strings, text);
		/* Texts of a program end with a NUL; one that has another
		 * inside is told up to there. */
		values->string_entries[name - values->strings->names] =
		    add_entry(declared, pointer, text.data, JSON_STRING, place);
	}
}

static void
add_numbers(struct schema_declared *declared, struct declared_values *values,
    const struct schema_values *list, const char *pointer, uint32_t place)
{
	struct buf text;
	buf_init(&text, 0);
	for (uint32_t i = 0; i < list->number_count; i++) {
		struct declared_number *known =
		    &values->numbers[values->number_count++];
		known->value = list->numbers[i];
		buf_clear(&text);
		decimal_print(&known->value, &text);
		known->entry = add_entry(declared, pointer,
		    schema_arena_text(&declared->arena, buf_view(&text)),
		    JSON_NUMBER, place);
	}
	buf_fini(&text);
}

static void
add_simple(struct schema_declared *declared, struct declared_values *values,
    const struct schema_values *list, const char *pointer, uint32_t place)
{
	static const char *const texts[] = { "null", "false", "true" };
	for (unsigned i = 0; i < 3; i++)
		if (list->types & TYPE_BIT(i))
			values->simple[i] = add_entry(declared, pointer,
			    texts[i], (enum json_type)i, place);
}

struct declared_values *
declared_values_build(struct schema_declared *declared,
    const struct schema_values *const *lists, uint32_t count,
    const char *pointer, uint32_t place)
{
	uint32_t strings = 0;
	uint32_t numbers = 0;
	for (uint32_t i = 0; i < count; i++) {
		strings += lists[i]->strings->count;
		numbers += lists[i]->number_count;
	}
	struct schema_arena *arena = &declared->arena;
	struct declared_values *values =
	    schema_arena_get(arena, sizeof(*values));
	values->strings = schema_table_new(arena, strings);
	values->string_entries =
	    schema_arena_get(arena, (strings + 1) * sizeof(uint32_t));
	values->numbers =
	    schema_arena_get(arena, (numbers + 1) * sizeof(*values->numbers));
	for (uint32_t i = 0; i < count; i++) {
		add_strings(declared, values, lists[i], pointer, place);
		add_numbers(declared, values, lists[i], pointer, place);
		add_simple(declared, values, lists[i], pointer, place);
	}
	return values;
}
