/* SPDX-License-Identifier: MIT */

/* Any bytes as a schema: refused with a reason, or a program that judges a few
 * values the same way whether it explains or not. The first byte sets the
 * options. */

#include "fuzz.h"
#include "schema.h"

static const char *const instances[] = { "null", "true", "0", "-1.50e3",
	"123456789012345678901234567890", "\"\"", "\"\\u00e4\\ud83d\\udc32 x\"",
	"[]", "[1,1.0,\"a\",[],{}]", "{}",
	"{\"a\":1,\"b\":[{\"a\":null}],\"foo\":{\"bar\":\"baz\"}}" };

static void
judge(const struct schema *schema, struct schema_scratch *scratch,
    const char *text)
{
	struct json_doc doc;
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct violation violations[3];
	json_doc_init(&doc);
	must(json_scan(&doc, view_of(text), &limits, &fault) == 0);
	bool is_valid = schema_check(schema, scratch, &doc, 0);
	size_t count = schema_explain(schema, scratch, &doc, 0, violations, 3);
	must(is_valid == (count == 0));
	must(count <= 3);
	for (size_t i = 0; i < count; i++)
		must(violations[i].rule[0] != '\0');
	json_doc_fini(&doc);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct schema_scratch *scratch;
	struct error err = { 0 };
	if (size == 0)
		return 0;
	if (!scratch)
		scratch = schema_scratch_new();
	struct schema_options options = {
		.draft = data[0] % 3,
		.format_assertion = data[0] & 4,
		.refuse_unknown_keywords = data[0] & 8,
	};
	struct schema_set *set = schema_set_new();
	struct view text = view_make(data + 1, size - 1);
	struct schema *schema = NULL;
	if (schema_set_add(set, "dir/a.json", text, &err) == 0)
		schema = schema_compile(set, "dir/a.json", &options, &err);
	must(schema || err.message[0] != '\0');
	schema_set_free(&set);
	for (size_t i = 0;
	     schema && i < sizeof(instances) / sizeof(instances[0]); i++)
		judge(schema, scratch, instances[i]);
	schema_free(&schema);
	return 0;
}
