/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "error.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void
appends_of_every_kind_stand_in_order(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	buf_add_text(&buf, "a");
	buf_add_char(&buf, '=');
	buf_add_u64(&buf, 0);
	buf_add_char(&buf, ' ');
	buf_add_u64(&buf, UINT64_MAX);
	buf_addf(&buf, " %s-%d", "x", -3);
	buf_add(&buf, view_make("\0z", 2));
	assert_true(view_equal(
	    buf_view(&buf), view_make("a=0 18446744073709551615 x--3\0z", 31)));
	assert_true(buf_ok(&buf));
	buf_fini(&buf);
}

static void
long_formatted_text_is_not_cut(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 0);
	buf_addf(&buf, "%0300d", 7);
	assert_int_equal(buf.len, 300);
	assert_int_equal(buf.data[299], '7');
	buf_fini(&buf);
}

static void
a_limit_is_reached_exactly_and_then_sticks(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 4);
	buf_addf(&buf, "%s", "abcd");
	assert_true(buf_ok(&buf));
	buf_add_char(&buf, 'e');
	assert_false(buf_ok(&buf));
	assert_true(view_is(buf_view(&buf), "abcd"));
	buf_clear(&buf);
	assert_true(buf_ok(&buf));
	buf_add_text(&buf, "abcde");
	buf_add_text(&buf, "a");
	assert_false(buf_ok(&buf));
	assert_int_equal(buf.len, 0);
	buf_fini(&buf);
}

static void
reserved_room_is_the_writers_to_fill(void **state)
{
	(void)state;
	struct buf buf;
	buf_init(&buf, 100);
	char *room = buf_reserve(&buf, 100);
	assert_non_null(room);
	memset(room, 'x', 100);
	buf.len += 100;
	assert_null(buf_reserve(&buf, 1));
	assert_null(buf_reserve(&buf, SIZE_MAX));
	buf_fini(&buf);
	assert_null(buf.data);
}

static void
json_strings_are_escaped_and_made_utf8(void **state)
{
	(void)state;
	static const struct {
		struct view in;
		const char *out;
	} rows[] = {
		{ { "", 0 }, "\"\"" },
		{ { NULL, 0 }, "\"\"" },
		{ { "a\"b\\c/", 6 }, "\"a\\\"b\\\\c/\"" },
		{ { "\b\t\n\f\r", 5 }, "\"\\b\\t\\n\\f\\r\"" },
		{ { "\0\x1f\x7f", 3 }, "\"\\u0000\\u001f\x7f\"" },
		{ { "h\xc3\xa9\xf0\x9f\x98\x80", 7 },
		    "\"h\xc3\xa9\xf0\x9f\x98\x80\"" },
		{ { "\xff"
		    "a\xc3",
		      3 },
		    "\"\xef\xbf\xbd"
		    "a\xef\xbf\xbd\"" },
		{ { "\xed\xa0\x80", 3 },
		    "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf buf;
		buf_init(&buf, 0);
		buf_add_json_string(&buf, rows[i].in);
		assert_true(view_is(buf_view(&buf), rows[i].out));
		buf_fini(&buf);
	}
}

static void
an_error_says_where_and_what(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(error_set(&err, "a.json#/b", "%d is odd", 3), -1);
	assert_string_equal(err.where, "a.json#/b");
	assert_string_equal(err.message, "3 is odd");
	assert_int_equal(error_set(NULL, "", "nobody listens"), -1);
}

static void
copies_are_terminated(void **state)
{
	(void)state;
	char *copy = xstrndup("abcdef", 3);
	assert_string_equal(copy, "abc");
	copy = xrealloc(copy, 100);
	assert_string_equal(copy, "abc");
	free(copy);
	copy = xstrdup("");
	assert_string_equal(copy, "");
	free(copy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_of_every_kind_stand_in_order),
		cmocka_unit_test(long_formatted_text_is_not_cut),
		cmocka_unit_test(a_limit_is_reached_exactly_and_then_sticks),
		cmocka_unit_test(reserved_room_is_the_writers_to_fill),
		cmocka_unit_test(json_strings_are_escaped_and_made_utf8),
		cmocka_unit_test(an_error_says_where_and_what),
		cmocka_unit_test(copies_are_terminated),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
