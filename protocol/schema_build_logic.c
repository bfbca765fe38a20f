/* SPDX-License-Identifier: MIT */

/* References and the keywords that combine subschemas. */

#include "schema_build.h"
#include "xmalloc.h"

static int
resolve(struct schema_builder *builder, uint32_t value, struct view text,
    struct schema_place *place_r)
{
	return schema_index_resolve(&builder->compiler->index,
	    builder->place.resource, value, text, place_r);
}

static int
want_text(struct schema_builder *builder, uint32_t value)
{
	if (builder->doc->nodes[value].type == JSON_STRING)
		return 0;
	return schema_build_fail(builder, value, "must be a string");
}

int
schema_build_ref(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_REF);
	struct schema_place place;
	if (want_text(builder, value) < 0)
		return -1;
	struct view text = schema_build_text(builder, value);
	if (resolve(builder, value, text, &place) < 0)
		return -1;
	rule.node = schema_compiler_node(builder->compiler, place);
	schema_build_both(builder, rule);
	return 0;
}

static void
add_pending(struct schema_builder *builder, struct schema_place place,
    struct view name, bool is_recursive)
{
	struct schema_compiler *compiler = builder->compiler;
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_DYNAMIC_REF);
	rule.dynamic = schema_build_alloc(builder, sizeof(*rule.dynamic));
	rule.dynamic->fallback = schema_compiler_node(compiler, place);
	compiler->pending = xrealloc(compiler->pending,
	    (compiler->pending_count + 1) * sizeof(*compiler->pending));
	compiler->pending[compiler->pending_count++] =
	    (struct schema_pending){ rule.dynamic, name, is_recursive };
	compiler->schema->is_dynamic = true;
	schema_build_both(builder, rule);
}

/* Dynamic only when it leads to a $dynamicAnchor to begin with. */
int
schema_build_dynamic_ref(struct schema_builder *builder, uint32_t value)
{
	struct schema_place place;
	if (want_text(builder, value) < 0)
		return -1;
	struct view text = schema_build_text(builder, value);
	if (resolve(builder, value, text, &place) < 0)
		return -1;
	const char *hash = memchr(text.data, '#', text.len);
	struct view name = { 0 };
	if (hash)
		name = view_make(
		    hash + 1, text.len - (size_t)(hash + 1 - text.data));
	const struct schema_anchor *anchor = schema_index_anchor(
	    &builder->compiler->index, place.resource, name);
	if (!anchor || !anchor->is_dynamic)
		return schema_build_ref(builder, value);
	add_pending(builder, place, name, false);
	return 0;
}

int
schema_build_recursive_ref(struct schema_builder *builder, uint32_t value)
{
	struct schema_place place;
	if (want_text(builder, value) < 0)
		return -1;
	if (resolve(builder, value, schema_build_text(builder, value), &place) <
	    0)
		return -1;
	if (!builder->compiler->index.resources[place.resource].is_recursive)
		return schema_build_ref(builder, value);
	add_pending(builder, place, view_make("", 0), true);
	return 0;
}

/* One rule a branch: each must hold by itself. */
int
schema_build_all_of(struct schema_builder *builder, uint32_t value)
{
	uint32_t *nodes = NULL;
	uint32_t count = 0;
	if (schema_build_children(builder, value, &nodes, &count) < 0)
		return -1;
	for (uint32_t i = 0; i < count; i++) {
		struct schema_rule rule = schema_build_rule(SCHEMA_OP_ALL_OF);
		rule.node = nodes[i];
		schema_build_both(builder, rule);
	}
	return 0;
}

static int
build_branches(
    struct schema_builder *builder, uint32_t value, enum schema_op op)
{
	struct schema_rule rule = schema_build_rule(op);
	struct schema_branches *branches =
	    schema_build_alloc(builder, sizeof(*branches));
	if (schema_build_children(
		builder, value, &branches->nodes, &branches->count) < 0)
		return -1;
	rule.branches = branches;
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_any_of(struct schema_builder *builder, uint32_t value)
{
	return build_branches(builder, value, SCHEMA_OP_ANY_OF);
}

int
schema_build_one_of(struct schema_builder *builder, uint32_t value)
{
	return build_branches(builder, value, SCHEMA_OP_ONE_OF);
}

int
schema_build_not(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_NOT);
	if (schema_build_child(builder, value, &rule.node) < 0)
		return -1;
	schema_build_both(builder, rule);
	return 0;
}

/* Kept even without then and else: what `if` evaluates counts. */
int
schema_build_if(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_IF);
	struct schema_choice *choice =
	    schema_build_alloc(builder, sizeof(*choice));
	uint32_t then = schema_build_sibling(builder, "then");
	uint32_t otherwise = schema_build_sibling(builder, "else");
	if (schema_build_child(builder, value, &choice->condition) < 0)
		return -1;
	if (then && schema_build_child(builder, then, &choice->then) < 0)
		return -1;
	if (otherwise &&
	    schema_build_child(builder, otherwise, &choice->otherwise) < 0)
		return -1;
	rule.choice = choice;
	schema_build_both(builder, rule);
	return 0;
}
