/* SPDX-License-Identifier: MIT */

/* Which types the value of a member may have. */

#include "schema_declared_parts.h"

#include "schema_table.h"

#define DEPTH 8 /* of references and unions that are looked through */
#define ALL   (TYPE_ANY | DECLARED_FRACTION)

static unsigned types_of_node(const struct schema *schema,
    const struct schema_node *node, unsigned depth);

static unsigned
types_of_branches(const struct schema *schema,
    const struct schema_branches *branches, unsigned depth)
{
	unsigned types = 0;
	for (uint32_t i = 0; i < branches->count; i++)
		types |= types_of_node(
		    schema, &schema->nodes[branches->nodes[i]], depth);
	return types;
}

static unsigned
types_of_rule(
    const struct schema *schema, const struct schema_rule *rule, unsigned depth)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_CONST:
	case SCHEMA_OP_ENUM:
		return declared_value_types(rule->values);
	case SCHEMA_OP_REF:
	case SCHEMA_OP_ALL_OF:
		return types_of_node(schema, &schema->nodes[rule->node], depth);
	case SCHEMA_OP_ANY_OF:
	case SCHEMA_OP_ONE_OF:
		return types_of_branches(schema, rule->branches, depth);
	default:
		return ALL;
	}
}

/* Of its own and of all that it refers to. */
static unsigned
types_of_node(
    const struct schema *schema, const struct schema_node *node, unsigned depth)
{
	unsigned types = node->types & TYPE_ANY;
	if (types & TYPE_BIT(JSON_NUMBER))
		types |= DECLARED_FRACTION;
	if (node->types & TYPE_INTEGER)
		types |= TYPE_BIT(JSON_NUMBER);
	for (uint32_t i = 0; i < node->fast_count && depth > 0; i++)
		types &= types_of_rule(schema, &node->fast[i], depth - 1);
	return types;
}

uint8_t
declared_types(const struct schema *schema, const struct node_set *set)
{
	unsigned all = ALL;
	unsigned branches = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		unsigned own = types_of_node(schema, set->nodes[i], DEPTH);
		if (set->is_branch[i])
			branches |= own;
		else
			all &= own;
	}
	return (uint8_t)(branches ? all & branches : all);
}

uint8_t
declared_value_types(const struct schema_values *values)
{
	unsigned types = values->types;
	if (values->strings->count > 0)
		types |= TYPE_BIT(JSON_STRING);
	for (uint32_t i = 0; i < values->number_count; i++) {
		types |= TYPE_BIT(JSON_NUMBER);
		if (!decimal_is_integer(&values->numbers[i]))
			types |= DECLARED_FRACTION;
	}
	for (uint32_t i = 0; i < values->container_count; i++)
		types |=
		    TYPE_BIT(values->doc->nodes[values->containers[i]].type);
	return (uint8_t)types;
}
