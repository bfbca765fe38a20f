/* SPDX-License-Identifier: MIT */
#include "schema_declared_parts.h"

#include "schema_run.h"
#include "schema_table.h"

/* Enough for any event worth its schema; a bound for the others. */
#define MEMBERS_MAX 512

struct walk {
	struct schema_run run;
	const struct json_node *nodes;
	_Atomic uint64_t *seen;
	declared_unknown_fn *unknown;
	void *arg;
	uint32_t left; /* members and items yet to be looked at */
};

static inline void
mark(struct walk *walk, uint32_t entry)
{
	_Atomic uint64_t *word = &walk->seen[entry / 64];
	uint64_t bit = UINT64_C(1) << entry % 64;
	uint64_t old = atomic_load_explicit(word, memory_order_relaxed);
	if (!(old & bit))
		atomic_store_explicit(word, old | bit, memory_order_relaxed);
}

static const struct declared_place *
choose_branch(
    struct walk *walk, const struct declared_decision *decision, uint32_t at)
{
	const struct schema_branches *branches = decision->branches;
	enum json_type type = walk->nodes[at].type;
	uint32_t id = SCHEMA_FALSE;
	if (type == JSON_OBJECT)
		schema_run_select(&walk->run, branches, at, &id);
	else if (branches->fitting_count[type] > 0)
		id = branches->fitting[type][0];
	for (uint32_t i = 0; i < branches->count; i++)
		if (branches->nodes[i] == id)
			return decision->variants[i];
	return decision->variants[branches->count];
}

/* The variant of the place that the value takes. */
static const struct declared_place *
decide(struct walk *walk, const struct declared_place *place, uint32_t at)
{
	while (place->decision.variants) {
		const struct declared_decision *decision = &place->decision;
		if (decision->branches) {
			place = choose_branch(walk, decision, at);
			continue;
		}
		bool holds = schema_run_node(
		    &walk->run, decision->choice->condition, at, 0);
		place = decision->variants[holds ? 0 : 1];
	}
	return place;
}

static void walk_value(
    struct walk *walk, const struct declared_place *place, uint32_t at);

static bool
fits_pattern(
    struct walk *walk, const struct declared_place *place, uint32_t key)
{
	for (uint32_t i = 0; i < place->pattern_count; i++)
		if (schema_run_matches(
			&walk->run, place->patterns[i].regex, key))
			return true;
	return false;
}

static void
walk_member(struct walk *walk, const struct declared_place *place,
    uint32_t object, uint32_t key)
{
	const struct schema_name *name = place->names
	    ? schema_table_find(place->names, walk->run.doc, key)
	    : NULL;
	if (name) {
		const struct declared_name *info =
		    &place->name_info[name - place->names->names];
		mark(walk, info->entry);
		if (info->place)
			walk_value(walk, info->place, key + 1);
		return;
	}
	if (place->others)
		walk_value(walk, place->others, key + 1);
	else if (place->tells_unknown && !fits_pattern(walk, place, key))
		walk->unknown(walk->arg, place->entry, object, key);
}

static void
walk_object(
    struct walk *walk, const struct declared_place *place, uint32_t object)
{
	const struct json_node *nodes = walk->nodes;
	uint32_t end = nodes[object].next;
	if (!place->names && !place->others)
		return;
	mark(walk, place->entry);
	for (uint32_t key = object + 1; key < end && walk->left > 0;
	     key = nodes[key + 1].next) {
		walk->left--;
		walk_member(walk, place, object, key);
	}
}

static void
walk_array(
    struct walk *walk, const struct declared_place *place, uint32_t array)
{
	const struct json_node *nodes = walk->nodes;
	if (!place->items)
		return;
	for (uint32_t item = array + 1;
	     item < nodes[array].next && walk->left > 0;
	     item = nodes[item].next) {
		walk->left--;
		walk_value(walk, place->items, item);
	}
}

static void
mark_number(
    struct walk *walk, const struct declared_values *values, uint32_t at)
{
	struct decimal value = decimal_of(json_text(walk->run.doc, at));
	for (uint32_t i = 0; i < values->number_count; i++)
		if (decimal_compare(&values->numbers[i].value, &value) == 0)
			mark(walk, values->numbers[i].entry);
}

static void
walk_scalar(struct walk *walk, const struct declared_place *place, uint32_t at)
{
	const struct declared_values *values = place->values;
	uint8_t type = walk->nodes[at].type;
	if (!values)
		return;
	mark(walk, place->entry);
	if (type <= JSON_TRUE) {
		mark(walk, values->simple[type]);
		return;
	}
	if (type == JSON_NUMBER) {
		mark_number(walk, values, at);
		return;
	}
	const struct schema_name *name =
	    schema_table_find(values->strings, walk->run.doc, at);
	if (name)
		mark(walk,
		    values->string_entries[name - values->strings->names]);
}

static void
walk_value(struct walk *walk, const struct declared_place *place, uint32_t at)
{
	place = decide(walk, place, at);
	switch ((enum json_type)walk->nodes[at].type) {
	case JSON_OBJECT:
		walk_object(walk, place, at);
		break;
	case JSON_ARRAY:
		walk_array(walk, place, at);
		break;
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
	case JSON_NUMBER:
	case JSON_STRING:
		walk_scalar(walk, place, at);
		break;
	}
}

void
schema_declared_walk(const struct schema_declared *declared,
    struct schema_scratch *scratch, const struct json_doc *doc,
    _Atomic uint64_t *seen, declared_unknown_fn *unknown, void *arg)
{
	struct walk walk = { .nodes = doc->nodes,
		.seen = seen,
		.unknown = unknown,
		.arg = arg,
		.left = MEMBERS_MAX };
	if (!declared->root)
		return;
	schema_run_init(&walk.run, declared->schema, scratch, doc);
	walk_value(&walk, declared->root, 0);
}
