/* SPDX-License-Identifier: MIT */

/* The words of a violation. Limits, types and names, never the instance's own
 * values: reports end up in logs. */

#include "schema_explain.h"
#include "schema_format.h"

#include "schema_table.h"

#include <stdio.h>

void
schema_copy_text(char *to, size_t size, struct view text)
{
	size_t length = text.len < size - 1 ? text.len : size - 1;
	if (length < text.len)
		while (length > 0 && (text.data[length] & 0xc0) == 0x80)
			length--;
	if (length > 0)
		memcpy(to, text.data, length);
	to[length] = '\0';
}

static void
add_token(struct schema_explain *explain, const struct schema_step *step,
    struct buf *out)
{
	buf_add_char(out, '/');
	if (!step->key) {
		buf_add_u64(out, step->ordinal);
		return;
	}
	buf_add_token(out,
	    json_string(
		explain->run.doc, step->key, &explain->run.scratch->text));
}

static void
add_path(struct schema_explain *explain, const struct schema_step *step,
    struct buf *out)
{
	if (!step)
		return;
	add_path(explain, step->outer, out);
	add_token(explain, step, out);
}

static const char *
rule_text(enum schema_op op)
{
	static const char *const texts[] = {
#define OP(name, text, types, cost) text,
#include "schema_ops.def"
#undef OP
	};
	return texts[op];
}

struct violation *
schema_report(struct schema_explain *explain, const struct schema_spot *spot,
    enum schema_op op)
{
	if (explain->count >= explain->max)
		return NULL;
	struct violation *violation = &explain->violations[explain->count++];
	struct buf *pointer = &explain->run.scratch->other;
	buf_clear(pointer);
	add_path(explain, spot->path, pointer);
	schema_copy_text(
	    violation->pointer, sizeof(violation->pointer), buf_view(pointer));
	schema_copy_text(
	    violation->rule, sizeof(violation->rule), view_of(rule_text(op)));
	violation->expected[0] = '\0';
	violation->got[0] = '\0';
	violation->hint[0] = '\0';
	violation->refusal = spot->refusal;
	return violation;
}

void
schema_describe_types(uint64_t types, char *text, size_t size)
{
	static const struct {
		uint8_t bits;
		const char *name;
	} names[] = {
		{ TYPE_BIT(JSON_OBJECT), "object" },
		{ TYPE_BIT(JSON_ARRAY), "array" },
		{ TYPE_BIT(JSON_STRING), "string" },
		{ TYPE_BIT(JSON_NUMBER), "number" },
		{ TYPE_INTEGER, "integer" },
		{ TYPE_BIT(JSON_TRUE), "boolean" },
		{ TYPE_BIT(JSON_NULL), "null" },
	};
	size_t length = 0;
	text[0] = '\0';
	if (types & TYPE_BIT(JSON_NUMBER))
		types &= ~(uint64_t)TYPE_INTEGER;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(types & names[i].bits) || length >= size)
			continue;
		int added = snprintf(text + length, size - length, "%s%s",
		    length ? " or " : "", names[i].name);
		length += (size_t)added;
	}
}

static void
add_values(const struct schema_values *values, struct buf *out)
{
	static const char *const simple[] = { "null", "false", "true" };
	const char *between = "";
	for (uint32_t i = 0; i < values->strings->count; i++) {
		buf_add_text(out, between);
		buf_add_json_string(out, values->strings->names[i].text);
		between = ", ";
	}
	for (uint32_t i = 0; i < 3; i++) {
		if (!(values->types & TYPE_BIT(i)))
			continue;
		buf_addf(out, "%s%s", between, simple[i]);
		between = ", ";
	}
	for (uint32_t i = 0; i < values->number_count; i++) {
		buf_add_text(out, between);
		decimal_print(&values->numbers[i], out);
		between = ", ";
	}
	if (values->container_count > 0)
		buf_addf(out, "%s%u arrays or objects", between,
		    values->container_count);
}

static bool
has_several(const struct schema_values *values)
{
	uint32_t count = values->strings->count + values->number_count +
	    values->container_count;
	for (uint32_t i = 0; i < 3; i++)
		count += (values->types & TYPE_BIT(i)) != 0;
	return count > 1;
}

static void
describe_values(struct schema_explain *explain, const struct schema_rule *rule,
    uint32_t at, struct violation *violation)
{
	struct buf *text = &explain->run.scratch->other;
	buf_clear(text);
	if (rule->op == SCHEMA_OP_ENUM && has_several(rule->values))
		buf_add_text(text, "one of ");
	add_values(rule->values, text);
	schema_copy_text(
	    violation->expected, sizeof(violation->expected), buf_view(text));
	bool is_string = explain->run.doc->nodes[at].type == JSON_STRING;
	snprintf(violation->got, sizeof(violation->got), "%s",
	    is_string ? "another string"
		      : json_type_name(explain->run.doc->nodes[at].type));
	if (is_string)
		schema_hint_table(
		    explain, rule->values->strings, at, violation);
}

static void
describe_bound(const char *before, const struct schema_number *number,
    const char *got, struct violation *violation)
{
	snprintf(violation->expected, sizeof(violation->expected), "%s %.*s",
	    before, (int)(number->text.len < 100 ? number->text.len : 100),
	    number->text.data);
	snprintf(violation->got, sizeof(violation->got), "%s", got);
}

static void
describe_count(struct schema_explain *explain, const struct schema_rule *rule,
    uint32_t at, struct violation *violation)
{
	const char *unit = "character";
	if (rule->op == SCHEMA_OP_MAX_ITEMS || rule->op == SCHEMA_OP_MIN_ITEMS)
		unit = "item";
	if (rule->op == SCHEMA_OP_MAX_PROPERTIES ||
	    rule->op == SCHEMA_OP_MIN_PROPERTIES)
		unit = "member";
	uint32_t count = explain->run.doc->nodes[at].count;
	const char *side = count > rule->limit ? "at most" : "at least";
	snprintf(violation->expected, sizeof(violation->expected),
	    "%s %llu %s%s", side, (unsigned long long)rule->limit, unit,
	    rule->limit == 1 ? "" : "s");
	snprintf(violation->got, sizeof(violation->got), "%u", count);
}

static void
describe_type(struct schema_explain *explain, const struct schema_rule *rule,
    uint32_t at, struct violation *violation)
{
	enum json_type type = explain->run.doc->nodes[at].type;
	schema_describe_types(
	    rule->limit, violation->expected, sizeof(violation->expected));
	bool has_fraction = type == JSON_NUMBER && (rule->limit & TYPE_INTEGER);
	snprintf(violation->got, sizeof(violation->got), "%s",
	    has_fraction ? "number with a fraction" : json_type_name(type));
}

static void
describe_text(struct schema_explain *explain, const char *kind,
    struct view text, struct violation *violation)
{
	struct buf *out = &explain->run.scratch->other;
	buf_clear(out);
	buf_add_text(out, kind);
	buf_add(out, text);
	schema_copy_text(
	    violation->expected, sizeof(violation->expected), buf_view(out));
	snprintf(violation->got, sizeof(violation->got), "another string");
}

static void
describe_other(struct schema_explain *explain, const char *expected,
    uint32_t at, struct violation *violation)
{
	snprintf(
	    violation->expected, sizeof(violation->expected), "%s", expected);
	snprintf(violation->got, sizeof(violation->got), "%s",
	    json_type_name(explain->run.doc->nodes[at].type));
}

static void
describe_contains(struct schema_explain *explain,
    const struct schema_contains *contains, uint32_t at,
    struct violation *violation)
{
	if (contains->max == UINT64_MAX)
		snprintf(violation->expected, sizeof(violation->expected),
		    "at least %llu fitting items",
		    (unsigned long long)contains->min);
	else
		snprintf(violation->expected, sizeof(violation->expected),
		    "%llu to %llu fitting items",
		    (unsigned long long)contains->min,
		    (unsigned long long)contains->max);
	snprintf(violation->got, sizeof(violation->got),
	    "another number of them in %u items",
	    explain->run.doc->nodes[at].count);
}

void
schema_describe(struct schema_explain *explain, const struct schema_rule *rule,
    uint32_t at, struct violation *violation)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_TYPE:
		describe_type(explain, rule, at, violation);
		break;
	case SCHEMA_OP_CONST:
	case SCHEMA_OP_ENUM:
		describe_values(explain, rule, at, violation);
		break;
	case SCHEMA_OP_MAXIMUM:
		describe_bound(
		    "at most", rule->number, "a greater number", violation);
		break;
	case SCHEMA_OP_EXCLUSIVE_MAXIMUM:
		describe_bound(
		    "less than", rule->number, "a number not less", violation);
		break;
	case SCHEMA_OP_MINIMUM:
		describe_bound(
		    "at least", rule->number, "a smaller number", violation);
		break;
	case SCHEMA_OP_EXCLUSIVE_MINIMUM:
		describe_bound("more than", rule->number,
		    "a number not greater", violation);
		break;
	case SCHEMA_OP_MULTIPLE_OF:
		describe_bound(
		    "a multiple of", rule->number, "another number", violation);
		break;
	case SCHEMA_OP_PATTERN:
		describe_text(explain, "a string that matches ",
		    schema_regex_text(rule->regex), violation);
		break;
	case SCHEMA_OP_FORMAT:
		describe_text(explain, "a string of format ",
		    view_of(rule->format->name), violation);
		break;
	case SCHEMA_OP_UNIQUE_ITEMS:
		describe_other(explain, "no two equal items", at, violation);
		break;
	case SCHEMA_OP_CONTAINS:
		describe_contains(explain, rule->contains, at, violation);
		break;
	case SCHEMA_OP_NOT:
		describe_other(explain,
		    "a value that does not fit the schema "
		    "in \"not\"",
		    at, violation);
		break;
	default:
		describe_count(explain, rule, at, violation);
		break;
	}
}
