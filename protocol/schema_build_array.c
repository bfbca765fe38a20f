/* SPDX-License-Identifier: MIT */

/* Keywords about items. prefixItems and items (in the old drafts a list in
 * items, and additionalItems) are one struct and one fast rule. */

#include "schema_build.h"

static int
fill_prefix(struct schema_builder *builder, uint32_t value)
{
	struct schema_items *items = builder->items;
	if (builder->doc->nodes[value].type == JSON_ARRAY &&
	    builder->doc->nodes[value].count == 0)
		return 0; /* the old drafts allow an empty list */
	return schema_build_children(
	    builder, value, &items->prefix, &items->prefix_count);
}

static int
fill_rest(struct schema_builder *builder, uint32_t value)
{
	if (!value)
		return 0;
	builder->items->marks_rest = true;
	return schema_build_child(builder, value, &builder->items->rest);
}

static int
fill_items(struct schema_builder *builder)
{
	uint32_t prefix = schema_build_sibling(builder, "prefixItems");
	uint32_t items = schema_build_sibling(builder, "items");
	bool is_old = builder->dialect->draft & DRAFT_OLD;
	bool is_list = items && builder->doc->nodes[items].type == JSON_ARRAY;
	if (is_old && is_list) {
		prefix = items;
		items = schema_build_sibling(builder, "additionalItems");
	}
	if (prefix && fill_prefix(builder, prefix) < 0)
		return -1;
	return fill_rest(builder, items);
}

static int
build_items(struct schema_builder *builder, enum schema_op op)
{
	struct schema_rule rule = schema_build_rule(op);
	int rc = 0;
	if (!builder->items) {
		builder->items =
		    schema_build_alloc(builder, sizeof(*builder->items));
		rule.items = builder->items;
		rc = fill_items(builder);
		rule.op = SCHEMA_OP_ITEMS;
		schema_build_fast(builder, rule);
		rule.op = (uint8_t)op;
	}
	rule.items = builder->items;
	schema_build_plain(builder, rule);
	return rc;
}

int
schema_build_prefix_items(struct schema_builder *builder, uint32_t value)
{
	(void)value;
	return build_items(builder, SCHEMA_OP_PREFIX_ITEMS);
}

/* In the plain list PREFIX_ITEMS explains the first, ITEMS and
 * ADDITIONAL_ITEMS the rest. */
int
schema_build_items(struct schema_builder *builder, uint32_t value)
{
	bool is_list = builder->doc->nodes[value].type == JSON_ARRAY;
	if (is_list && !(builder->dialect->draft & DRAFT_OLD))
		return schema_build_fail(builder, value,
		    "must be a schema; a list goes in prefixItems");
	return build_items(
	    builder, is_list ? SCHEMA_OP_PREFIX_ITEMS : SCHEMA_OP_ITEMS);
}

int
schema_build_additional_items(struct schema_builder *builder, uint32_t value)
{
	(void)value;
	uint32_t items = schema_build_sibling(builder, "items");
	if (!items || builder->doc->nodes[items].type != JSON_ARRAY)
		return 0; /* without a list before it, it means nothing */
	return build_items(builder, SCHEMA_OP_ADDITIONAL_ITEMS);
}

int
schema_build_contains(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_CONTAINS);
	struct schema_contains *contains =
	    schema_build_alloc(builder, sizeof(*contains));
	uint32_t min = schema_build_sibling(builder, "minContains");
	uint32_t max = schema_build_sibling(builder, "maxContains");
	contains->min = 1;
	contains->max = UINT64_MAX;
	contains->marks = builder->dialect->draft == DRAFT_D20;
	if (schema_build_child(builder, value, &contains->node) < 0)
		return -1;
	if (min && schema_build_limit(builder, min, &contains->min) < 0)
		return -1;
	if (max && schema_build_limit(builder, max, &contains->max) < 0)
		return -1;
	rule.contains = contains;
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_unevaluated_items(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule =
	    schema_build_rule(SCHEMA_OP_UNEVALUATED_ITEMS);
	if (schema_build_child(builder, value, &rule.node) < 0)
		return -1;
	builder->tracks = true;
	schema_build_both(builder, rule);
	return 0;
}
