/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_ecma.h"
#include "schema_regex.h"
#include "schema_shape.h"

static enum schema_match
match(const char *pattern, const char *text)
{
	struct error err = { 0 };
	struct schema_regex *regex = schema_regex_new(view_of(pattern), &err);
	if (!regex)
		fail_msg("%s: %s", pattern, err.message);
	struct schema_matcher *matcher = schema_matcher_new();
	enum schema_match result =
	    schema_regex_match(regex, matcher, view_of(text));
	schema_matcher_free(&matcher);
	schema_regex_free(&regex);
	return result;
}

struct row {
	const char *pattern;
	const char *yes;
	const char *no;
};

#define NBSP  "\xc2\xa0"
#define LINE  "\xe2\x80\xa8" /* U+2028 */
#define BEAST "\xf0\x9f\x90\xb2"

static const struct row rows[] = {
	{ "^abc$", "abc", "abc\n" },
	{ "^[a-z]+$", "abc", "abC" },
	{ "^[a-z]{2,3}$", "abc", "abcd" },
	{ "^[a-z]{2,}-\\d+$", "ab-0", "a-0" },
	{ "^[^a]*$", "bcd" BEAST, "bca" },
	{ "^(a|bc|)$", "bc", "b" },
	{ "^(?:on|off)$", "off", "of" },
	{ "\\S", " x ", " \t" NBSP },
	{ "^\\s+$", NBSP LINE "\xef\xbb\xbf", " x" },
	{ "^.$", BEAST, LINE },
	{ "^[\\s\\S]$", "\n", "ab" },
	{ "x-", "ax-b", "ax" },
	{ "^x-", "x-b", "ax-b" },
	{ "bar$", "foobar", "barf" },
	{ "^\\s*[^\t\n\v\f\r -~]$", NBSP, " a" },
	{ "a.c", "xabc", "a\nc" },
	{ "^a.c$", "abc", "a\rc" },
	{ "^a+?b??c*?$", "aab", "b" },
	{ "^(?:a+?){1,2}?$", "aa", "" },
	{ "^\\d$", "7", "\xd9\xa1" /* an Arabic digit */ },
	{ "^\\w$", "_", "\xc3\xa4" },
	{ "^\\p{Letter}+$", "\xc3\xa4", "1" },
	{ "^\\p{gc=Nd}$", "\xd9\xa1", "a" },
	{ "^\\p{Script_Extensions=Greek}$", "\xce\xb1", "a" },
	{ "^\\p{scx=Greek}$", "\xce\xb1", "a" },
	{ "^\\p{Script=Greek}$", "\xce\xb1", "a" },
	{ "^\\P{Lu}$", "a", "A" },
	{ "^\\u{1F432}$", BEAST, "u" },
	{ "^\\uD83D\\uDC32$", BEAST, "x" },
	{ "^\\uD800\\uDC00$", "\xf0\x90\x80\x80", "x" },
	{ "^\\uDBFF\\uDFFF$", "\xf4\x8f\xbf\xbf", "x" },
	{ "^\\x41\\cJ\\0?$", "A\n", "A" },
	{ "^[\\d-x]+$", "1-x", "y" },
	{ "^[\\b]$", "\b", "b" },
	{ "^[[:alpha:]]$", "a]", "a" },
	/* Not the POSIX names that PCRE2 would see. */
	{ "^(?:[..])$", ".", "a" },
	{ "^(?:[:alpha:]+)$", "h:p", "hub" },
	{ "^(?:[=a=])$", "=", "b" },
	{ "^(?:[^.x.])$", "a", "x" },
	{ "^(?:[.-:])$", "/", "\\" },
	{ "^\\/\\-\\_\\@$", "/-_@", "/" },
	{ "^{a}$", "{a}", "a" },
	{ "^a{,2}$", "a{,2}", "aa" },
	{ "^(?<n>a|b)\\k<n>$", "aa", "ab" },
	{ "^(a)\\1$", "aa", "a1" },
	{ "^(?:[]?)(?=x)", "x", "a" },
	{ "a[]?b", "ab", "a" },
	{ "^(?:[]|a)$", "a", "" },
	{ "^[^]$", BEAST, "" },
	{ "^(?!no).*$", "yes", "nope" },
	{ "(?<=a)b", "ab", "cb" },
	{ "^\\v$", "\v", "\n" },
};

static void
patterns_mean_what_ecma_262_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (match(rows[i].pattern, rows[i].yes) != SCHEMA_MATCH_YES)
			fail_msg(
			    "%s must match %s", rows[i].pattern, rows[i].yes);
		if (match(rows[i].pattern, rows[i].no) != SCHEMA_MATCH_NO)
			fail_msg("%s must not match %s", rows[i].pattern,
			    rows[i].no);
	}
}

static void
byte_loops_agree_with_the_matcher(void **state)
{
	(void)state;
	size_t shapes = 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct schema_shape *shape =
		    schema_shape_new(view_of(rows[i].pattern));
		if (!shape)
			continue;
		shapes++;
		assert_true(schema_shape_match(shape, view_of(rows[i].yes)));
		assert_false(schema_shape_match(shape, view_of(rows[i].no)));
		schema_shape_free(&shape);
	}
	assert_in_range(shapes, 12, sizeof(rows) / sizeof(rows[0]) - 8);
}

static void
ambiguous_rows_have_no_shape(void **state)
{
	(void)state;
	static const char *const none[] = { "^a*a$", "^[a-z]*x$", "a+b", "a|b",
		"^(a)+$", "bar$", "^\\w+\\d$", "\\b", "^a{3}{2}$", "(?=a)" };
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		assert_null(schema_shape_new(view_of(none[i])));
}

static void
what_only_pcre2_knows_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "(", ")", "a**", "a++", "*a",
		"(?i)a", "(?>a)", "(?R)", "(?#c)", "(?P<n>a)", "\\Z", "\\a",
		"\\A", "\\Q", "\\h", "(*ACCEPT)", "[b-a]", "[a",
		"\\p{Nonsense}", "\\p{Script=Nonsense}", "\\pL", "\\u12",
		"\\u{110000}", "\\u{41", "[\\u{41", "\\x1", "a{2}{3}", "^*",
		"\\b+", "\\c1", "a\\", "\\k<none>", "\\p{^Lu}", "\\p{L&}",
		"\\p{ L}", "\\p{gc=^Lu}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct error err = { 0 };
		struct schema_regex *regex =
		    schema_regex_new(view_of(bad[i]), &err);
		if (regex)
			fail_msg("%s must be refused", bad[i]);
		assert_true(err.message[0] != '\0');
	}
}

static void
runaway_patterns_are_given_up(void **state)
{
	(void)state;
	char text[4003];
	memset(text, 'a', 4000);
	memcpy(text + 4000, "bc", 3);
	assert_int_equal(match("^(a+a+)+b$", text), SCHEMA_MATCH_LIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_mean_what_ecma_262_says),
		cmocka_unit_test(byte_loops_agree_with_the_matcher),
		cmocka_unit_test(ambiguous_rows_have_no_shape),
		cmocka_unit_test(what_only_pcre2_knows_is_refused),
		cmocka_unit_test(runaway_patterns_are_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
