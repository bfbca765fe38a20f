/* SPDX-License-Identifier: MIT */

/* Keywords that look at a value by itself: types, values, numbers, strings. */

#include "schema_build.h"
#include "schema_format.h"
#include "schema_table.h"

int
schema_build_nothing(struct schema_builder *builder, uint32_t value)
{
	(void)builder;
	(void)value;
	return 0;
}

static uint8_t
type_bits(const struct json_doc *doc, uint32_t value)
{
	static const struct {
		const char *name;
		uint8_t bits;
	} types[] = {
		{ "null", TYPE_BIT(JSON_NULL) },
		{ "boolean", TYPE_BIT(JSON_FALSE) | TYPE_BIT(JSON_TRUE) },
		{ "integer", TYPE_INTEGER },
		{ "number", TYPE_BIT(JSON_NUMBER) | TYPE_INTEGER },
		{ "string", TYPE_BIT(JSON_STRING) },
		{ "array", TYPE_BIT(JSON_ARRAY) },
		{ "object", TYPE_BIT(JSON_OBJECT) },
	};
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (json_string_is(doc, value, view_of(types[i].name)))
			return types[i].bits;
	return 0;
}

int
schema_build_type(struct schema_builder *builder, uint32_t value)
{
	const struct json_doc *doc = builder->doc;
	const char *message = "unknown type: use null, boolean, integer, "
			      "number, string, array or object";
	uint8_t types = 0;
	bool is_list = doc->nodes[value].type == JSON_ARRAY;
	uint32_t item = is_list ? value + 1 : value;
	uint32_t end = doc->nodes[value].next;
	for (; item < end; item = doc->nodes[item].next) {
		bool is_text = doc->nodes[item].type == JSON_STRING;
		uint8_t bits = is_text ? type_bits(doc, item) : 0;
		if (bits == 0)
			return schema_build_fail(builder, item, message);
		types |= bits;
	}
	if (types == 0)
		return schema_build_fail(builder, value, message);
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_TYPE);
	rule.limit = types;
	schema_build_plain(builder, rule);
	builder->types = types;
	return 0;
}

static void
add_value(
    struct schema_builder *builder, struct schema_values *values, uint32_t item)
{
	const struct json_doc *doc = builder->doc;
	enum json_type type = doc->nodes[item].type;
	values->count++;
	switch (type) {
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		values->types |= (uint8_t)TYPE_BIT(type);
		break;
	case JSON_NUMBER:
		values->numbers[values->number_count++] =
		    decimal_of(json_text(doc, item));
		break;
	case JSON_STRING:
		schema_table_add(
		    values->strings, schema_build_text(builder, item));
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		values->containers[values->container_count++] = item;
		break;
	}
}

static struct schema_values *
new_values(struct schema_builder *builder, uint32_t capacity)
{
	struct schema_values *values =
	    schema_build_alloc(builder, sizeof(*values));
	values->doc = builder->doc;
	values->strings =
	    schema_table_new(&builder->compiler->schema->arena, capacity);
	values->numbers = schema_build_alloc(
	    builder, (capacity + 1) * sizeof(*values->numbers));
	values->containers = schema_build_alloc(
	    builder, (capacity + 1) * sizeof(*values->containers));
	return values;
}

int
schema_build_enum(struct schema_builder *builder, uint32_t value)
{
	const struct json_node *list = &builder->doc->nodes[value];
	if (list->type != JSON_ARRAY)
		return schema_build_fail(
		    builder, value, "must be a list of values");
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_ENUM);
	rule.values = new_values(builder, list->count);
	for (uint32_t item = value + 1; item < list->next;
	     item = builder->doc->nodes[item].next)
		add_value(builder, rule.values, item);
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_const(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_CONST);
	rule.values = new_values(builder, 1);
	add_value(builder, rule.values, value);
	schema_build_both(builder, rule);
	return 0;
}

static int
build_number(struct schema_builder *builder, uint32_t value, enum schema_op op)
{
	if (builder->doc->nodes[value].type != JSON_NUMBER)
		return schema_build_fail(builder, value, "must be a number");
	struct schema_rule rule = schema_build_rule(op);
	rule.number = schema_build_alloc(builder, sizeof(*rule.number));
	rule.number->text = json_text(builder->doc, value);
	rule.number->value = decimal_of(rule.number->text);
	bool is_positive = !rule.number->value.is_negative &&
	    decimal_digits(&rule.number->value) > 0;
	if (op == SCHEMA_OP_MULTIPLE_OF && !is_positive)
		return schema_build_fail(
		    builder, value, "must be greater than 0");
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_multiple_of(struct schema_builder *builder, uint32_t value)
{
	return build_number(builder, value, SCHEMA_OP_MULTIPLE_OF);
}

int
schema_build_maximum(struct schema_builder *builder, uint32_t value)
{
	return build_number(builder, value, SCHEMA_OP_MAXIMUM);
}

int
schema_build_exclusive_maximum(struct schema_builder *builder, uint32_t value)
{
	return build_number(builder, value, SCHEMA_OP_EXCLUSIVE_MAXIMUM);
}

int
schema_build_minimum(struct schema_builder *builder, uint32_t value)
{
	return build_number(builder, value, SCHEMA_OP_MINIMUM);
}

int
schema_build_exclusive_minimum(struct schema_builder *builder, uint32_t value)
{
	return build_number(builder, value, SCHEMA_OP_EXCLUSIVE_MINIMUM);
}

static int
build_limit(struct schema_builder *builder, uint32_t value, enum schema_op op)
{
	struct schema_rule rule = schema_build_rule(op);
	if (schema_build_limit(builder, value, &rule.limit) < 0)
		return -1;
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_max_length(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MAX_LENGTH);
}

int
schema_build_min_length(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MIN_LENGTH);
}

int
schema_build_max_items(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MAX_ITEMS);
}

int
schema_build_min_items(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MIN_ITEMS);
}

int
schema_build_max_properties(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MAX_PROPERTIES);
}

int
schema_build_min_properties(struct schema_builder *builder, uint32_t value)
{
	return build_limit(builder, value, SCHEMA_OP_MIN_PROPERTIES);
}

int
schema_build_unique_items(struct schema_builder *builder, uint32_t value)
{
	enum json_type type = builder->doc->nodes[value].type;
	if (type != JSON_TRUE && type != JSON_FALSE)
		return schema_build_fail(builder, value, "must be a boolean");
	if (type == JSON_TRUE)
		schema_build_both(
		    builder, schema_build_rule(SCHEMA_OP_UNIQUE_ITEMS));
	return 0;
}

int
schema_build_pattern(struct schema_builder *builder, uint32_t value)
{
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_PATTERN);
	if (builder->doc->nodes[value].type != JSON_STRING)
		return schema_build_fail(builder, value, "must be a string");
	rule.regex = schema_build_regex(builder, value);
	if (!rule.regex)
		return -1;
	schema_build_both(builder, rule);
	return 0;
}

int
schema_build_format(struct schema_builder *builder, uint32_t value)
{
	if (builder->doc->nodes[value].type != JSON_STRING)
		return schema_build_fail(builder, value, "must be a string");
	bool asserts = builder->dialect->asserts_format ||
	    builder->compiler->index.options->format_assertion;
	struct schema_rule rule = schema_build_rule(SCHEMA_OP_FORMAT);
	rule.format = schema_format_find(schema_build_text(builder, value));
	if (asserts && rule.format)
		schema_build_both(builder, rule);
	return 0;
}
