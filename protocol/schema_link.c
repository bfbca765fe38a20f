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
		else if (schema_is_conjunction(rule) && depth > 0)
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
		} else if (schema_is_conjunction(rule) && depth > 0) {
			values =
			    member_strings(schema, rule->node, name, depth - 1);
		}
		if (values)
			return values;
	}
	return NULL;
}

/* Must an object have this member? */
static bool
requires_member(
    const struct schema *schema, uint32_t id, struct view name, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		if (rule->op == SCHEMA_OP_MEMBERS) {
			const struct schema_name *member =
			    schema_table_get(rule->members->table, name);
			if (member && member->is_required)
				return true;
		} else if (schema_is_conjunction(rule) && depth > 0 &&
		    requires_member(schema, rule->node, name, depth - 1)) {
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
is_for_objects(const struct schema *schema, uint32_t id)
{
	return schema->nodes[id].accepts & TYPE_BIT(JSON_OBJECT);
}

/* How many strings the branches allow in this member; 0: it is no selector. */
static uint32_t
count_strings(const struct schema *schema,
    const struct schema_branches *branches, struct view name)
{
	uint32_t total = 0;
	for (uint32_t i = 0; i < branches->count; i++) {
		if (!is_for_objects(schema, branches->nodes[i]))
			continue;
		const struct schema_values *values = member_strings(
		    schema, branches->nodes[i], name, SEARCH_DEPTH);
		if (!values)
			return 0;
		total += values->strings->count;
	}
	return total;
}

static bool
try_selector(struct schema *schema, struct schema_branches *branches,
    const struct schema_name *name)
{
	uint32_t total = count_strings(schema, branches, name->text);
	if (total == 0)
		return false;
	struct schema_table *table = schema_table_new(&schema->arena, total);
	bool needs = true;
	for (uint32_t i = 0; i < branches->count; i++) {
		uint32_t id = branches->nodes[i];
		if (!is_for_objects(schema, id))
			continue;
		if (!add_strings(table,
			member_strings(schema, id, name->text, SEARCH_DEPTH),
			i))
			return false;
		needs = needs &&
		    requires_member(schema, id, name->text, SEARCH_DEPTH);
	}
	branches->selector = *name;
	branches->needs_selector = needs;
	branches->table = table;
	return true;
}

/* Every member of the first branch for objects may be the one. */
static bool
find_selector(struct schema *schema, struct schema_branches *branches,
    uint32_t id, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		if (schema_is_conjunction(rule) && depth > 0 &&
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
link_branches(struct schema *schema, struct schema_branches *branches)
{
	uint32_t for_objects = 0;
	uint32_t first = SCHEMA_FALSE;
	for (uint32_t i = branches->count; i-- > 0;) {
		if (!is_for_objects(schema, branches->nodes[i]))
			continue;
		first = branches->nodes[i];
		for_objects++;
	}
	if (for_objects > 1 && !branches->table)
		find_selector(schema, branches, first, SEARCH_DEPTH);
}

void
schema_link(struct schema *schema)
{
	schema_find_accepted(schema);
	for (uint32_t id = 0; id < schema->node_count; id++) {
		struct schema_node *node = &schema->nodes[id];
		for (uint32_t i = 0; i < node->fast_count; i++) {
			struct schema_rule *rule = &node->fast[i];
			if (rule->op == SCHEMA_OP_ANY_OF ||
			    rule->op == SCHEMA_OP_ONE_OF)
				link_branches(schema, rule->branches);
		}
	}
}
