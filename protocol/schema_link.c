/* SPDX-License-Identifier: MIT */

/*
 * Finds what tells the branches of an anyOf or oneOf apart: a member in which
 * every branch allows only certain strings, and no two branches the same. Then
 * one look at that member replaces trying them all, and what is wrong can be
 * told of the one branch that was meant.
 */

#include "schema_compile.h"
#include "schema_table.h"

/* How far through references and allOf a branch is searched. */
#define SEARCH_DEPTH 6

static bool
is_strings_only(const struct schema_rule *rule)
{
	bool is_list =
	    rule->op == SCHEMA_OP_CONST || rule->op == SCHEMA_OP_ENUM;
	return is_list && rule->values->types == 0 &&
	    rule->values->number_count == 0 &&
	    rule->values->container_count == 0;
}

static bool
is_conjunction(const struct schema_rule *rule)
{
	return rule->op == SCHEMA_OP_REF || rule->op == SCHEMA_OP_ALL_OF;
}

/* The strings that a node allows, when it allows nothing else. */
static const struct schema_values *
strings_of(const struct schema *schema, uint32_t id, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		const struct schema_values *values = NULL;
		if (is_strings_only(rule))
			values = rule->values;
		else if (is_conjunction(rule) && depth > 0)
			values = strings_of(schema, rule->node, depth - 1);
		if (values)
			return values;
	}
	return NULL;
}

/* The strings that a node allows in this member. */
static const struct schema_values *
member_strings(
    const struct schema *schema, uint32_t id, struct view name, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		const struct schema_values *values = NULL;
		if (rule->op == SCHEMA_OP_MEMBERS) {
			const struct schema_name *member =
			    schema_table_get(rule->members->table, name);
			if (member && member->is_declared)
				values = strings_of(
				    schema, member->node, SEARCH_DEPTH);
		} else if (is_conjunction(rule) && depth > 0) {
			values =
			    member_strings(schema, rule->node, name, depth - 1);
		}
		if (values)
			return values;
	}
	return NULL;
}

/* Does the node accept nothing but objects that have this member? */
static bool
requires_member(const struct schema *schema, uint32_t id, struct view name,
    unsigned depth, bool is_object)
{
	const struct schema_node *node = &schema->nodes[id];
	is_object = is_object || node->types == TYPE_BIT(JSON_OBJECT);
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		if (rule->op == SCHEMA_OP_MEMBERS) {
			const struct schema_name *member =
			    schema_table_get(rule->members->table, name);
			if (is_object && member && member->is_required)
				return true;
		} else if (is_conjunction(rule) && depth > 0 &&
		    requires_member(
			schema, rule->node, name, depth - 1, is_object)) {
			return true;
		}
	}
	return false;
}

static bool
add_strings(struct schema_table *table, const struct schema_values *values,
    uint32_t branch)
{
	for (uint32_t i = 0; i < values->strings->count; i++) {
		uint32_t before = table->count;
		struct schema_name *name =
		    schema_table_add(table, values->strings->names[i].text);
		if (table->count == before && name->node != branch)
			return false; /* two branches allow it */
		name->node = branch;
	}
	return true;
}

static bool
try_selector(struct schema *schema, struct schema_branches *branches,
    const struct schema_name *name)
{
	uint32_t total = 0;
	for (uint32_t i = 0; i < branches->count; i++) {
		const struct schema_values *values = member_strings(
		    schema, branches->nodes[i], name->text, SEARCH_DEPTH);
		if (!values)
			return false;
		total += values->strings->count;
	}
	struct schema_table *table = schema_table_new(&schema->arena, total);
	bool needs = true;
	for (uint32_t i = 0; i < branches->count; i++) {
		uint32_t id = branches->nodes[i];
		if (!add_strings(table,
			member_strings(schema, id, name->text, SEARCH_DEPTH),
			i))
			return false;
		needs = needs &&
		    requires_member(
			schema, id, name->text, SEARCH_DEPTH, false);
	}
	branches->selector = *name;
	branches->needs_selector = needs;
	branches->table = table;
	return true;
}

/* Every member of the first branch may be the one. */
static bool
find_selector(struct schema *schema, struct schema_branches *branches,
    uint32_t id, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		if (is_conjunction(rule) && depth > 0 &&
		    find_selector(schema, branches, rule->node, depth - 1))
			return true;
		if (rule->op != SCHEMA_OP_MEMBERS)
			continue;
		const struct schema_table *table = rule->members->table;
		for (uint32_t k = 0; k < table->count; k++)
			if (try_selector(schema, branches, &table->names[k]))
				return true;
	}
	return false;
}

static void
copy_types(const struct schema *schema, struct schema_name *name)
{
	name->types = schema->nodes[name->node].types;
	name->work = schema->nodes[name->node].work;
}

static void
link_members(const struct schema *schema, struct schema_members *members)
{
	copy_types(schema, &members->other);
	for (uint32_t i = 0; i < members->table->count; i++)
		copy_types(schema, &members->table->names[i]);
}

static void
link_rule(struct schema *schema, struct schema_rule *rule)
{
	if (rule->op == SCHEMA_OP_MEMBERS)
		link_members(schema, rule->members);
	bool has_branches =
	    rule->op == SCHEMA_OP_ANY_OF || rule->op == SCHEMA_OP_ONE_OF;
	if (has_branches && rule->branches->count > 1 && !rule->branches->table)
		find_selector(schema, rule->branches, rule->branches->nodes[0],
		    SEARCH_DEPTH);
}

void
schema_link(struct schema *schema)
{
	for (uint32_t id = 0; id < schema->node_count; id++) {
		struct schema_node *node = &schema->nodes[id];
		for (uint32_t i = 0; i < node->fast_count; i++)
			link_rule(schema, &node->fast[i]);
	}
}
