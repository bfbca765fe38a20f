/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_HELPER_H
#define SCHEMA_HELPER_H

/* What the schema tests share: compile a text, check a text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "schema.h"

static inline struct schema *
compile_text(
    const char *text, const struct schema_options *options, struct error *err)
{
	struct schema_set *set = schema_set_new();
	struct schema *schema = NULL;
	if (schema_set_add(set, "test.json", view_of(text), err) == 0)
		schema = schema_compile(set, "test.json", options, err);
	schema_set_free(&set);
	return schema;
}

/* Checks and explains `text`, and that both agree. */
static inline size_t
explain_text(const struct schema *schema, const char *text,
    struct violation *violations, size_t max)
{
	struct json_doc doc;
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct schema_scratch *scratch = schema_scratch_new();
	json_doc_init(&doc);
	assert_int_equal(json_scan(&doc, view_of(text), &limits, &fault), 0);
	bool is_valid = schema_check(schema, scratch, &doc, 0);
	size_t count =
	    schema_explain(schema, scratch, &doc, 0, violations, max);
	assert_int_equal(is_valid, count == 0);
	json_doc_fini(&doc);
	schema_scratch_free(&scratch);
	return count;
}

/* "" when valid, else "rule pointer" of the first violation. */
static inline const char *
first_violation(const char *schema_text, const char *text)
{
	static char line[320];
	struct error err = { 0 };
	struct violation violations[4];
	struct schema *schema = compile_text(schema_text, NULL, &err);
	if (!schema)
		fail_msg("%s: %s: %s", schema_text, err.where, err.message);
	line[0] = '\0';
	if (explain_text(schema, text, violations, 4) > 0)
		snprintf(line, sizeof(line), "%s %s", violations[0].rule,
		    violations[0].pointer);
	schema_free(&schema);
	return line;
}

#endif
