/* SPDX-License-Identifier: MIT */

/*
 * Why an instance was refused: the plain rules in the author's order, all of
 * them, each told at the instance location where it failed. Of branches only
 * the one that was meant is told of: the one that the selector picks, or the
 * only one whose type fits.
 */

#include "schema_explain.h"

#include "schema_table.h"

#include <stdio.h>

static void explain_node(struct schema_explain *explain, uint32_t id,
    struct schema_spot spot, enum schema_op op);

static bool
is_full(const struct schema_explain *explain)
{
	return explain->count >= explain->max || explain->run.is_aborted;
}

static void
explain_member(struct schema_explain *explain, uint32_t id, uint32_t key,
    const struct schema_spot *object, enum schema_op op)
{
	struct schema_step step = { object->path, key, 0 };
	struct schema_spot spot = { key + 1, &step, object->refusal };
	explain_node(explain, id, spot, op);
}

static void
explain_properties(struct schema_explain *explain,
    const struct schema_members *members, const struct schema_spot *spot)
{
	const struct schema_table *table = members->table;
	for (uint32_t i = 0; i < table->count && !is_full(explain); i++) {
		const struct schema_name *name = &table->names[i];
		uint32_t value = 0;
		if (name->is_declared)
			value =
			    schema_run_member(&explain->run, spot->at, name);
		if (value)
			explain_member(explain, name->node, value - 1, spot,
			    SCHEMA_OP_PROPERTIES);
	}
}

/* Runs the patterns over one member; true when it is known by one of them or
 * by name. */
static bool
explain_patterns(struct schema_explain *explain,
    const struct schema_members *members, uint32_t key,
    const struct schema_spot *spot)
{
	const struct schema_name *name =
	    schema_table_find(members->table, explain->run.doc, key);
	bool is_known = name && name->is_declared;
	for (uint32_t i = 0; i < members->pattern_count; i++) {
		const struct schema_pattern *pattern = &members->patterns[i];
		if (!schema_run_matches(&explain->run, pattern->regex, key))
			continue;
		is_known = true;
		if (spot)
			explain_member(explain, pattern->node, key, spot,
			    SCHEMA_OP_PATTERN_PROPERTIES);
	}
	return is_known;
}

static void
report_unknown(struct schema_explain *explain, uint32_t id, uint32_t key,
    const struct schema_spot *object, enum schema_op op)
{
	struct schema_step step = { object->path, key, 0 };
	struct schema_spot spot = { key + 1, &step, object->refusal };
	struct violation *violation = schema_report(explain, &spot, op);
	if (!violation)
		return;
	schema_copy_text(violation->expected, sizeof(violation->expected),
	    view_of("only declared members"));
	schema_copy_text(violation->got, sizeof(violation->got),
	    view_of("an unknown member"));
	schema_hint_member(explain, id, object->at, key, violation);
}

/* patternProperties, or what is left for additionalProperties. */
static void
explain_others(struct schema_explain *explain, uint32_t id,
    const struct schema_rule *rule, const struct schema_spot *spot)
{
	const struct json_node *nodes = explain->run.doc->nodes;
	const struct schema_members *members = rule->members;
	bool tells_patterns = rule->op == SCHEMA_OP_PATTERN_PROPERTIES;
	for (uint32_t key = spot->at + 1;
	     key < nodes[spot->at].next && !is_full(explain);
	     key = nodes[key + 1].next) {
		bool is_known = explain_patterns(
		    explain, members, key, tells_patterns ? spot : NULL);
		if (is_known || tells_patterns)
			continue;
		if (members->other.node == SCHEMA_FALSE)
			report_unknown(explain, id, key, spot,
			    SCHEMA_OP_ADDITIONAL_PROPERTIES);
		else
			explain_member(explain, members->other.node, key, spot,
			    SCHEMA_OP_ADDITIONAL_PROPERTIES);
	}
}

static void
report_missing(struct schema_explain *explain, uint32_t id,
    const struct schema_name *name, const struct schema_spot *spot,
    enum schema_op op)
{
	struct violation *violation = schema_report(explain, spot, op);
	if (!violation)
		return;
	schema_copy_text(
	    violation->expected, sizeof(violation->expected), name->text);
	schema_copy_text(
	    violation->got, sizeof(violation->got), view_of("no such member"));
	schema_hint_missing(explain, id, spot->at, name, violation);
}

static void
explain_required(struct schema_explain *explain, uint32_t id,
    const struct schema_members *members, const struct schema_spot *spot)
{
	for (uint32_t i = 0; i < members->table->count; i++) {
		const struct schema_name *name = &members->table->names[i];
		if (name->is_required &&
		    !schema_run_member(&explain->run, spot->at, name))
			report_missing(
			    explain, id, name, spot, SCHEMA_OP_REQUIRED);
	}
}

static void
explain_dependent(struct schema_explain *explain, uint32_t id,
    const struct schema_rule *rule, const struct schema_spot *spot)
{
	const struct schema_dependency *dependency = rule->dependency;
	if (!schema_run_member(&explain->run, spot->at, &dependency->name))
		return;
	if (rule->op == SCHEMA_OP_DEPENDENT_SCHEMAS) {
		explain_node(explain, dependency->name.node, *spot, rule->op);
		return;
	}
	for (uint32_t i = 0; i < dependency->need_count; i++)
		if (!schema_run_member(
			&explain->run, spot->at, &dependency->needs[i]))
			report_missing(
			    explain, id, &dependency->needs[i], spot, rule->op);
}

static void
explain_items(struct schema_explain *explain, const struct schema_rule *rule,
    const struct schema_spot *spot)
{
	const struct json_node *nodes = explain->run.doc->nodes;
	const struct schema_items *items = rule->items;
	bool tells_prefix = rule->op == SCHEMA_OP_PREFIX_ITEMS;
	struct schema_step step = { spot->path, 0, 0 };
	for (uint32_t item = spot->at + 1;
	     item < nodes[spot->at].next && !is_full(explain);
	     item = nodes[item].next) {
		bool is_prefix = step.ordinal < items->prefix_count;
		struct schema_spot inner = { item, &step, spot->refusal };
		if (is_prefix && tells_prefix)
			explain_node(explain, items->prefix[step.ordinal],
			    inner, rule->op);
		if (!is_prefix && !tells_prefix)
			explain_node(explain, items->rest, inner, rule->op);
		step.ordinal++;
	}
}

static void
explain_names(struct schema_explain *explain, const struct schema_rule *rule,
    const struct schema_spot *object)
{
	const struct json_node *nodes = explain->run.doc->nodes;
	for (uint32_t key = object->at + 1;
	     key < nodes[object->at].next && !is_full(explain);
	     key = nodes[key + 1].next) {
		struct schema_step step = { object->path, key, 0 };
		struct schema_spot spot = { key, &step, object->refusal };
		if (!schema_run_node(&explain->run, rule->node, key, 0))
			explain_node(explain, rule->node, spot, rule->op);
	}
}

static void
explain_unevaluated(struct schema_explain *explain, uint32_t id,
    const struct schema_rule *rule, const struct schema_spot *spot,
    schema_seen seen)
{
	const struct json_node *nodes = explain->run.doc->nodes;
	bool is_object = rule->op == SCHEMA_OP_UNEVALUATED_PROPERTIES;
	struct schema_step step = { spot->path, 0, 0 };
	for (uint32_t at = spot->at + 1; at < nodes[spot->at].next;) {
		uint32_t value = at + is_object;
		struct schema_spot inner = { value, &step, spot->refusal };
		bool is_seen =
		    schema_seen_has(&explain->run, seen, step.ordinal);
		step.key = is_object ? at : 0;
		if (!is_seen && is_object && rule->node == SCHEMA_FALSE)
			report_unknown(explain, id, at, spot, rule->op);
		else if (!is_seen)
			explain_node(explain, rule->node, inner, rule->op);
		step.ordinal++;
		at = nodes[value].next;
	}
}

/* Only when all else holds: what a failed part has evaluated is not known, and
 * guesses would bury the cause. */
static void
explain_leftovers(
    struct schema_explain *explain, uint32_t id, const struct schema_spot *spot)
{
	const struct schema_node *node = &explain->run.schema->nodes[id];
	unsigned bit = TYPE_BIT(explain->run.doc->nodes[spot->at].type);
	schema_seen seen = schema_seen_push(&explain->run, spot->at);
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		bool is_last = rule->op == SCHEMA_OP_UNEVALUATED_ITEMS ||
		    rule->op == SCHEMA_OP_UNEVALUATED_PROPERTIES;
		if (!(rule->types & bit))
			continue;
		if (is_last)
			explain_unevaluated(explain, id, rule, spot, seen);
		else
			schema_run_rule(&explain->run, rule, spot->at, seen);
	}
	schema_seen_pop(&explain->run, seen);
}

/* The selector has a value that no branch knows, or is not there. */
static void
report_selector(struct schema_explain *explain,
    const struct schema_branches *branches, const struct schema_spot *object)
{
	uint32_t value =
	    schema_run_member(&explain->run, object->at, &branches->selector);
	if (!value) {
		report_missing(explain, branches->fitting[JSON_OBJECT][0],
		    &branches->selector, object, SCHEMA_OP_REQUIRED);
		return;
	}
	struct schema_step step = { object->path, value - 1, 0 };
	struct schema_spot spot = { value, &step, object->refusal };
	struct violation *violation =
	    schema_report(explain, &spot, SCHEMA_OP_ENUM);
	if (!violation)
		return;
	struct schema_values values = { .strings = branches->table };
	struct schema_rule rule = { .op = SCHEMA_OP_ENUM };
	rule.values = &values;
	schema_describe(explain, &rule, value, violation);
}

/* Is it worth telling of this branch: does it take values of this type? */
static bool
is_plausible(const struct schema_explain *explain, uint32_t id, uint32_t at)
{
	const struct schema *schema = explain->run.schema;
	enum json_type type = explain->run.doc->nodes[at].type;
	unsigned types = schema->nodes[id].types;
	for (unsigned depth = 0; depth < 8; depth++) {
		const struct schema_node *node = &schema->nodes[id];
		types = node->types;
		if (node->fast_count != 1 || node->fast[0].op != SCHEMA_OP_REF)
			break;
		id = node->fast[0].node;
	}
	if (type == JSON_NUMBER && (types & TYPE_INTEGER))
		return true;
	return types & TYPE_BIT(type);
}

static void
report_branches(struct schema_explain *explain, const struct schema_rule *rule,
    const struct schema_spot *spot, uint32_t matches)
{
	struct violation *violation = schema_report(explain, spot, rule->op);
	if (!violation)
		return;
	const struct schema_branches *branches = rule->branches;
	uint64_t types = 0;
	for (uint32_t i = 0; i < branches->count; i++)
		types |= explain->run.schema->nodes[branches->nodes[i]].types;
	if (matches > 0) {
		snprintf(violation->expected, sizeof(violation->expected),
		    "exactly one of %u alternatives", branches->count);
		snprintf(violation->got, sizeof(violation->got),
		    "a value that fits several");
		return;
	}
	schema_describe_types(
	    types, violation->expected, sizeof(violation->expected));
	if ((types & TYPE_ANY) == TYPE_ANY)
		snprintf(violation->expected, sizeof(violation->expected),
		    "one of %u alternatives", branches->count);
	snprintf(violation->got, sizeof(violation->got), "%s",
	    json_type_name(explain->run.doc->nodes[spot->at].type));
}

static void
explain_branches(struct schema_explain *explain, const struct schema_rule *rule,
    const struct schema_spot *spot)
{
	const struct schema_branches *branches = rule->branches;
	uint32_t selected = SCHEMA_FALSE;
	if (schema_run_rule(&explain->run, rule, spot->at, 0))
		return;
	bool is_selected =
	    schema_run_select(&explain->run, branches, spot->at, &selected);
	if (is_selected && selected != SCHEMA_FALSE) {
		explain_node(explain, selected, *spot, rule->op);
		return;
	}
	if (is_selected) {
		report_selector(explain, branches, spot);
		return;
	}
	uint32_t plausible = 0;
	uint32_t matches = 0;
	for (uint32_t i = 0; i < branches->count; i++) {
		uint32_t id = branches->nodes[i];
		matches += schema_run_node(&explain->run, id, spot->at, 0);
		if (is_plausible(explain, id, spot->at)) {
			plausible++;
			selected = id;
		}
	}
	if (matches == 0 && plausible == 1)
		explain_node(explain, selected, *spot, rule->op);
	else
		report_branches(explain, rule, spot, matches);
}

static void
explain_choice(struct schema_explain *explain,
    const struct schema_choice *choice, const struct schema_spot *spot)
{
	bool holds =
	    schema_run_node(&explain->run, choice->condition, spot->at, 0);
	explain_node(explain, holds ? choice->then : choice->otherwise, *spot,
	    SCHEMA_OP_IF);
}

/* Rules that hold or not as a whole. */
static void
explain_whole(struct schema_explain *explain, const struct schema_rule *rule,
    const struct schema_spot *spot)
{
	if (schema_run_rule(&explain->run, rule, spot->at, 0))
		return;
	struct violation *violation = schema_report(explain, spot, rule->op);
	if (violation)
		schema_describe(explain, rule, spot->at, violation);
}

static void
explain_rule(struct schema_explain *explain, uint32_t id,
    const struct schema_rule *rule, const struct schema_spot *spot)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_PROPERTIES:
		explain_properties(explain, rule->members, spot);
		break;
	case SCHEMA_OP_PATTERN_PROPERTIES:
	case SCHEMA_OP_ADDITIONAL_PROPERTIES:
		explain_others(explain, id, rule, spot);
		break;
	case SCHEMA_OP_REQUIRED:
		explain_required(explain, id, rule->members, spot);
		break;
	case SCHEMA_OP_DEPENDENT_REQUIRED:
	case SCHEMA_OP_DEPENDENT_SCHEMAS:
		explain_dependent(explain, id, rule, spot);
		break;
	case SCHEMA_OP_PREFIX_ITEMS:
	case SCHEMA_OP_ITEMS:
	case SCHEMA_OP_ADDITIONAL_ITEMS:
		explain_items(explain, rule, spot);
		break;
	case SCHEMA_OP_PROPERTY_NAMES:
		explain_names(explain, rule, spot);
		break;
	case SCHEMA_OP_REF:
	case SCHEMA_OP_ALL_OF:
		explain_node(explain, rule->node, *spot, rule->op);
		break;
	case SCHEMA_OP_DYNAMIC_REF:
		explain_node(explain,
		    schema_run_dynamic(&explain->run, rule->dynamic), *spot,
		    rule->op);
		break;
	case SCHEMA_OP_ANY_OF:
	case SCHEMA_OP_ONE_OF:
		explain_branches(explain, rule, spot);
		break;
	case SCHEMA_OP_IF:
		explain_choice(explain, rule->choice, spot);
		break;
	case SCHEMA_OP_UNEVALUATED_ITEMS:
	case SCHEMA_OP_UNEVALUATED_PROPERTIES:
		break; /* last of all: explain_leftovers */
	default:
		explain_whole(explain, rule, spot);
		break;
	}
}

static void
explain_rules(
    struct schema_explain *explain, uint32_t id, const struct schema_spot *spot)
{
	const struct schema_node *node = &explain->run.schema->nodes[id];
	unsigned bit = TYPE_BIT(explain->run.doc->nodes[spot->at].type);
	size_t before = explain->count;
	for (uint32_t i = 0; i < node->plain_count && !is_full(explain); i++)
		if (node->plain[i].types & bit)
			explain_rule(explain, id, &node->plain[i], spot);
	if (node->tracks && explain->count == before)
		explain_leftovers(explain, id, spot);
}

/* `op` is the rule that led here: `false` has no rule of its own. */
static void
explain_node(struct schema_explain *explain, uint32_t id,
    struct schema_spot spot, enum schema_op op)
{
	struct schema_run *run = &explain->run;
	if (run->depth >= RUN_DEPTH_MAX || run->steps_left == 0)
		run->is_aborted = true;
	if (is_full(explain))
		return;
	const struct schema_node *node = &run->schema->nodes[id];
	if (node->refusal)
		spot.refusal = node->refusal;
	if (node->types == 0) { /* false, or a copy of it */
		struct violation *violation = schema_report(explain, &spot, op);
		snprintf(violation->expected, sizeof(violation->expected),
		    "nothing");
		snprintf(violation->got, sizeof(violation->got), "%s",
		    json_type_name(run->doc->nodes[spot.at].type));
		return;
	}
	struct schema_scope scope = { run->scope, node->resource };
	if (!run->scope || run->scope->resource != node->resource)
		run->scope = &scope;
	run->depth++;
	run->steps_left--;
	explain_rules(explain, id, &spot);
	run->depth--;
	run->scope = scope.outer;
}

/* What was found before a limit was hit may be wrong: it is not told. */
static void
report_limit(struct schema_explain *explain, const struct schema_spot *spot)
{
	explain->count = 0;
	struct violation *violation =
	    schema_report(explain, spot, SCHEMA_OP_FALSE);
	snprintf(violation->rule, sizeof(violation->rule), "limit");
	snprintf(violation->expected, sizeof(violation->expected),
	    "a value that can be judged within bounds");
}

size_t
schema_explain(const struct schema *schema, struct schema_scratch *scratch,
    const struct json_doc *doc, uint32_t node, struct violation *violations_r,
    size_t max)
{
	struct schema_explain explain = {
		.violations = violations_r,
		.max = max,
	};
	struct schema_spot root = { .at = node };
	schema_run_init(&explain.run, schema, scratch, doc);
	bool is_valid = schema_run_node(&explain.run, schema->root, node, 0);
	bool is_aborted = explain.run.is_aborted;
	if ((is_valid && !is_aborted) || max == 0)
		return 0;
	schema_run_init(&explain.run, schema, scratch, doc);
	if (!is_aborted)
		explain_node(&explain, schema->root, root, SCHEMA_OP_FALSE);
	if (explain.count == 0)
		report_limit(&explain, &root);
	return explain.count;
}
