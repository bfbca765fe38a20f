/* SPDX-License-Identifier: MIT */
#include "query.h"
#include "stream_key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void
a_parameter_is_found_and_decoded(void **state)
{
	(void)state;
	static const struct {
		const char *query;
		const char *expected; /* NULL: absent */
	} rows[] = {
		{ "", NULL },
		{ "session_id", "" },
		{ "session_id=", "" },
		{ "session_id=s1", "s1" },
		{ "a=b&session_id=s1&c=d", "s1" },
		{ "session_id=a=b", "a=b" },
		{ "session_id=a%20b+c", "a b c" },
		{ "session_id=%e2%82%AC", "\xe2\x82\xac" },
		{ "session_id=100%", "100%" },
		{ "session_id=%4", "%4" },
		{ "session_id=%zz%41", "%zzA" },
		{ "session%5fid=s1", "s1" },
		{ "session_id=s1&session_id=s2", "s2" },
		{ "&&session_id=s1&&", "s1" },
		{ "Session_id=s1", NULL },
		{ "xsession_id=s1", NULL },
		{ "session_idx=s1", NULL },
		{ "=session_id", NULL },
	};
	struct buf value;
	buf_init(&value, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&value);
		bool found =
		    query_get(view_of(rows[i].query), "session_id", &value);
		assert_int_equal(found, rows[i].expected != NULL);
		if (found)
			assert_true(
			    view_is(buf_view(&value), rows[i].expected));
	}
	buf_fini(&value);
}

static void
an_escaped_nul_is_a_byte_like_any_other(void **state)
{
	struct buf value;
	(void)state;
	buf_init(&value, 0);
	assert_true(query_get(view_of("a=x%00y"), "a", &value));
	assert_true(view_equal(buf_view(&value), view_make("x\0y", 3)));
	buf_fini(&value);
}

static void
white_space_goes_at_both_ends_only(void **state)
{
	(void)state;
	assert_true(view_is(query_trim(view_of(" \t a b\r\n\v\f ")), "a b"));
	assert_int_equal(query_trim(view_of("  ")).len, 0);
	assert_int_equal(query_trim(view_of("")).len, 0);
}

static void
different_identities_never_share_a_key(void **state)
{
	(void)state;
	static const struct {
		const char *tenant, *user, *session, *key;
	} rows[] = {
		{ "default", "anonymous", "s1",
		    "relay:events:{default/anonymous/s1}" },
		{ "a/b", "c", "d", "relay:events:{a%2Fb/c/d}" },
		{ "a", "b/c", "d", "relay:events:{a/b%2Fc/d}" },
		{ "a", "b", "%2F", "relay:events:{a/b/%252F}" },
		{ "a", "b", "{x}:*?[ ]",
		    "relay:events:{a/b/%7Bx%7D%3A%2A%3F%5B%20%5D}" },
		{ "-._~", "Az09", "\xc3\xa9",
		    "relay:events:{-._~/Az09/%C3%A9}" },
	};
	struct buf key;
	buf_init(&key, 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buf_clear(&key);
		stream_key_events(&key, view_of("relay:"),
		    view_of(rows[i].tenant), view_of(rows[i].user),
		    view_of(rows[i].session));
		assert_true(view_is(buf_view(&key), rows[i].key));
	}
	buf_clear(&key);
	stream_key_identity(
	    &key, view_of("t"), view_of("u"), view_make(NULL, 0));
	assert_true(view_is(buf_view(&key), "t/u"));
	buf_fini(&key);
}

static void
a_session_id_has_1_to_256_bytes_of_printable_utf8(void **state)
{
	char text[258];
	(void)state;
	memset(text, 'a', sizeof text);
	assert_false(stream_key_session_is_valid(view_of("")));
	assert_true(stream_key_session_is_valid(view_make(text, 1)));
	assert_true(stream_key_session_is_valid(view_make(text, 256)));
	assert_false(stream_key_session_is_valid(view_make(text, 257)));
	static const char *const fine[] = { " s 1 ", "{*}:/..",
		"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc2\xa0" };
	for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
		assert_true(stream_key_session_is_valid(view_of(fine[i])));
	static const char *const refused[] = { "a\nb", "a\x1f", "\x7f",
		"\xc2\x80", "\xc2\x9f", "\xff", "\xc0\x80", "\xed\xa0\x80",
		"\xc3" };
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		assert_false(stream_key_session_is_valid(view_of(refused[i])));
	assert_false(stream_key_session_is_valid(view_make("a\0b", 3)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_parameter_is_found_and_decoded),
		cmocka_unit_test(an_escaped_nul_is_a_byte_like_any_other),
		cmocka_unit_test(white_space_goes_at_both_ends_only),
		cmocka_unit_test(different_identities_never_share_a_key),
		cmocka_unit_test(
		    a_session_id_has_1_to_256_bytes_of_printable_utf8),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
