/* SPDX-License-Identifier: MIT */

/*
 * Branches, conditions, and the sets of evaluated members and items. A branch
 * that may fail writes to a set of its own, merged only when it holds.
 */

#include "schema_run.h"
#include "schema_table.h"
#include "xmalloc.h"

static uint32_t
words_of(const struct schema_run *run, uint32_t at)
{
	return run->doc->nodes[at].count / 64 + 1;
}

schema_seen
schema_seen_push(struct schema_run *run, uint32_t at)
{
	struct schema_scratch *scratch = run->scratch;
	bool is_container = run->doc->nodes[at].type >= JSON_ARRAY;
	uint32_t words = is_container ? words_of(run, at) : 1;
	uint32_t seen = scratch->bit_words + 1; /* its size stands before it */
	uint64_t needed = (uint64_t)seen + words;
	if (needed > scratch->bit_capacity) {
		scratch->bit_capacity = (uint32_t)(2 * needed);
		scratch->bits = xrealloc(scratch->bits,
		    scratch->bit_capacity * sizeof(*scratch->bits));
	}
	scratch->bits[seen - 1] = words;
	memset(scratch->bits + seen, 0, words * sizeof(*scratch->bits));
	scratch->bit_words = (uint32_t)needed;
	return seen;
}

void
schema_seen_pop(struct schema_run *run, schema_seen seen)
{
	run->scratch->bit_words = seen - 1;
}

void
schema_seen_merge(struct schema_run *run, schema_seen into, schema_seen from)
{
	uint64_t *bits = run->scratch->bits;
	for (uint64_t i = 0; i < bits[from - 1]; i++)
		bits[into + i] |= bits[from + i];
}

void
schema_seen_all(struct schema_run *run, schema_seen seen)
{
	uint64_t *bits = run->scratch->bits;
	if (seen)
		memset(bits + seen, 0xff, bits[seen - 1] * sizeof(*bits));
}

/* A branch whose failure is no failure of ours. */
static bool
run_branch(struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen)
{
	if (!seen)
		return schema_run_node(run, id, at, 0);
	schema_seen own = schema_seen_push(run, at);
	bool is_valid = schema_run_node(run, id, at, own);
	if (is_valid)
		schema_seen_merge(run, seen, own);
	schema_seen_pop(run, own);
	return is_valid;
}

/* With a selector only one branch can match; *id_r is SCHEMA_FALSE when none
 * can. False: it must be tried. */
bool
schema_run_select(struct schema_run *run,
    const struct schema_branches *branches, uint32_t at, uint32_t *id_r)
{
	if (!branches->table || run->doc->nodes[at].type != JSON_OBJECT)
		return false;
	uint32_t value = schema_run_member(run, at, &branches->selector);
	*id_r = SCHEMA_FALSE;
	if (!value)
		return branches->needs_selector;
	if (run->doc->nodes[value].type != JSON_STRING)
		return true;
	const struct schema_name *name =
	    schema_table_find(branches->table, run->doc, value);
	if (name)
		*id_r = branches->nodes[name->node];
	return true;
}

/* Without a selector only those branches are tried that may accept the type. */
static bool
run_any_of(struct schema_run *run, const struct schema_branches *branches,
    uint32_t at, schema_seen seen)
{
	uint32_t selected = 0;
	if (schema_run_select(run, branches, at, &selected))
		return run_branch(run, selected, at, seen);
	unsigned type = run->doc->nodes[at].type;
	const uint32_t *nodes = branches->fitting[type];
	bool is_valid = false;
	for (uint32_t i = 0; i < branches->fitting_count[type]; i++) {
		if (run_branch(run, nodes[i], at, seen))
			is_valid = true;
		if (is_valid && !seen)
			return true;
	}
	return is_valid;
}

static bool
run_one_of(struct schema_run *run, const struct schema_branches *branches,
    uint32_t at, schema_seen seen)
{
	uint32_t selected = 0;
	if (schema_run_select(run, branches, at, &selected))
		return run_branch(run, selected, at, seen);
	unsigned type = run->doc->nodes[at].type;
	const uint32_t *nodes = branches->fitting[type];
	uint32_t matches = 0;
	for (uint32_t i = 0; i < branches->fitting_count[type]; i++) {
		matches += run_branch(run, nodes[i], at, seen);
		if (matches > 1)
			return false;
	}
	return matches == 1;
}

static bool
run_choice(struct schema_run *run, const struct schema_choice *choice,
    uint32_t at, schema_seen seen)
{
	bool holds = run_branch(run, choice->condition, at, seen);
	uint32_t node = holds ? choice->then : choice->otherwise;
	return schema_run_node(run, node, at, seen);
}

uint32_t
schema_run_dynamic(
    const struct schema_run *run, const struct schema_dynamic *dynamic)
{
	uint32_t node = dynamic->fallback;
	for (const struct schema_scope *scope = run->scope; scope;
	     scope = scope->outer)
		if (dynamic->targets[scope->resource] != UINT32_MAX)
			node = dynamic->targets[scope->resource];
	return node;
}

/* Members and items alike: `at + 1` and steps to the next value. */
static bool
run_unevaluated(
    struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen)
{
	const struct json_node *nodes = run->doc->nodes;
	uint32_t step = nodes[at].type == JSON_OBJECT;
	uint32_t ordinal = 0;
	for (uint32_t value = at + 1 + step; value < nodes[at].next + step;
	     value = nodes[value].next + step) {
		if (!schema_seen_has(run, seen, ordinal) &&
		    !schema_run_node(run, id, value, 0))
			return false;
		ordinal++;
	}
	schema_seen_all(run, seen);
	return true;
}

bool
schema_run_logic(struct schema_run *run, const struct schema_rule *rule,
    uint32_t at, schema_seen seen)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_DYNAMIC_REF:
		return schema_run_node(
		    run, schema_run_dynamic(run, rule->dynamic), at, seen);
	case SCHEMA_OP_ANY_OF:
		return run_any_of(run, rule->branches, at, seen);
	case SCHEMA_OP_ONE_OF:
		return run_one_of(run, rule->branches, at, seen);
	case SCHEMA_OP_NOT:
		return !schema_run_node(run, rule->node, at, 0);
	case SCHEMA_OP_IF:
		return run_choice(run, rule->choice, at, seen);
	case SCHEMA_OP_DEPENDENT_SCHEMAS:
		return !schema_run_member(run, at, &rule->dependency->name) ||
		    schema_run_node(run, rule->dependency->name.node, at, seen);
	default:
		return run_unevaluated(run, rule->node, at, seen);
	}
}
