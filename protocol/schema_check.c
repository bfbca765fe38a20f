/* SPDX-License-Identifier: MIT */

/*
 * The hot path. A node is entered once for each instance value it applies to:
 * a type mask first, then its fast rules, cheapest first, until one fails.
 * Nothing is allocated; sets of evaluated members are kept only below a node
 * with an unevaluated… keyword.
 */

#include "schema_run.h"
#include "schema_table.h"

/* Not in the mask as it is written: 1.0 may still pass for an integer. */
__attribute__((noinline)) static bool
is_late_integer(
    unsigned types, const struct json_doc *doc, const struct json_node *value)
{
	if (value->type != JSON_NUMBER || !(types & TYPE_INTEGER))
		return false;
	struct decimal number =
	    decimal_of(json_text(doc, (uint32_t)(value - doc->nodes)));
	return decimal_is_integer(&number);
}

static bool run_members(struct schema_run *run,
    const struct schema_members *members, uint32_t at, schema_seen seen);
static bool run_plain_members(
    struct schema_run *run, const struct schema_members *members, uint32_t at);
static bool run_list(
    struct schema_run *run, const struct schema_list *list, uint32_t at);

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
	const struct schema_rule *end = node->run + node->run_count;
	for (const struct schema_rule *rule = node->run; rule < end; rule++)
		if ((rule->types & bit) && !run_leaf(run, rule, at))
			return false;
	return true;
}

/* Where the type leaves one branch, or none, that decides, whichever of anyOf
 * and oneOf it is. */
static inline bool
run_branches(struct schema_run *run, const struct schema_rule *rule,
    const struct json_node *value, schema_seen seen)
{
	const struct schema_branches *branches = rule->branches;
	uint32_t at = (uint32_t)(value - run->doc->nodes);
	if (seen || branches->fitting_count[value->type] > 1)
		return schema_run_logic(run, rule, at, seen);
	return branches->fitting_count[value->type] == 1 &&
	    schema_run_node(run, branches->fitting[value->type][0], at, 0);
}

static inline bool
run_one_rule(struct schema_run *run, const struct schema_rule *rule,
    uint32_t at, schema_seen seen)
{
	if (rule->op == SCHEMA_OP_MEMBERS)
		return run_members(run, rule->members, at, seen);
	if (rule->op == SCHEMA_OP_ANY_OF || rule->op == SCHEMA_OP_ONE_OF)
		return run_branches(run, rule, &run->doc->nodes[at], seen);
	return schema_run_rule(run, rule, at, seen);
}

static inline bool
run_rules(struct schema_run *run, const struct schema_node *node, uint32_t at,
    schema_seen seen)
{
	unsigned bit = TYPE_BIT(run->doc->nodes[at].type);
	const struct schema_rule *end = node->run + node->run_count;
	for (const struct schema_rule *rule = node->run; rule < end; rule++) {
		if (!(rule->types & bit))
			continue;
		if (!run_one_rule(run, rule, at, seen))
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

/* One level of the document deeper. Depth is asked here too, for this may lead
 * back to itself; steps are counted where branches are. */
static inline bool
run_structure(
    struct schema_run *run, const struct schema_node *node, uint32_t at)
{
	if (run->depth >= RUN_DEPTH_MAX) {
		run->is_aborted = true;
		return false;
	}
	run->depth++;
	bool is_valid = node->kind == KIND_LIST
	    ? run_list(run, node->list, at)
	    : run_plain_members(run, node->members, at);
	run->depth--;
	return is_valid;
}

/* Leaves need no guard, they are counted with the node that holds them. */
__attribute__((always_inline)) static inline bool
run_work(struct schema_run *run, const struct schema_node *node,
    const struct json_node *value, schema_seen seen)
{
	uint32_t at = (uint32_t)(value - run->doc->nodes);
	if (node->kind == KIND_STRINGS && value->type == JSON_STRING)
		return schema_table_look(node->strings, run->doc, value);
	if (node->kind >= KIND_MEMBERS && !seen)
		return run_structure(run, node, at);
	if (node->kind == KIND_LEAF || node->kind == KIND_STRINGS)
		return run_leaves(run, node, at);
	return run_inner(run, node, at, seen);
}

/* Types first: most nodes are done with them, so this half is made to be
 * inlined. */
__attribute__((always_inline)) static inline bool
run_node(struct schema_run *run, const struct schema_node *node,
    const struct json_node *value, schema_seen seen)
{
	unsigned bits = value->mask;
	if (!(node->accepts & bits) &&
	    !is_late_integer(node->accepts, run->doc, value))
		return false;
	return !(node->work & bits) || run_work(run, node, value, seen);
}

bool
schema_run_node(
    struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen)
{
	return run_node(run, &run->nodes[id], &run->doc->nodes[at], seen);
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
__attribute__((always_inline)) static inline bool
is_guessed(const struct schema_name *guess, const struct json_doc *doc,
    const struct json_node *key)
{
	return schema_same_key(guess, key) &&
	    schema_same_text(guess, doc, (size_t)key->start + 1);
}

/* A map: no member is known by name. */
static bool
run_map(struct schema_run *run, uint32_t id, uint32_t at)
{
	const struct json_doc *doc = run->doc;
	const struct json_node *end = doc->nodes + doc->nodes[at].next;
	const struct json_node *key = doc->nodes + at + 1;
	const struct schema_node *node = &run->nodes[id];
	for (; key < end; key = json_behind(doc, key + 1))
		if (!run_node(run, node, key + 1, 0))
			return false;
	return true;
}

/* The common case: no patterns, and nobody asks what was evaluated. */
__attribute__((noinline)) static bool
run_plain_members(
    struct schema_run *run, const struct schema_members *members, uint32_t at)
{
	const struct json_doc *doc = run->doc;
	const struct json_node *end = doc->nodes + doc->nodes[at].next;
	const struct json_node *key = doc->nodes + at + 1;
	const struct schema_name *guess = members->table->names;
	uint64_t present = 0;
	if (members->table->count == 0)
		return run_map(run, members->other.node, at);
	for (; key < end; key = json_behind(doc, key + 1)) {
		const struct json_node *value = key + 1;
		const struct schema_name *name = guess;
		unsigned bits = value->mask;
		if (!is_guessed(guess, doc, key))
			name = schema_table_look(members->table, doc, key);
		if (name)
			guess = name + 1;
		else
			name = &members->other;
		present |= name->bit;
		if (!(name->types & bits) &&
		    !is_late_integer(name->types, doc, value))
			return false;
		if ((name->work & bits) &&
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
		if (is_known &&
		    !run_node(run, &run->nodes[name->node], &nodes[key + 1], 0))
			return false;
		bool is_left = !is_known ||
		    (members->pattern_count > 0 && name->has_pattern);
		if (is_left &&
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
		if (!run_node(run, &run->nodes[node], &nodes[item], 0))
			return false;
		if (is_first || items->marks_rest)
			schema_seen_mark(run, seen, ordinal);
		ordinal++;
	}
	return true;
}

/* No prefix, and nobody asks what was evaluated. */
__attribute__((noinline)) static bool
run_plain_items(struct schema_run *run, uint32_t rest, uint32_t at)
{
	const struct json_doc *doc = run->doc;
	const struct json_node *end = doc->nodes + doc->nodes[at].next;
	const struct json_node *item = doc->nodes + at + 1;
	const struct schema_node *node = &run->nodes[rest];
	for (; item < end; item = json_behind(doc, item))
		if (!run_node(run, node, item, 0))
			return false;
	return true;
}

/* Items of which nothing but their types is asked. */
static inline bool
have_types(
    const struct json_doc *doc, const struct json_node *array, unsigned types)
{
	const struct json_node *end = doc->nodes + array->next;
	const struct json_node *item = array + 1;
	for (; item < end; item = json_behind(doc, item))
		if (!(types & item->mask) && !is_late_integer(types, doc, item))
			return false;
	return true;
}

static bool
run_list(struct schema_run *run, const struct schema_list *list, uint32_t at)
{
	const struct json_node *array = &run->doc->nodes[at];
	const struct schema_node *rest = &run->nodes[list->rest];
	if (array->count < list->min || array->count > list->max)
		return false;
	if (rest->work == 0)
		return have_types(run->doc, array, rest->accepts);
	return run_plain_items(run, list->rest, at);
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
		if (!seen && rule->items->prefix_count == 0)
			return run_plain_items(run, rule->items->rest, at);
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
