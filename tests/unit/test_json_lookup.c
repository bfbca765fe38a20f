/* SPDX-License-Identifier: MIT */

/* What is found in a scanned document: members, pointers, names of types. */

#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct json_doc doc;

static int
scan_text(const char *text)
{
	const struct json_limits plain = { .max_depth = 0 };
	struct json_fault fault;
	return json_scan(&doc, view_of(text), &plain, &fault);
}

static int
setup(void **state)
{
	(void)state;
	json_doc_init(&doc);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	json_doc_fini(&doc);
	return 0;
}

static void
members_are_found_by_decoded_name(void **state)
{
	(void)state;
	assert_int_equal(
	    scan_text("{\"a\":1,\"\\u0062\":2,\"a\":3,\"c\":{\"d\":4}}"), 0);
	uint32_t node = json_member(&doc, 0, view_of("a"));
	assert_true(view_is(json_text(&doc, node), "3"));
	node = json_member(&doc, 0, view_of("b"));
	assert_true(view_is(json_text(&doc, node), "2"));
	assert_int_equal(json_member(&doc, 0, view_of("d")), 0);
	assert_int_equal(json_member(&doc, node, view_of("a")), 0);
}

static void
pointers_follow_rfc_6901(void **state)
{
	(void)state;
	static const struct {
		const char *pointer;
		const char *text; /* NULL: leads nowhere */
	} rows[] = {
		{ "/foo", "[\"bar\",\"baz\",[7]]" },
		{ "/foo/0", "\"bar\"" },
		{ "/foo/2/0", "7" },
		{ "/", "0" },
		{ "/a~1b", "1" },
		{ "/m~0n", "8" },
		{ "/~01", "9" },
		{ "/ ", "7" },
		{ "/o/", "5" },
		{ "/foo/3", NULL },
		{ "/foo/-", NULL },
		{ "/foo/00", NULL },
		{ "/foo/01", NULL },
		{ "/foo/+1", NULL },
		{ "/foo/4294967296", NULL },
		{ "/foo/99999999999999999999", NULL },
		{ "/foo/", NULL },
		{ "/foo/0/0", NULL },
		{ "/nope", NULL },
		{ "/m~2n", NULL },
		{ "/m~", NULL },
		{ "foo", NULL },
		{ "#/foo", NULL },
	};
	assert_int_equal(scan_text("{\"foo\":[\"bar\",\"baz\",[7]],\"\":0,"
				   "\"a/b\":1,\"m~n\":8,\"~1\":9,\" \":7,"
				   "\"o\":{\"\":5}}"),
	    0);
	uint32_t node = 99;
	assert_true(json_pointer_get(&doc, view_of(""), &node));
	assert_int_equal(node, 0);
	assert_true(json_pointer_get(&doc, view_make(NULL, 0), &node));
	for (size_t i = 0; i < COUNT(rows); i++) {
		bool found =
		    json_pointer_get(&doc, view_of(rows[i].pointer), &node);
		assert_int_equal(found, rows[i].text != NULL);
		if (found)
			assert_true(
			    view_is(json_text(&doc, node), rows[i].text));
	}
}

static void
types_have_their_schema_names(void **state)
{
	(void)state;
	static const char *const names[] = { "null", "boolean", "boolean",
		"number", "string", "array", "object" };
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(
		    json_type_name((enum json_type)i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_by_decoded_name),
		cmocka_unit_test(pointers_follow_rfc_6901),
		cmocka_unit_test(types_have_their_schema_names),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
