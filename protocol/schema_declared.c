/* SPDX-License-Identifier: MIT */

/*
 * Builds the tree of places. A place of the instance is judged by a set of
 * nodes of the program; what they declare there is gathered through references
 * and allOf. Where the program decides by the instance (a union with a
 * selector, if), the place gets a variant for each way, and the set is gathered
 * once more with that decision taken.
 */

#include "schema_declared_parts.h"

#include "schema_table.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define PLACE_DEPTH 24
#define PLACES_MAX  4096

/* The places around the one at hand, innermost first. */
struct around {
	const struct around *outer;
	const struct node_set *set;
	struct declared_place *place;
	unsigned depth;
};

static struct declared_place *build_place(struct schema_declared *declared,
    const struct node_set *set, const char *pointer,
    const struct around *around);

/* --- entries --- */

uint32_t
declared_entry(struct schema_declared *declared, enum declared_kind kind,
    const char *pointer, const char *value, enum json_type type)
{
	uint32_t hash = json_hash(view_of(pointer)) + (uint32_t)kind;
	if (value)
		hash ^= json_hash(view_of(value)) * 31u;
	for (uint32_t i = 1; i < declared->count; i++) {
		const struct declared_entry *entry = &declared->entries[i];
		if (entry->hash == hash && entry->kind == kind &&
		    entry->value_type == type &&
		    strcmp(entry->pointer, pointer) == 0 &&
		    (!value || strcmp(entry->value, value) == 0))
			return i;
	}
	if (declared->count == DECLARED_ENTRIES_MAX)
		return 0;
	struct declared_entry *entry = &declared->entries[declared->count];
	*entry = (struct declared_entry){
		.pointer =
		    schema_arena_text(&declared->arena, view_of(pointer)),
		.value = value,
		.hash = hash,
		.kind = (uint8_t)kind,
		.value_type = (uint8_t)type,
	};
	return declared->count++;
}

/* --- members --- */

static bool
is_required(const struct parts *parts, struct view name)
{
	for (uint32_t i = 0; i < parts->member_count; i++) {
		const struct schema_name *found =
		    schema_table_get(parts->members[i]->table, name);
		if (found && found->is_required && !parts->is_branch[i])
			return true;
	}
	return false;
}

static char *
child_pointer(
    struct schema_declared *declared, const char *pointer, struct view token)
{
	struct buf text;
	buf_init(&text, 0);
	buf_addf(&text, "%s/", pointer);
	buf_add_token(&text, token);
	char *copy = schema_arena_text(&declared->arena, buf_view(&text));
	buf_fini(&text);
	return copy;
}

/* The nodes that judge the member of this name. */
static struct node_set
member_set(const struct parts *parts, struct view name)
{
	struct node_set set = { .count = 0 };
	for (uint32_t i = 0; i < parts->member_count; i++) {
		const struct schema_name *found =
		    schema_table_get(parts->members[i]->table, name);
		if (found && found->is_declared)
			node_set_add(parts->declared->schema, &set, found->node,
			    parts->is_branch[i]);
	}
	return set;
}

static void
build_member(struct schema_declared *declared, const struct parts *parts,
    struct declared_place *place, uint32_t index, const char *pointer,
    const struct around *around)
{
	struct view name = place->names->names[index].text;
	struct node_set set = member_set(parts, name);
	const char *own = child_pointer(declared, pointer, name);
	uint32_t entry =
	    declared_entry(declared, DECLARED_MEMBER, own, NULL, 0);
	declared->entries[entry].name = name.data;
	declared->entries[entry].place = place->entry;
	place->name_info[index].entry = entry;
	place->name_info[index].place =
	    build_place(declared, &set, own, around);
	if (parts->decided->is_none)
		return;
	declared->entries[entry].types |=
	    declared_types(declared->schema, &set);
	declared->entries[entry].ways += is_required(parts, name);
}

static uint32_t
count_declared(const struct schema_members *members)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < members->table->count; i++)
		count += members->table->names[i].is_declared;
	return count;
}

/* A name can come only if each part that closes the object knows it, and none
 * forbids it. */
static bool
can_come(const struct parts *parts, struct view name)
{
	for (uint32_t i = 0; i < parts->member_count; i++) {
		const struct schema_members *members = parts->members[i];
		const struct schema_name *found =
		    schema_table_get(members->table, name);
		bool is_declared = found && found->is_declared;
		bool is_closed = members->marks_additional &&
		    members->other.node == SCHEMA_FALSE && !parts->is_branch[i];
		if (is_declared ? found->types == 0
				: is_closed && members->pattern_count == 0)
			return false;
	}
	return true;
}

static void
add_names(const struct parts *parts, struct declared_place *place,
    const struct schema_members *members)
{
	for (uint32_t i = 0; i < members->table->count; i++) {
		const struct schema_name *name = &members->table->names[i];
		if (name->is_declared && can_come(parts, name->text))
			schema_table_add(place->names, name->text);
	}
}

static void
build_members(struct schema_declared *declared, const struct parts *parts,
    struct declared_place *place, const char *pointer,
    const struct around *around)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < parts->member_count; i++) {
		most += count_declared(parts->members[i]);
		/* Of several sets of patterns the first is looked at. */
		if (place->pattern_count > 0)
			continue;
		place->patterns = parts->members[i]->patterns;
		place->pattern_count = parts->members[i]->pattern_count;
	}
	if (most == 0)
		return;
	place->tells_unknown = !parts->is_map && !parts->is_closed;
	place->names = schema_table_new(&declared->arena, most);
	place->name_info = schema_arena_get(
	    &declared->arena, most * sizeof(*place->name_info));
	for (uint32_t i = 0; i < parts->member_count; i++)
		add_names(parts, place, parts->members[i]);
	for (uint32_t i = 0; i < place->names->count; i++)
		build_member(declared, parts, place, i, pointer, around);
}

/* --- places --- */

static void
build_below(struct schema_declared *declared, const struct parts *parts,
    struct declared_place *place, const char *pointer,
    const struct around *around)
{
	struct node_set items = { .count = 0 };
	const char *below = child_pointer(declared, pointer, view_of("*"));
	for (uint32_t i = 0; i < parts->item_count; i++) {
		for (uint32_t n = 0; n < parts->items[i]->prefix_count; n++)
			node_set_add(declared->schema, &items,
			    parts->items[i]->prefix[n], true);
		node_set_add(declared->schema, &items, parts->items[i]->rest,
		    parts->items[i]->prefix_count > 0);
	}
	place->items = build_place(declared, &items, below, around);
	place->others = build_place(declared, &parts->others, below, around);
	if (parts->value_count > 0)
		place->values = declared_values_build(declared, parts->values,
		    parts->value_count, pointer, place->entry);
}

static void fill_place(struct schema_declared *declared,
    struct declared_place *place, const struct node_set *set,
    const struct decided *decided, const char *pointer,
    const struct around *around);

static struct declared_place *
new_place(struct schema_declared *declared, const char *pointer)
{
	struct declared_place *place =
	    schema_arena_get(&declared->arena, sizeof(*place));
	place->entry =
	    declared_entry(declared, DECLARED_PLACE, pointer, NULL, 0);
	declared->place_count++;
	return place;
}

static struct declared_place *
build_variant(struct schema_declared *declared, const struct node_set *set,
    const struct decided *decided, uint32_t node, const char *pointer,
    const struct around *around)
{
	struct declared_place *place = new_place(declared, pointer);
	struct decided further = *decided;
	further.nodes[further.count++] = node;
	fill_place(declared, place, set, &further, pointer, around);
	return place;
}

static void
build_decision(struct schema_declared *declared, struct declared_place *place,
    const struct schema_rule *rule, const struct node_set *set,
    const struct decided *decided, const char *pointer,
    const struct around *around)
{
	struct decided further = *decided;
	further.rules[further.count] = rule;
	struct declared_place ***variants = &place->decision.variants;
	if (rule->op == SCHEMA_OP_IF) {
		place->decision.choice = rule->choice;
		declared_watch_condition(declared, rule->choice->condition);
		*variants =
		    schema_arena_get(&declared->arena, 2 * sizeof(**variants));
		(*variants)[0] = build_variant(declared, set, &further,
		    rule->choice->then, pointer, around);
		(*variants)[1] = build_variant(declared, set, &further,
		    rule->choice->otherwise, pointer, around);
		return;
	}
	uint32_t count = rule->branches->count;
	place->decision.branches = rule->branches;
	*variants = schema_arena_get(
	    &declared->arena, (count + 1) * sizeof(**variants));
	for (uint32_t i = 0; i <= count; i++) {
		further.is_none |= i == count;
		(*variants)[i] = build_variant(declared, set, &further,
		    i < count ? rule->branches->nodes[i] : SCHEMA_TRUE, pointer,
		    around);
	}
	/* What selects no branch is not held against the others. */
	(*variants)[count]->tells_unknown = false;
}

static void
fill_place(struct schema_declared *declared, struct declared_place *place,
    const struct node_set *set, const struct decided *decided,
    const char *pointer, const struct around *around)
{
	struct parts parts = { .declared = declared, .decided = decided };
	parts_gather(&parts, set);
	if (parts.open && declared->place_count < PLACES_MAX) {
		build_decision(
		    declared, place, parts.open, set, decided, pointer, around);
		return;
	}
	if (!decided->is_none)
		declared->entries[place->entry].ways++;
	build_members(declared, &parts, place, pointer, around);
	build_below(declared, &parts, place, pointer, around);
}

static bool
is_same(const struct node_set *a, const struct node_set *b)
{
	bool is_same = a->count == b->count;
	for (uint32_t i = 0; i < a->count && is_same; i++)
		is_same = a->nodes[i]->fast == b->nodes[i]->fast;
	return is_same;
}

static struct declared_place *
find_around(const struct around *around, const struct node_set *set)
{
	for (; around; around = around->outer)
		if (is_same(around->set, set))
			return around->place;
	return NULL;
}

static bool
is_empty(const struct declared_place *place)
{
	return !place->names && !place->others && !place->items &&
	    !place->values && !place->decision.variants;
}

/* NULL when there is nothing to look into. */
static struct declared_place *
build_place(struct schema_declared *declared, const struct node_set *set,
    const char *pointer, const struct around *around)
{
	struct decided nothing = { .count = 0 };
	unsigned depth = around ? around->depth + 1 : 0;
	if (set->count == 0 || depth > PLACE_DEPTH ||
	    declared->place_count >= PLACES_MAX)
		return NULL;
	struct declared_place *place = find_around(around, set);
	if (place)
		return place;
	uint32_t entries = declared->count;
	place = new_place(declared, pointer);
	struct around inner = { around, set, place, depth };
	fill_place(declared, place, set, &nothing, pointer, &inner);
	if (!is_empty(place))
		return place;
	if (declared->count == entries + 1) /* take its entry back */
		declared->count = entries;
	return NULL;
}

/* --- life --- */

static void
mark_sole_values(struct schema_declared *declared)
{
	for (uint32_t i = 1; i < declared->count; i++) {
		struct declared_entry *entry = &declared->entries[i];
		entry->is_sole = entry->kind == DECLARED_VALUE;
		for (uint32_t n = 1; n < declared->count && entry->is_sole; n++)
			if (n != i && declared->entries[n].value &&
			    declared->entries[n].place == entry->place)
				entry->is_sole = false;
	}
}

struct schema_declared *
schema_declared_new(const struct schema *schema)
{
	struct schema_declared *declared = xcalloc(1, sizeof(*declared));
	struct node_set set = { .count = 0 };
	node_set_add(schema, &set, schema->root, false);
	declared->schema = schema;
	declared->entries =
	    xcalloc(DECLARED_ENTRIES_MAX, sizeof(*declared->entries));
	declared->entries[0].pointer = "";
	declared->count = 1;
	declared->root = build_place(declared, &set, "", NULL);
	declared->entries = xrealloc(
	    declared->entries, declared->count * sizeof(*declared->entries));
	mark_sole_values(declared);
	declared_watch_values(declared);
	return declared;
}

void
schema_declared_free(struct schema_declared **declared_p)
{
	struct schema_declared *declared = *declared_p;
	if (!declared)
		return;
	schema_arena_fini(&declared->arena);
	free(declared->watch.hashes);
	free(declared->entries);
	free(declared);
	*declared_p = NULL;
}

const struct declared_entry *
schema_declared_entries(
    const struct schema_declared *declared, uint32_t *count_r)
{
	*count_r = declared->count;
	return declared->entries;
}
