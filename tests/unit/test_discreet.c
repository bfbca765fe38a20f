/* SPDX-License-Identifier: MIT */
#include "discreet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define LONG_NAME                           \
	"a_name_that_goes_on_and_on_and_on" \
	"_until_it_is_a_text_of_its_own__"

static void
names_of_every_kind_may_be_shown(void **state)
{
	(void)state;
	static const char *const names[] = { "", "a", "step", "repoUrl",
		"repo_url", "execution_completed", "analytics_enabled",
		"durationMs", "x-request-id", "urn:a:b", "$schema", "a b",
		"gr\xc3\xb6\xc3\x9f", "utf8", "sha256", "v2024.1",
		"ipv4_address", "m_1234", "totalTokensUsedV2",
		"averyveryverylongnamethatnobodywouldeverwantto_type",
		"new_type_4f9a1c3e", "kind20261126" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!discreet_is_name(view_of(names[i])))
			fail_msg("%s is a name", names[i]);
}

static void
what_looks_like_a_secret_or_an_id_may_not(void **state)
{
	(void)state;
	static const char *const texts[] = { "sk-live-4f9aQx7ZpL2mN8vB1cD3",
		"ghp_16C7e42F292c6912E7710c838347Ae178B4a",
		"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl",
		"alice.smith@example.com", "4111111111111111",
		"550e8400-e29b-41d4-a716-446655440000", "+49 30 12345678 9",
		"AKIAIOSFODNN7EX4MPL3", LONG_NAME };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (discreet_is_name(view_of(texts[i])))
			fail_msg("%s is no name", texts[i]);
}

static void
a_run_is_long_from_sixteen_and_three_digits_on(void **state)
{
	(void)state;
	assert_true(discreet_is_name(view_of("abcdefghijkl123")));
	assert_false(discreet_is_name(view_of("abcdefghijklm123")));
	assert_true(discreet_is_name(view_of("abcdefghijklmn12")));
	assert_true(discreet_is_name(view_of("abcdefgh-ijklm123")));
	assert_true(discreet_is_name(view_of("12345678")));
	assert_false(discreet_is_name(view_of("123456789")));
}

static void
a_name_has_64_bytes_at_most(void **state)
{
	(void)state;
	char name[DISCREET_NAME_MAX + 1];
	for (size_t i = 0; i < sizeof(name); i++)
		name[i] = i % 8 == 7 ? '_' : 'a';
	assert_true(discreet_is_name(view_make(name, DISCREET_NAME_MAX)));
	assert_false(discreet_is_name(view_make(name, sizeof(name))));
}

static void
pointers_keep_their_names_and_hide_the_rest(void **state)
{
	(void)state;
	static const char *const rows[][2] = { { "", "" }, { "/", "/" },
		{ "/step/output", "/step/output" },
		{ "/args/alice@example.com/x", "/args/*/x" },
		{ "/4111111111111111", "/*" }, { "/a~1b/0/", "/a~1b/0/" } };
	char out[64];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		discreet_pointer(rows[i][0], out, sizeof(out));
		assert_string_equal(out, rows[i][1]);
	}
	discreet_pointer("/abc/def/ghi", out, 9);
	assert_string_equal(out, "/abc/def");
	discreet_pointer("/abc/def/ghi", out, 6);
	assert_string_equal(out, "/abc/");
	discreet_pointer("/abc", out, 1);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_every_kind_may_be_shown),
		cmocka_unit_test(what_looks_like_a_secret_or_an_id_may_not),
		cmocka_unit_test(
		    a_run_is_long_from_sixteen_and_three_digits_on),
		cmocka_unit_test(a_name_has_64_bytes_at_most),
		cmocka_unit_test(pointers_keep_their_names_and_hide_the_rest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
