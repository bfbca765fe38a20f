/* SPDX-License-Identifier: MIT */

/* Gathers what the nodes that judge one place declare there. */

#include "schema_declared_parts.h"

#define GATHER_DEPTH 24

void
node_set_add(const struct schema *schema, struct node_set *set, uint32_t id,
    bool is_branch)
{
	const struct schema_node *node = &schema->nodes[id];
	if (id == SCHEMA_TRUE || id == SCHEMA_FALSE)
		return;
	for (uint32_t i = 0; i < set->count; i++)
		if (node->fast_count && set->nodes[i]->fast == node->fast)
			return;
	if (set->count == NODES_MAX)
		return;
	set->is_branch[set->count] = is_branch;
	set->nodes[set->count++] = node;
}

/* What stands for members that are not named. An explicit `true` says no more
 * than nothing does. */
static void
add_others(struct parts *parts, uint32_t id)
{
	parts->is_closed |= id == SCHEMA_FALSE;
	parts->is_map |= id != SCHEMA_FALSE && id != SCHEMA_TRUE;
	node_set_add(parts->declared->schema, &parts->others, id,
	    parts->union_depth > 0);
}

static void
add_members(struct parts *parts, const struct schema_members *members)
{
	if (parts->member_count < PARTS_MAX) {
		parts->is_branch[parts->member_count] = parts->union_depth > 0;
		parts->members[parts->member_count++] = members;
	}
	if (members->marks_additional)
		add_others(parts, members->other.node);
}

static void gather(struct parts *parts, uint32_t id, unsigned depth);

/* The branch or part that was decided for; false: not decided. */
static bool
gather_decided(
    struct parts *parts, const struct schema_rule *rule, unsigned depth)
{
	const struct decided *decided = parts->decided;
	for (unsigned i = 0; i < decided->count; i++) {
		if (decided->rules[i] != rule)
			continue;
		gather(parts, decided->nodes[i], depth);
		return true;
	}
	return false;
}

static bool
may_decide(const struct parts *parts)
{
	return parts->decided->count < DECISIONS_MAX;
}

static void
gather_branches(
    struct parts *parts, const struct schema_rule *rule, unsigned depth)
{
	const struct schema_branches *branches = rule->branches;
	if (gather_decided(parts, rule, depth))
		return;
	if (branches->table && may_decide(parts)) {
		if (!parts->open)
			parts->open = rule;
		return;
	}
	parts->union_depth++;
	for (uint32_t i = 0; i < branches->count; i++)
		gather(parts, branches->nodes[i], depth);
	parts->union_depth--;
}

static void
gather_choice(
    struct parts *parts, const struct schema_rule *rule, unsigned depth)
{
	const struct schema_choice *choice = rule->choice;
	if (gather_decided(parts, rule, depth))
		return;
	if (may_decide(parts)) {
		if (!parts->open)
			parts->open = rule;
		return;
	}
	gather(parts, choice->then, depth);
	gather(parts, choice->otherwise, depth);
}

/* Lists that all hold: the shortest stands for what they have in common.
 * Beside it, those of branches say nothing new. */
static void
add_values(struct parts *parts, const struct schema_values *values)
{
	bool is_strict = parts->union_depth == 0;
	if (!is_strict && !parts->has_strict && parts->value_count < PARTS_MAX)
		parts->values[parts->value_count++] = values;
	if (!is_strict ||
	    (parts->has_strict && parts->values[0]->count <= values->count))
		return;
	parts->values[0] = values;
	parts->value_count = 1;
	parts->has_strict = true;
}

static void
gather_rule(struct parts *parts, const struct schema_rule *rule, unsigned depth)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_MEMBERS:
		add_members(parts, rule->members);
		break;
	case SCHEMA_OP_ITEMS:
		if (parts->item_count < PARTS_MAX)
			parts->items[parts->item_count++] = rule->items;
		break;
	case SCHEMA_OP_ENUM:
	case SCHEMA_OP_CONST:
		add_values(parts, rule->values);
		break;
	case SCHEMA_OP_REF:
	case SCHEMA_OP_ALL_OF:
		gather(parts, rule->node, depth);
		break;
	case SCHEMA_OP_DYNAMIC_REF:
		gather(parts, rule->dynamic->fallback, depth);
		break;
	case SCHEMA_OP_DEPENDENT_SCHEMAS:
		gather(parts, rule->dependency->name.node, depth);
		break;
	case SCHEMA_OP_ANY_OF:
	case SCHEMA_OP_ONE_OF:
		gather_branches(parts, rule, depth);
		break;
	case SCHEMA_OP_IF:
		gather_choice(parts, rule, depth);
		break;
	case SCHEMA_OP_UNEVALUATED_PROPERTIES:
		add_others(parts, rule->node);
		break;
	default:
		break;
	}
}

static void
gather_node(struct parts *parts, const struct schema_node *node, unsigned depth)
{
	if (depth == 0)
		return;
	for (uint32_t i = 0; i < node->fast_count; i++)
		gather_rule(parts, &node->fast[i], depth - 1);
}

static void
gather(struct parts *parts, uint32_t id, unsigned depth)
{
	gather_node(parts, &parts->declared->schema->nodes[id], depth);
}

void
parts_gather(struct parts *parts, const struct node_set *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		parts->union_depth += set->is_branch[i];
		gather_node(parts, set->nodes[i], GATHER_DEPTH);
		parts->union_depth -= set->is_branch[i];
	}
}
