/* SPDX-License-Identifier: MIT */
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(text)                  \
	{                              \
		text, sizeof(text) - 1 \
	}

static struct json_doc doc;
static struct json_fault fault;
static const struct json_limits plain = { .max_depth = 0 };
static const struct json_limits strict = { .strict_keys = true };

static int
scan(struct view text, const struct json_limits *limits)
{
	/* An exact copy on the heap, so that a sanitizer sees an overread. */
	static char *copy;
	free(copy);
	copy = malloc(text.len ? text.len : 1);
	memcpy(copy, text.data, text.len);
	return json_scan(&doc, view_make(copy, text.len), limits, &fault);
}

static int
scan_text(const char *text)
{
	return scan(view_of(text), &plain);
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
what_the_rfc_allows_is_accepted(void **state)
{
	(void)state;
	static const struct view rows[] = { LITERAL("null"), LITERAL(" true\n"),
		LITERAL("\t\r\n false "), LITERAL("0"), LITERAL("-0"),
		LITERAL("-0.0e-00"), LITERAL("1E+2"), LITERAL("123.456e78"),
		LITERAL("[]"), LITERAL("[ ]"), LITERAL("{}"), LITERAL("{ }"),
		LITERAL("[1,[2,[]],{}]"), LITERAL("{\"a\":{\"b\":[null]}}"),
		LITERAL("\"\""), LITERAL("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
		LITERAL("\"\\u0000\\uFFFF\\uffff\""),
		LITERAL("\"\\uD801\\udc37\""), LITERAL("\"\x7f\""),
		LITERAL("\"\xc2\x80\xdf\xbf\""),
		LITERAL("\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\""),
		LITERAL("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
		LITERAL("{\"a\":1,\"a\":2}"), LITERAL("{\"\\u0000\":1}"),
		LITERAL("{\"\":0}"), LITERAL("[\"a\"]\n"),
		LITERAL("-1234567890123456789012345678901234567890") };
	for (size_t i = 0; i < COUNT(rows); i++) {
		if (scan(rows[i], &plain) != 0)
			fail_msg(
			    "refused: %s (%s)", rows[i].data, fault.message);
		assert_int_equal(fault.reason, JSON_OK);
		assert_int_equal(doc.nodes[0].next, doc.count);
	}
}

static const struct {
	struct view text;
	size_t offset;
	const char *message;
} fault_rows[] = {
	{ LITERAL(""), 0, "unexpected end" },
	{ LITERAL("  "), 2, "unexpected end" },
	{ LITERAL("\xef\xbb\xbf{}"), 0, "unexpected character" },
	{ LITERAL("\0"), 0, "unexpected character" },
	{ LITERAL("nul"), 3, "unexpected end" },
	{ LITERAL("nulk"), 3, "invalid literal" },
	{ LITERAL("NaN"), 0, "unexpected character" },
	{ LITERAL("-Infinity"), 1, "expected a digit" },
	{ LITERAL("-"), 1, "unexpected end" },
	{ LITERAL("+1"), 0, "unexpected character" },
	{ LITERAL(".5"), 0, "unexpected character" },
	{ LITERAL("01"), 1, "leading zero" },
	{ LITERAL("-01"), 2, "leading zero" },
	{ LITERAL("1."), 2, "unexpected end" },
	{ LITERAL("[1.]"), 3, "expected a digit behind '.'" },
	{ LITERAL("[1.e1]"), 3, "expected a digit behind '.'" },
	{ LITERAL("[1e]"), 3, "expected a digit in the exponent" },
	{ LITERAL("[1e+]"), 4, "expected a digit in the exponent" },
	{ LITERAL("1e"), 2, "unexpected end" },
	{ LITERAL("0x1"), 1, "data behind the value" },
	{ LITERAL("1 2"), 2, "data behind the value" },
	{ LITERAL("{}}"), 2, "data behind the value" },
	{ LITERAL("1\0"), 1, "data behind the value" },
	{ LITERAL("1\f"), 1, "data behind the value" },
	{ LITERAL("[1\xa0]"), 2, "expected ',' or ']'" },
	{ LITERAL("["), 1, "unexpected end" },
	{ LITERAL("[1"), 2, "unexpected end" },
	{ LITERAL("[1,"), 3, "unexpected end" },
	{ LITERAL("[1,]"), 3, "unexpected character" },
	{ LITERAL("[,1]"), 1, "unexpected character" },
	{ LITERAL("[1 1]"), 3, "expected ',' or ']'" },
	{ LITERAL("[1}"), 2, "expected ',' or ']'" },
	{ LITERAL("{"), 1, "unexpected end" },
	{ LITERAL("{,}"), 1, "expected a member name" },
	{ LITERAL("{a:1}"), 1, "expected a member name" },
	{ LITERAL("{'a':1}"), 1, "expected a member name" },
	{ LITERAL("{1:1}"), 1, "expected a member name" },
	{ LITERAL("{\"a\"}"), 4, "expected ':'" },
	{ LITERAL("{\"a\""), 4, "unexpected end" },
	{ LITERAL("{\"a\":}"), 5, "unexpected character" },
	{ LITERAL("{\"a\":1,}"), 7, "expected a member name" },
	{ LITERAL("{\"a\":1]"), 6, "expected ',' or '}'" },
	{ LITERAL("{\"a\":1 \"b\"}"), 7, "expected ',' or '}'" },
	{ LITERAL("[1]//"), 3, "data behind the value" },
	{ LITERAL("/**/1"), 0, "unexpected character" },
	{ LITERAL("\""), 1, "unexpected end" },
	{ LITERAL("\"abc"), 4, "unexpected end" },
	{ LITERAL("\"abcdefgh"), 9, "unexpected end" },
	{ LITERAL("\"\\"), 2, "unexpected end" },
	{ LITERAL("\"\\x\""), 1, "invalid escape" },
	{ LITERAL("\"\\U0041\""), 1, "invalid escape" },
	{ LITERAL("\"\\\0\""), 1, "invalid escape" },
	{ LITERAL("\"\\u12"), 1, "invalid \\u escape" },
	{ LITERAL("\"\\u12G4\""), 1, "invalid \\u escape" },
	{ LITERAL("\"\\u00A\""), 1, "invalid \\u escape" },
	{ LITERAL("\"\\uD800\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800"), 1, "lone surrogate" },
	{ LITERAL("\"\\uDC00\\uD800\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800\\u0041\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800xuDC00\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800\\xDC00\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800\\n\""), 1, "lone surrogate" },
	{ LITERAL("\"\\uD800\\uD800\""), 1, "lone surrogate" },
	{ LITERAL("\"a\tb\""), 2, "raw control character" },
	{ LITERAL("\"aaaaaaaaaa\nb\""), 11, "raw control character" },
	{ LITERAL("\"\0\""), 1, "raw control character" },
	{ LITERAL("\"\x1f\""), 1, "raw control character" },
	{ LITERAL("\"\x80\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xc0\xaf\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xc1\xbf\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xe0\x80\x80\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xe0\x9f\xbf\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xed\xa0\x80\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xed\xbf\xbf\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xf0\x8f\xbf\xbf\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xf4\x90\x80\x80\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xf5\x80\x80\x80\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xc3\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xe2\x82\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xf0\x9f\x98\""), 1, "invalid UTF-8" },
	{ LITERAL("\"\xc3"), 1, "invalid UTF-8" },
	{ LITERAL("\"\xff\""), 1, "invalid UTF-8" },
};

static void
faults_name_their_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(fault_rows); i++) {
		if (scan(fault_rows[i].text, &plain) == 0)
			fail_msg("accepted: %s", fault_rows[i].text.data);
		assert_int_equal(fault.reason, JSON_SYNTAX);
		if (strcmp(fault.message, fault_rows[i].message) != 0 ||
		    fault.offset != fault_rows[i].offset)
			fail_msg("row %zu %s: at %zu %s", i,
			    fault_rows[i].text.data, fault.offset,
			    fault.message);
	}
}

static void
every_control_character_is_refused_at_every_place(void **state)
{
	(void)state;
	char text[24];
	for (char byte = 0; byte < 0x20; byte++) {
		for (size_t at = 1; at < 20; at++) {
			memset(text, 'a', sizeof(text));
			text[0] = '"';
			text[21] = '"';
			text[at] = byte;
			assert_int_equal(scan(view_make(text, 22), &plain), -1);
			assert_int_equal(fault.offset, at);
		}
	}
}

static void
the_tape_lies_in_document_order(void **state)
{
	(void)state;
	assert_int_equal(
	    scan_text(" {\"a\": [1, \"x\"] , \"b\\n\":{\"c\":null}}"), 0);
	/* start, length, next, count, type, flags, mask */
	static const uint32_t expected[][7] = {
		{ 1, 34, 9, 2, JSON_OBJECT, 0, 1u << JSON_OBJECT },
		{ 2, 3, 2, 1, JSON_STRING, JSON_IS_KEY, 1u << JSON_STRING },
		{ 7, 8, 5, 2, JSON_ARRAY, 0, 1u << JSON_ARRAY },
		{ 8, 1, 4, 0, JSON_NUMBER, JSON_IS_PLAIN_INTEGER,
		    1u << JSON_NUMBER | JSON_PLAIN_INTEGER_BIT },
		{ 11, 3, 5, 1, JSON_STRING, 0, 1u << JSON_STRING },
		{ 18, 5, 6, 2, JSON_STRING, JSON_IS_KEY | JSON_HAS_ESCAPE,
		    1u << JSON_STRING },
		{ 24, 10, 9, 1, JSON_OBJECT, 0, 1u << JSON_OBJECT },
		{ 25, 3, 8, 1, JSON_STRING, JSON_IS_KEY, 1u << JSON_STRING },
		{ 29, 4, 9, 0, JSON_NULL, 0, 1u << JSON_NULL },
	};
	assert_int_equal(doc.count, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_int_equal(doc.nodes[i].start, expected[i][0]);
		assert_int_equal(doc.nodes[i].length, expected[i][1]);
		assert_int_equal(doc.nodes[i].next, expected[i][2]);
		assert_int_equal(doc.nodes[i].count, expected[i][3]);
		assert_int_equal(doc.nodes[i].type, expected[i][4]);
		assert_int_equal(doc.nodes[i].flags, expected[i][5]);
		assert_int_equal(doc.nodes[i].mask, expected[i][6]);
	}
	assert_true(view_is(json_text(&doc, 2), "[1, \"x\"]"));
}

static void
code_points_are_counted_and_decoded_bytes_hashed(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint32_t count;
		struct view decoded;
	} rows[] = {
		{ "\"\"", 0, LITERAL("") },
		{ "\"abcdefghijk\"", 11, LITERAL("abcdefghijk") },
		{ "\"\\u0061bc\"", 3, LITERAL("abc") },
		{ "\"h\xc3\xa9\"", 2, LITERAL("h\xc3\xa9") },
		{ "\"h\\u00E9\"", 2, LITERAL("h\xc3\xa9") },
		{ "\"\xf0\x9f\x98\x80\xe2\x82\xac\"", 2,
		    LITERAL("\xf0\x9f\x98\x80\xe2\x82\xac") },
		{ "\"\\ud83d\\uDE00\\u20ac\"", 2,
		    LITERAL("\xf0\x9f\x98\x80\xe2\x82\xac") },
		{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", 8,
		    LITERAL("\"\\/\b\f\n\r\t") },
		{ "\"a\\u0000b\"", 3, LITERAL("a\0b") },
		{ "\"\\uFFFF\\u07ff\"", 2, LITERAL("\xef\xbf\xbf\xdf\xbf") },
		{ "\"\\u007f\\u0080\"", 2, LITERAL("\x7f\xc2\x80") },
		{ "\"\\u0800\\ud800\\udc00\"", 2,
		    LITERAL("\xe0\xa0\x80\xf0\x90\x80\x80") },
	};
	struct buf scratch;
	buf_init(&scratch, 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(scan_text(rows[i].text), 0);
		assert_int_equal(doc.nodes[0].count, rows[i].count);
		assert_int_equal(doc.nodes[0].hash, json_hash(rows[i].decoded));
		assert_true(json_string_is(&doc, 0, rows[i].decoded));
		assert_true(view_equal(
		    json_string(&doc, 0, &scratch), rows[i].decoded));
		assert_false(json_string_is(&doc, 0, view_of("other")));
	}
	buf_fini(&scratch);
}

static void
hashes_of_all_lengths_differ(void **state)
{
	(void)state;
	static const char text[100];
	for (size_t a = 0; a < 100; a++) {
		for (size_t b = a + 1; b < 100; b++)
			assert_int_not_equal(json_hash(view_make(text, a)),
			    json_hash(view_make(text, b)));
	}
}

static void
only_digits_make_a_plain_integer(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool is_plain;
	} rows[] = { { "0", true }, { "-0", true }, { "-12", true },
		{ "18446744073709551616", true }, { "1.0", false },
		{ "1e2", false }, { "-1.5E-2", false } };
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(scan_text(rows[i].text), 0);
		assert_int_equal(doc.nodes[0].flags,
		    rows[i].is_plain ? JSON_IS_PLAIN_INTEGER : 0);
		assert_int_equal(doc.nodes[0].length, strlen(rows[i].text));
	}
}

static int
scan_nested(uint32_t depth, uint32_t max_depth)
{
	char *text = malloc(2 * depth);
	memset(text, '[', depth);
	memset(text + depth, ']', depth);
	struct json_limits limits = { .max_depth = max_depth };
	int status = scan(view_make(text, 2 * depth), &limits);
	free(text);
	return status;
}

static void
depth_is_allowed_up_to_the_limit(void **state)
{
	(void)state;
	assert_int_equal(scan_nested(64, 64), 0);
	assert_int_equal(scan_nested(65, 64), -1);
	assert_int_equal(fault.reason, JSON_TOO_DEEP);
	assert_int_equal(fault.offset, 64);
	assert_int_equal(scan_nested(512, 0), 0);
	assert_int_equal(scan_nested(513, 0), -1);
	assert_int_equal(scan_nested(100000, 64), -1);
	assert_int_equal(scan_nested(100000, 100000), 0);
	struct json_limits two = { .max_depth = 2 };
	assert_int_equal(scan(view_of("[{},{},[],[{}]]"), &two), -1);
	assert_int_equal(scan(view_of("[{},{},[],[1]]"), &two), 0);
}

static void
strict_keys_compares_decoded_names(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int status;
		size_t offset;
	} rows[] = {
		{ "{\"a\":1,\"a\":2}", -1, 7 },
		{ "{\"a\":1,\"\\u0061\":2}", -1, 7 },
		{ "{\"\\u0061\":1,\"a\":2}", -1, 12 },
		{ "{\"\\n\":1,\"\\u000a\":2}", -1, 8 },
		{ "{\"a\":1,\"b\":{\"c\":0,\"d\":1,\"c\":2}}", -1, 24 },
		{ "{\"a\":1,\"b\":{\"a\":2}}", 0, 0 },
		{ "[{\"a\":1},{\"a\":1}]", 0, 0 },
		{ "{\"a\":\"a\",\"A\":\"a\"}", 0, 0 },
		{ "{\"\":1,\"\":1}", -1, 6 },
		{ "{\"a\\u0000b\":1}", -1, 3 },
		{ "{\"a\":\"\\u0000\"}", 0, 0 },
		{ "{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,"
		  "\"7\":0,\"8\":0,\"9\":0,\"\\u0033\":0}",
		    -1, 55 },
		{ "{\"1\":0,\"2\":0,\"3\":0,\"4\":0,\"5\":0,\"6\":0,"
		  "\"7\":0,\"8\":0,\"9\":0,\"10\":0}",
		    0, 0 },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		int status = scan(view_of(rows[i].text), &strict);
		assert_int_equal(status, rows[i].status);
		assert_int_equal(fault.offset, rows[i].offset);
	}
}

static void
many_keys_are_checked_in_linear_time(void **state)
{
	(void)state;
	struct buf text;
	buf_init(&text, 0);
	buf_add_char(&text, '{');
	for (unsigned i = 0; i < 200000; i++)
		buf_addf(&text, "\"k%u\":%u,", i, i);
	size_t duplicate = text.len;
	buf_add_text(&text, "\"k77\":0}");
	assert_int_equal(scan(buf_view(&text), &strict), -1);
	assert_int_equal(fault.offset, duplicate);
	assert_string_equal(fault.message, "duplicate member name");
	assert_int_equal(scan(buf_view(&text), &plain), 0);
	uint32_t node = json_member(&doc, 0, view_of("k77"));
	assert_true(view_is(json_text(&doc, node), "0"));
	buf_fini(&text);
	/* The next small document gives the memory back. */
	assert_int_equal(scan_text("[]"), 0);
	assert_true(doc.capacity <= 65536);
}

static void
a_second_scan_allocates_nothing(void **state)
{
	(void)state;
	assert_int_equal(scan_text("[1,2,3,{\"a\":\"\\n\"}]"), 0);
	struct json_node *nodes = doc.nodes;
	uint32_t capacity = doc.capacity;
	assert_int_equal(scan_text("[1,2,{\"b\":\"\\t\"},3]"), 0);
	assert_ptr_equal(doc.nodes, nodes);
	assert_int_equal(doc.capacity, capacity);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_rfc_allows_is_accepted),
		cmocka_unit_test(faults_name_their_byte),
		cmocka_unit_test(
		    every_control_character_is_refused_at_every_place),
		cmocka_unit_test(the_tape_lies_in_document_order),
		cmocka_unit_test(
		    code_points_are_counted_and_decoded_bytes_hashed),
		cmocka_unit_test(hashes_of_all_lengths_differ),
		cmocka_unit_test(only_digits_make_a_plain_integer),
		cmocka_unit_test(depth_is_allowed_up_to_the_limit),
		cmocka_unit_test(strict_keys_compares_decoded_names),
		cmocka_unit_test(many_keys_are_checked_in_linear_time),
		cmocka_unit_test(a_second_scan_allocates_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
