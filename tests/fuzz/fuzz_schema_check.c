/* SPDX-License-Identifier: MIT */

/*
 * A schema and an instance, a NUL or a line feed between them. Checking and
 * explaining must agree; the verdict must not depend on what was judged
 * before, nor on white space and the spelling of strings: the instance is
 * judged again with every string escaped as far as it goes.
 */

#include "fuzz.h"
#include "schema.h"

static bool
judge(const struct schema *schema, struct schema_scratch *scratch,
    const struct json_doc *doc)
{
	struct violation violations[10];
	bool is_valid = schema_check(schema, scratch, doc, 0);
	size_t count = schema_explain(schema, scratch, doc, 0, violations, 10);
	must(is_valid == (count == 0));
	return is_valid;
}

/* Every ASCII letter inside of strings as \u00XX, a blank round every token
 * that has brackets. */
static void
respell(struct view text, struct buf *out)
{
	bool in_string = false;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];
		bool is_letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		if (in_string && c == '\\') {
			size_t length = text.data[i + 1] == 'u' ? 6 : 2;
			buf_add(out, view_make(text.data + i, length));
			i += length - 1;
		} else if (in_string && is_letter) {
			buf_addf(out, "\\u%04x", (unsigned)c);
		} else {
			buf_add_char(out, c);
			if (!in_string && strchr("[]{}:,", c))
				buf_add_char(out, ' ');
		}
		if (c == '"')
			in_string = !in_string;
	}
}

static void
judge_twice(const struct schema *schema, struct schema_scratch *scratch,
    struct view text)
{
	struct json_doc doc;
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct buf again;
	json_doc_init(&doc);
	buf_init(&again, 0);
	if (json_scan(&doc, text, &limits, &fault) == 0) {
		bool is_valid = judge(schema, scratch, &doc);
		respell(text, &again);
		must(json_scan(&doc, buf_view(&again), &limits, &fault) == 0);
		must(judge(schema, scratch, &doc) == is_valid);
	}
	buf_fini(&again);
	json_doc_fini(&doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct schema_scratch *scratch;
	struct error err = { 0 };
	size_t cut = 0;
	while (cut < size && data[cut] != '\0' && data[cut] != '\n')
		cut++;
	if (cut == size)
		return 0;
	if (!scratch)
		scratch = schema_scratch_new();
	struct schema_options options = { .format_assertion = true };
	struct schema_set *set = schema_set_new();
	struct schema *schema = NULL;
	if (schema_set_add(set, "a.json", view_make(data, cut), &err) == 0)
		schema = schema_compile(set, "a.json", &options, &err);
	schema_set_free(&set);
	if (schema)
		judge_twice(
		    schema, scratch, view_make(data + cut + 1, size - cut - 1));
	schema_free(&schema);
	return 0;
}
