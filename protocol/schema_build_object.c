/* SPDX-License-Identifier: MIT */

/*
 * Keywords about members. properties, patternProperties, additionalProperties
 * and required are one struct and, for checking, one rule: one walk over the
 * instance's members does all four.
 */

#include "schema_build.h"
#include "schema_table.h"

#define REQUIRED_BITS 64

static int
want_type(struct schema_builder *builder, uint32_t value, enum json_type type)
{
	if (builder->doc->nodes[value].type == type)
		return 0;
	return schema_build_fail(builder, value,
	    type == JSON_ARRAY ? "must be a list" : "must be an object");
}

static int
add_properties(struct schema_builder *builder, uint32_t map)
{
	const struct json_doc *doc = builder->doc;
	if (want_type(builder, map, JSON_OBJECT) < 0)
		return -1;
	for (uint32_t key = map + 1; key < doc->nodes[map].next;
	     key = doc->nodes[key + 1].next) {
		uint32_t node = SCHEMA_TRUE;
		if (schema_build_child(builder, key + 1, &node) < 0)
			return -1;
		struct schema_name *name = schema_table_add(
		    builder->members->table, schema_build_text(builder, key));
		name->node = node;
		name->is_declared = true;
	}
	return 0;
}

static int
add_required(struct schema_builder *builder, uint32_t list)
{
	const struct json_doc *doc = builder->doc;
	struct schema_members *members = builder->members;
	uint32_t bits = 0;
	if (want_type(builder, list, JSON_ARRAY) < 0)
		return -1;
	for (uint32_t item = list + 1; item < doc->nodes[list].next;
	     item = doc->nodes[item].next) {
		if (doc->nodes[item].type != JSON_STRING)
			return schema_build_fail(
			    builder, item, "must be a name");
		struct schema_name *name = schema_table_add(
		    members->table, schema_build_text(builder, item));
		if (name->is_required)
			continue;
		name->is_required = true;
		if (bits < REQUIRED_BITS)
			name->bit = UINT64_C(1) << bits++;
		else
			members->has_late = true;
		members->required |= name->bit;
	}
	return 0;
}

static int
add_patterns(struct schema_builder *builder, uint32_t map)
{
	const struct json_doc *doc = builder->doc;
	struct schema_members *members = builder->members;
	if (want_type(builder, map, JSON_OBJECT) < 0)
		return -1;
	members->patterns = schema_build_alloc(
	    builder, (doc->nodes[map].count + 1) * sizeof(*members->patterns));
	for (uint32_t key = map + 1; key < doc->nodes[map].next;
	     key = doc->nodes[key + 1].next) {
		struct schema_pattern *pattern =
		    &members->patterns[members->pattern_count++];
		pattern->regex = schema_build_regex(builder, key);
		if (!pattern->regex)
			return -1;
		if (schema_build_child(builder, key + 1, &pattern->node) < 0)
			return -1;
	}
	return 0;
}

static int
fill_members(
    struct schema_builder *builder, uint32_t properties, uint32_t required)
{
	uint32_t patterns = schema_build_sibling(builder, "patternProperties");
	uint32_t additional =
	    schema_build_sibling(builder, "additionalProperties");
	builder->members->marks_additional = additional != 0;
	if (properties && add_properties(builder, properties) < 0)
		return -1;
	if (patterns && add_patterns(builder, patterns) < 0)
		return -1;
	if (additional &&
	    schema_build_child(
		builder, additional, &builder->members->other.node) < 0)
		return -1;
	if (required && add_required(builder, required) < 0)
		return -1;
	for (uint32_t i = 0; i < builder->members->table->count; i++) {
		struct schema_name *name = &builder->members->table->names[i];
		if (!name->is_declared)
			name->node = builder->members->other.node;
	}
	return 0;
}

static int
make_members(struct schema_builder *builder)
{
	const struct json_doc *doc = builder->doc;
	if (builder->members)
		return 0;
	uint32_t properties = schema_build_sibling(builder, "properties");
	uint32_t required = schema_build_sibling(builder, "required");
	uint32_t names = 0;
	if (properties)
		names += doc->nodes[properties].count;
	if (required)
		names += doc->nodes[required].count;
	builder->members =
	    schema_build_alloc(builder, sizeof(*builder->members));
	builder->members->table =
	    schema_table_new(&builder->compiler->schema->arena, names);
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_MEMBERS);
	rule.members = builder->members;
	schema_build_fast(builder, rule);
	return fill_members(builder, properties, required);
}

static int
build_members(struct schema_builder *builder, enum schema_op op)
{
	struct schema_rule rule = schema_build_rule(op);
	int rc = make_members(builder);
	rule.members = builder->members;
	schema_build_plain(builder, rule);
	return rc;
}

int
schema_build_properties(struct schema_builder *builder, uint32_t value)
{
	(void)value;
	return build_members(builder, SCHEMA_OP_PROPERTIES);
}

int
schema_build_pattern_properties(struct schema_builder *builder, uint32_t value)
{
	(void)value;
	return build_members(builder, SCHEMA_OP_PATTERN_PROPERTIES);
}

int
schema_build_additional_properties(
    struct schema_builder *builder, uint32_t value)
{
	(void)value;
	return build_members(builder, SCHEMA_OP_ADDITIONAL_PROPERTIES);
}

int
schema_build_required(struct schema_builder *builder, uint32_t value)
{
	(void)value;
	return build_members(builder, SCHEMA_OP_REQUIRED);
}

int
schema_build_property_names(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_PROPERTY_NAMES);
	if (schema_build_child(builder, value, &rule.node) < 0)
		return -1;
	schema_build_both(builder, rule);
	return 0;
}

/* One rule for each member on which something depends. */
static int
build_dependency(
    struct schema_builder *builder, uint32_t key, enum schema_op op)
{
	struct schema_rule rule = schema_build_rule(op);
	struct schema_dependency *dependency =
	    schema_build_alloc(builder, sizeof(*dependency));
	schema_name_set(&dependency->name, schema_build_text(builder, key),
	    builder->doc->nodes[key].hash);
	rule.dependency = dependency;
	int rc = op == SCHEMA_OP_DEPENDENT_REQUIRED
	    ? schema_build_names(
		  builder, key + 1, &dependency->needs, &dependency->need_count)
	    : schema_build_child(builder, key + 1, &dependency->name.node);
	schema_build_both(builder, rule);
	return rc;
}

/* `dependencies` mixes both kinds: a list is of names. */
static int
build_dependencies(
    struct schema_builder *builder, uint32_t map, enum schema_op op)
{
	const struct json_doc *doc = builder->doc;
	if (want_type(builder, map, JSON_OBJECT) < 0)
		return -1;
	for (uint32_t key = map + 1; key < doc->nodes[map].next;
	     key = doc->nodes[key + 1].next) {
		enum schema_op kind = op;
		if (op == SCHEMA_OP_COUNT)
			kind = doc->nodes[key + 1].type == JSON_ARRAY
			    ? SCHEMA_OP_DEPENDENT_REQUIRED
			    : SCHEMA_OP_DEPENDENT_SCHEMAS;
		if (build_dependency(builder, key, kind) < 0)
			return -1;
	}
	return 0;
}

int
schema_build_dependent_required(struct schema_builder *builder, uint32_t value)
{
	return build_dependencies(builder, value, SCHEMA_OP_DEPENDENT_REQUIRED);
}

int
schema_build_dependent_schemas(struct schema_builder *builder, uint32_t value)
{
	return build_dependencies(builder, value, SCHEMA_OP_DEPENDENT_SCHEMAS);
}

int
schema_build_dependencies(struct schema_builder *builder, uint32_t value)
{
	return build_dependencies(builder, value, SCHEMA_OP_COUNT);
}

int
schema_build_unevaluated_properties(
    struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule =
	    schema_build_rule(SCHEMA_OP_UNEVALUATED_PROPERTIES);
	if (schema_build_child(builder, value, &rule.node) < 0)
		return -1;
	builder->tracks = true;
	schema_build_both(builder, rule);
	return 0;
}
