/* SPDX-License-Identifier: MIT */
#include "schema_build.h"

#include "schema_table.h"
#include "xmalloc.h"

struct schema_rule
schema_build_rule(enum schema_op op)
{
	enum {
		ANY = TYPE_ANY,
		NUMBER = TYPE_BIT(JSON_NUMBER),
		STRING = TYPE_BIT(JSON_STRING),
		ARRAY = TYPE_BIT(JSON_ARRAY),
		OBJECT = TYPE_BIT(JSON_OBJECT)
	};
	static const uint8_t types_of[] = {
#define OP(name, text, types, cost) types,
#include "schema_ops.def"
#undef OP
	};
	return (struct schema_rule){ .op = (uint8_t)op, .types = types_of[op] };
}

static void
append(struct schema_rule **rules, uint32_t *count, struct schema_rule rule)
{
	bool is_full = (*count & (*count - 1)) == 0;
	if (is_full)
		*rules = xrealloc(
		    *rules, (*count ? 2 * *count : 1) * sizeof(**rules));
	(*rules)[(*count)++] = rule;
}

void
schema_build_plain(struct schema_builder *builder, struct schema_rule rule)
{
	append(&builder->plain, &builder->plain_count, rule);
}

void
schema_build_fast(struct schema_builder *builder, struct schema_rule rule)
{
	append(&builder->fast, &builder->fast_count, rule);
}

void
schema_build_both(struct schema_builder *builder, struct schema_rule rule)
{
	schema_build_plain(builder, rule);
	schema_build_fast(builder, rule);
}

void *
schema_build_alloc(struct schema_builder *builder, size_t size)
{
	return schema_arena_get(&builder->compiler->schema->arena, size);
}

int
schema_build_fail(
    struct schema_builder *builder, uint32_t value, const char *message)
{
	struct schema_index *index = &builder->compiler->index;
	return schema_index_fail(index,
	    index->resources[builder->place.resource].document, value, "%s",
	    message);
}

int
schema_build_child(
    struct schema_builder *builder, uint32_t value, uint32_t *id_r)
{
	enum json_type type = builder->doc->nodes[value].type;
	if (type != JSON_OBJECT && type != JSON_TRUE && type != JSON_FALSE)
		return schema_build_fail(
		    builder, value, "a schema must be an object or a boolean");
	struct schema_compiler *compiler = builder->compiler;
	struct schema_place place = builder->place;
	place.node = value;
	place.resource =
	    schema_index_base(&compiler->index, place.resource, value);
	*id_r = schema_compiler_node(compiler, place);
	return 0;
}

int
schema_build_children(struct schema_builder *builder, uint32_t value,
    uint32_t **ids_r, uint32_t *count_r)
{
	const struct json_node *list = &builder->doc->nodes[value];
	if (list->type != JSON_ARRAY || list->count == 0)
		return schema_build_fail(
		    builder, value, "must be a non-empty list of schemas");
	*ids_r = schema_build_alloc(builder, list->count * sizeof(**ids_r));
	*count_r = 0;
	for (uint32_t item = value + 1; item < list->next;
	     item = builder->doc->nodes[item].next)
		if (schema_build_child(builder, item, &(*ids_r)[(*count_r)++]) <
		    0)
			return -1;
	return 0;
}

uint32_t
schema_build_sibling(const struct schema_builder *builder, const char *keyword)
{
	uint32_t value =
	    json_member(builder->doc, builder->place.node, view_of(keyword));
	if (!value)
		return 0;
	return schema_keyword_find(builder->dialect, builder->doc, value - 1)
	    ? value
	    : 0;
}

int
schema_build_limit(
    struct schema_builder *builder, uint32_t value, uint64_t *limit_r)
{
	const char *message = "must be a whole number, not negative";
	if (builder->doc->nodes[value].type != JSON_NUMBER)
		return schema_build_fail(builder, value, message);
	struct decimal number = decimal_of(json_text(builder->doc, value));
	if (number.is_negative || !decimal_is_integer(&number))
		return schema_build_fail(builder, value, message);
	*limit_r = number.is_small ? (uint64_t)number.small : UINT64_MAX;
	return 0;
}

struct view
schema_build_text(struct schema_builder *builder, uint32_t value)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	struct view text = json_string(builder->doc, value, &scratch);
	char *copy = schema_arena_text(&builder->compiler->schema->arena, text);
	buf_fini(&scratch);
	return view_make(copy, text.len);
}

const struct schema_regex *
schema_build_regex(struct schema_builder *builder, uint32_t value)
{
	struct error reason = { 0 };
	struct view text = schema_build_text(builder, value);
	struct schema_regex *regex = schema_regex_new(text, &reason);
	if (!regex) {
		schema_build_fail(builder, value, reason.message);
		return NULL;
	}
	schema_regex_push(&builder->compiler->schema->regexes, regex);
	return regex;
}

int
schema_build_names(struct schema_builder *builder, uint32_t value,
    struct schema_name **names_r, uint32_t *count_r)
{
	const struct json_node *list = &builder->doc->nodes[value];
	if (list->type != JSON_ARRAY)
		return schema_build_fail(
		    builder, value, "must be a list of names");
	*names_r =
	    schema_build_alloc(builder, (list->count + 1) * sizeof(**names_r));
	*count_r = 0;
	for (uint32_t item = value + 1; item < list->next;
	     item = builder->doc->nodes[item].next) {
		if (builder->doc->nodes[item].type != JSON_STRING)
			return schema_build_fail(
			    builder, item, "must be a name");
		struct schema_name *name = &(*names_r)[(*count_r)++];
		schema_name_set(name, schema_build_text(builder, item),
		    builder->doc->nodes[item].hash);
	}
	return 0;
}
