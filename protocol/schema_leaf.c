/* SPDX-License-Identifier: MIT */

/* Rules that need nothing but the value at hand. */

#include "schema_format.h"
#include "schema_run.h"
#include "schema_table.h"
#include "schema_value.h"

static bool
is_listed_number(
    struct schema_run *run, const struct schema_values *values, uint32_t at)
{
	if (values->number_count == 0)
		return false;
	struct decimal number = decimal_of(json_text(run->doc, at));
	for (uint32_t i = 0; i < values->number_count; i++)
		if (decimal_compare(&number, &values->numbers[i]) == 0)
			return true;
	return false;
}

static bool
is_listed_container(
    struct schema_run *run, const struct schema_values *values, uint32_t at)
{
	struct schema_value instance = { run->doc, at };
	for (uint32_t i = 0; i < values->container_count; i++) {
		struct schema_value value = { values->doc,
			values->containers[i] };
		if (schema_value_equal(run->scratch, instance, value))
			return true;
	}
	return false;
}

static bool
is_listed(
    struct schema_run *run, const struct schema_values *values, uint32_t at)
{
	enum json_type type = run->doc->nodes[at].type;
	switch (type) {
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		return values->types & TYPE_BIT(type);
	case JSON_NUMBER:
		return is_listed_number(run, values, at);
	case JSON_STRING:
		return schema_table_find(values->strings, run->doc, at);
	case JSON_ARRAY:
	case JSON_OBJECT:
		return is_listed_container(run, values, at);
	}
	return false;
}

/* Integers of up to 18 digits without the detour over decimals. */
static bool
read_small(const struct json_doc *doc, uint32_t at, int64_t *value_r)
{
	const struct json_node *node = &doc->nodes[at];
	const char *digit = doc->text.data + node->start;
	const char *end = digit + node->length;
	if (!(node->flags & JSON_IS_PLAIN_INTEGER) || node->length > 18)
		return false;
	bool is_negative = *digit == '-';
	int64_t value = 0;
	for (digit += is_negative; digit < end; digit++)
		value = value * 10 + (*digit - '0');
	*value_r = is_negative ? -value : value;
	return true;
}

/* <0, 0, >0: the number at `at` against a bound. */
static int
compare_number(struct schema_run *run, const struct decimal *bound, uint32_t at)
{
	int64_t value = 0;
	if (bound->is_small && read_small(run->doc, at, &value))
		return (value > bound->small) - (value < bound->small);
	struct decimal number = decimal_of(json_text(run->doc, at));
	return decimal_compare(&number, bound);
}

static bool
is_multiple(struct schema_run *run, const struct decimal *divisor, uint32_t at)
{
	int64_t value = 0;
	if (divisor->is_small && read_small(run->doc, at, &value))
		return value % divisor->small == 0;
	struct decimal number = decimal_of(json_text(run->doc, at));
	return decimal_is_multiple(&number, divisor);
}

static bool
fits_number(struct schema_run *run, const struct schema_rule *rule, uint32_t at)
{
	if (rule->op == SCHEMA_OP_MULTIPLE_OF)
		return is_multiple(run, &rule->number->value, at);
	int order = compare_number(run, &rule->number->value, at);
	if (rule->op == SCHEMA_OP_MAXIMUM)
		return order <= 0;
	if (rule->op == SCHEMA_OP_EXCLUSIVE_MAXIMUM)
		return order < 0;
	if (rule->op == SCHEMA_OP_MINIMUM)
		return order >= 0;
	return order > 0;
}

bool
schema_run_matches(
    struct schema_run *run, const struct schema_regex *regex, uint32_t at)
{
	if (run->is_aborted)
		return false; /* the next match might cost as much again */
	struct view text = json_string(run->doc, at, &run->scratch->text);
	enum schema_match match =
	    schema_regex_match(regex, run->scratch->matcher, text);
	if (match == SCHEMA_MATCH_LIMIT)
		run->is_aborted = true;
	return match == SCHEMA_MATCH_YES;
}

uint32_t
schema_run_member(
    struct schema_run *run, uint32_t object, const struct schema_name *name)
{
	const struct json_doc *doc = run->doc;
	const struct json_node *end = doc->nodes + doc->nodes[object].next;
	const struct json_node *key = doc->nodes + object + 1;
	for (; key < end; key = json_behind(doc, key + 1))
		if (schema_name_fits(name, doc, key))
			return (uint32_t)(key + 1 - doc->nodes);
	return 0;
}

static bool
has_dependents(struct schema_run *run,
    const struct schema_dependency *dependency, uint32_t at)
{
	if (!schema_run_member(run, at, &dependency->name))
		return true;
	for (uint32_t i = 0; i < dependency->need_count; i++)
		if (!schema_run_member(run, at, &dependency->needs[i]))
			return false;
	return true;
}

static bool
has_format(
    struct schema_run *run, const struct schema_format *format, uint32_t at)
{
	return format->is_valid(json_string(run->doc, at, &run->scratch->text));
}

static bool
has_type_of(struct schema_run *run, uint64_t types, uint32_t at)
{
	enum json_type type = run->doc->nodes[at].type;
	if (types & TYPE_BIT(type))
		return true;
	if (type != JSON_NUMBER || !(types & TYPE_INTEGER))
		return false;
	struct decimal number = decimal_of(json_text(run->doc, at));
	return decimal_is_integer(&number);
}

bool
schema_run_leaf(
    struct schema_run *run, const struct schema_rule *rule, uint32_t at)
{
	uint32_t count = run->doc->nodes[at].count;
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_TYPE:
		return has_type_of(run, rule->limit, at);
	case SCHEMA_OP_CONST:
	case SCHEMA_OP_ENUM:
		return is_listed(run, rule->values, at);
	case SCHEMA_OP_MAX_LENGTH:
	case SCHEMA_OP_MAX_ITEMS:
	case SCHEMA_OP_MAX_PROPERTIES:
		return count <= rule->limit;
	case SCHEMA_OP_MIN_LENGTH:
	case SCHEMA_OP_MIN_ITEMS:
	case SCHEMA_OP_MIN_PROPERTIES:
		return count >= rule->limit;
	case SCHEMA_OP_PATTERN:
		return schema_run_matches(run, rule->regex, at);
	case SCHEMA_OP_FORMAT:
		return has_format(run, rule->format, at);
	case SCHEMA_OP_UNIQUE_ITEMS:
		return schema_value_is_unique(run->scratch, run->doc, at);
	case SCHEMA_OP_DEPENDENT_REQUIRED:
		return has_dependents(run, rule->dependency, at);
	default:
		return fits_number(run, rule, at);
	}
}
