/* SPDX-License-Identifier: MIT */

/*
 * The hot path. A node is entered once for each instance value it applies to:
 * a type mask first, then its fast rules, cheapest first, until one fails.
 * Nothing is allocated; sets of evaluated members are kept only below a node
 * with an unevaluated… keyword.
 */

#include "schema_run.h"
#include "schema_table.h"
#include "xmalloc.h"

#include <stdlib.h>

static bool
is_whole(const struct json_doc *doc, uint32_t at)
{
	if (doc->nodes[at].flags & JSON_IS_PLAIN_INTEGER)
		return true;
	struct decimal number = decimal_of(json_text(doc, at));
	return decimal_is_integer(&number);
}

static bool run_members(struct schema_run *run,
    const struct schema_members *members, uint32_t at, schema_seen seen);

/* Not in the mask: a whole number may still pass for an integer. */
static bool
is_integer(unsigned types, const struct json_doc *doc, uint32_t at)
{
	return doc->nodes[at].type == JSON_NUMBER && (types & TYPE_INTEGER) &&
	    is_whole(doc, at);
}

/* The commonest rules without a call. */
static inline bool
run_leaf(struct schema_run *run, const struct schema_rule *rule, uint32_t at)
{
	const struct json_node *value = &run->doc->nodes[at];
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_MAX_LENGTH:
		return value->count <= rule->limit;
	case SCHEMA_OP_MIN_LENGTH:
		return value->count >= rule->limit;
	case SCHEMA_OP_CONST:
	case SCHEMA_OP_ENUM:
		if (value->type == JSON_STRING)
			return schema_table_look(
			    rule->values->strings, run->doc, value);
		return schema_run_leaf(run, rule, at);
	default:
		return schema_run_leaf(run, rule, at);
	}
}

__attribute__((noinline)) static bool
run_leaves(struct schema_run *run, const struct schema_node *node, uint32_t at)
{
	unsigned bit = TYPE_BIT(run->doc->nodes[at].type);
	const struct schema_rule *end = node->fast + node->fast_count;
	for (const struct schema_rule *rule = node->fast; rule < end; rule++)
		if ((rule->types & bit) && !run_leaf(run, rule, at))
			return false;
	return true;
}

static inline bool
run_rules(struct schema_run *run, const struct schema_node *node, uint32_t at,
    schema_seen seen)
{
	unsigned bit = TYPE_BIT(run->doc->nodes[at].type);
	const struct schema_rule *end = node->fast + node->fast_count;
	for (const struct schema_rule *rule = node->fast; rule < end; rule++) {
		if (!(rule->types & bit))
			continue;
		bool holds = rule->op == SCHEMA_OP_MEMBERS
		    ? run_members(run, rule->members, at, seen)
		    : schema_run_rule(run, rule, at, seen);
		if (!holds)
			return false;
	}
	return true;
}

/* A node with unevaluated… judges by what it and its parts have evaluated,
 * not by what its neighbours have. */
static bool
run_tracking(struct schema_run *run, const struct schema_node *node,
    uint32_t at, schema_seen seen)
{
	schema_seen own = schema_seen_push(run, at);
	bool is_valid = run_rules(run, node, at, own);
	if (is_valid && seen)
		schema_seen_merge(run, seen, own);
	schema_seen_pop(run, own);
	return is_valid;
}

static bool
run_in_scope(struct schema_run *run, const struct schema_node *node,
    uint32_t at, schema_seen seen)
{
	struct schema_scope scope = { run->scope, node->resource };
	if (!run->scope || run->scope->resource != node->resource)
		run->scope = &scope;
	bool is_valid = node->tracks ? run_tracking(run, node, at, seen)
				     : run_rules(run, node, at, seen);
	run->scope = scope.outer;
	return is_valid;
}

__attribute__((noinline)) static bool
run_inner(struct schema_run *run, const struct schema_node *node, uint32_t at,
    schema_seen seen)
{
	if (run->depth >= RUN_DEPTH_MAX || run->steps_left == 0)
		run->is_aborted = true;
	if (run->is_aborted)
		return false;
	run->steps_left--;
	run->depth++;
	bool is_valid = run->is_dynamic || node->tracks
	    ? run_in_scope(run, node, at, seen)
	    : run_rules(run, node, at, seen);
	run->depth--;
	return is_valid;
}

/* Leaves need no guard, they are counted with the node that holds them. */
static inline bool
run_work(struct schema_run *run, const struct schema_node *node, uint32_t at,
    schema_seen seen)
{
	return node->is_leaf ? run_leaves(run, node, at)
			     : run_inner(run, node, at, seen);
}

/* Types first: most nodes are done with them, so this half is made to be
 * inlined. */
__attribute__((always_inline)) static inline bool
run_node(struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen)
{
	const struct schema_node *node = &run->nodes[id];
	unsigned bit = TYPE_BIT(run->doc->nodes[at].type);
	if (!(node->types & bit) && !is_integer(node->types, run->doc, at))
		return false;
	return !(node->work & bit) || run_work(run, node, at, seen);
}

bool
schema_run_node(
    struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen)
{
	return run_node(run, id, at, seen);
}

/* A member that is not in `properties`, or that patterns may know too. */
static bool
run_other_member(struct schema_run *run, const struct schema_members *members,
    uint32_t key, bool is_known, bool *is_seen)
{
	for (uint32_t i = 0; i < members->pattern_count; i++) {
		const struct schema_pattern *pattern = &members->patterns[i];
		if (!schema_run_matches(run, pattern->regex, key))
			continue;
		is_known = true;
		if (!schema_run_node(run, pattern->node, key + 1, 0))
			return false;
	}
	*is_seen = is_known || members->marks_additional;
	if (is_known || members->other.node == SCHEMA_TRUE)
		return true;
	return schema_run_node(run, members->other.node, key + 1, 0);
}

/* Required names beyond those that fit into the mask. */
static bool
has_late_names(
    struct schema_run *run, const struct schema_members *members, uint32_t at)
{
	for (uint32_t i = 0; i < members->table->count; i++) {
		const struct schema_name *name = &members->table->names[i];
		if (name->is_required && name->bit == 0 &&
		    !schema_run_member(run, at, name))
			return false;
	}
	return true;
}

/* Members mostly come in the order of the schema: try the next name first. */
__attribute__((always_inline)) static inline const struct schema_name *
find_name(const struct schema_members *members, const struct json_doc *doc,
    const struct json_node *key, const struct schema_name *guess)
{
	const struct schema_table *table = members->table;
	if (guess < table->names + table->count &&
	    schema_name_fits(guess, doc, key))
		return guess;
	const struct schema_name *name = schema_table_look(table, doc, key);
	return name ? name : &members->other;
}

/* The common case: no patterns, and nobody asks what was evaluated. */
static bool
run_plain_members(
    struct schema_run *run, const struct schema_members *members, uint32_t at)
{
	const struct json_doc *doc = run->doc;
	const struct json_node *end = doc->nodes + doc->nodes[at].next;
	const struct json_node *key = doc->nodes + at + 1;
	const struct schema_name *guess = members->table->names;
	uint64_t present = 0;
	for (; key < end; key = doc->nodes + key[1].next) {
		const struct schema_name *name =
		    find_name(members, doc, key, guess);
		unsigned bit = TYPE_BIT(key[1].type);
		uint32_t value = (uint32_t)(key + 1 - doc->nodes);
		present |= name->bit;
		if (name != &members->other)
			guess = name + 1;
		if (!(name->types & bit) &&
		    !is_integer(name->types, doc, value))
			return false;
		if ((name->work & bit) &&
		    !run_work(run, &run->nodes[name->node], value, 0))
			return false;
	}
	if ((present & members->required) != members->required)
		return false;
	return !members->has_late || has_late_names(run, members, at);
}

static bool
run_members(struct schema_run *run, const struct schema_members *members,
    uint32_t at, schema_seen seen)
{
	const struct json_node *nodes = run->doc->nodes;
	uint64_t present = 0;
	uint32_t ordinal = 0;
	if (!seen && members->pattern_count == 0)
		return run_plain_members(run, members, at);
	for (uint32_t key = at + 1; key < nodes[at].next;
	     key = nodes[key + 1].next) {
		const struct schema_name *name =
		    schema_table_find(members->table, run->doc, key);
		bool is_known = name && name->is_declared;
		bool is_seen = is_known;
		if (name)
			present |= name->bit;
		if (is_known && !run_node(run, name->node, key + 1, 0))
			return false;
		if ((!is_known || members->pattern_count > 0) &&
		    !run_other_member(run, members, key, is_known, &is_seen))
			return false;
		if (is_seen)
			schema_seen_mark(run, seen, ordinal);
		ordinal++;
	}
	if ((present & members->required) != members->required)
		return false;
	return !members->has_late || has_late_names(run, members, at);
}

static bool
run_items(struct schema_run *run, const struct schema_items *items, uint32_t at,
    schema_seen seen)
{
	const struct json_node *nodes = run->doc->nodes;
	uint32_t ordinal = 0;
	for (uint32_t item = at + 1; item < nodes[at].next;
	     item = nodes[item].next) {
		bool is_first = ordinal < items->prefix_count;
		uint32_t node = is_first ? items->prefix[ordinal] : items->rest;
		if (!run_node(run, node, item, 0))
			return false;
		if (is_first || items->marks_rest)
			schema_seen_mark(run, seen, ordinal);
		ordinal++;
	}
	return true;
}

static bool
run_contains(struct schema_run *run, const struct schema_contains *contains,
    uint32_t at, schema_seen seen)
{
	const struct json_node *nodes = run->doc->nodes;
	bool stops_early = !seen && contains->max == UINT64_MAX;
	uint64_t found = 0;
	uint32_t ordinal = 0;
	for (uint32_t item = at + 1; item < nodes[at].next;
	     item = nodes[item].next) {
		if (stops_early && found >= contains->min)
			return true;
		if (schema_run_node(run, contains->node, item, 0)) {
			found++;
			if (contains->marks)
				schema_seen_mark(run, seen, ordinal);
		}
		ordinal++;
	}
	return found >= contains->min && found <= contains->max;
}

static bool
run_property_names(struct schema_run *run, uint32_t id, uint32_t at)
{
	const struct json_node *nodes = run->doc->nodes;
	for (uint32_t key = at + 1; key < nodes[at].next;
	     key = nodes[key + 1].next)
		if (!schema_run_node(run, id, key, 0))
			return false;
	return true;
}

bool
schema_run_rule(struct schema_run *run, const struct schema_rule *rule,
    uint32_t at, schema_seen seen)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_MEMBERS:
	case SCHEMA_OP_PROPERTIES:
	case SCHEMA_OP_PATTERN_PROPERTIES:
	case SCHEMA_OP_ADDITIONAL_PROPERTIES:
	case SCHEMA_OP_REQUIRED:
		return run_members(run, rule->members, at, seen);
	case SCHEMA_OP_ITEMS:
	case SCHEMA_OP_PREFIX_ITEMS:
	case SCHEMA_OP_ADDITIONAL_ITEMS:
		return run_items(run, rule->items, at, seen);
	case SCHEMA_OP_CONTAINS:
		return run_contains(run, rule->contains, at, seen);
	case SCHEMA_OP_PROPERTY_NAMES:
		return run_property_names(run, rule->node, at);
	case SCHEMA_OP_REF:
	case SCHEMA_OP_ALL_OF:
		return schema_run_node(run, rule->node, at, seen);
	case SCHEMA_OP_DYNAMIC_REF:
	case SCHEMA_OP_ANY_OF:
	case SCHEMA_OP_ONE_OF:
	case SCHEMA_OP_NOT:
	case SCHEMA_OP_IF:
	case SCHEMA_OP_DEPENDENT_SCHEMAS:
	case SCHEMA_OP_UNEVALUATED_ITEMS:
	case SCHEMA_OP_UNEVALUATED_PROPERTIES:
		return schema_run_logic(run, rule, at, seen);
	default: /* all that need nothing but the value */
		return schema_run_leaf(run, rule, at);
	}
}

void
schema_run_init(struct schema_run *run, const struct schema *schema,
    struct schema_scratch *scratch, const struct json_doc *doc)
{
	*run = (struct schema_run){
		.schema = schema,
		.nodes = schema->nodes,
		.is_dynamic = schema->is_dynamic,
		.doc = doc,
		.scratch = scratch,
		.steps_left =
		    RUN_STEPS_MIN + (uint64_t)doc->count * RUN_STEPS_PER_NODE,
	};
	scratch->bit_words = 1; /* 0 means: no set */
	scratch->key_count = 0;
}

bool
schema_check(const struct schema *schema, struct schema_scratch *scratch,
    const struct json_doc *doc, uint32_t node)
{
	struct schema_run run;
	schema_run_init(&run, schema, scratch, doc);
	bool is_valid = schema_run_node(&run, schema->root, node, 0);
	return is_valid && !run.is_aborted;
}

struct schema_scratch *
schema_scratch_new(void)
{
	struct schema_scratch *scratch = xcalloc(1, sizeof(*scratch));
	buf_init(&scratch->text, 0);
	buf_init(&scratch->other, 0);
	scratch->matcher = schema_matcher_new();
	/* The hash of strings is drawn anew for each process; borrow that. */
	uint64_t high = json_hash(view_of("seed"));
	uint64_t low = json_hash(view_of("unique"));
	scratch->seed = (high << 32 | low) | 1;
	return scratch;
}

void
schema_scratch_free(struct schema_scratch **scratch)
{
	if (!*scratch)
		return;
	buf_fini(&(*scratch)->text);
	buf_fini(&(*scratch)->other);
	free((*scratch)->bits);
	free((*scratch)->keys);
	schema_matcher_free(&(*scratch)->matcher);
	free(*scratch);
	*scratch = NULL;
}
