/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
only_what_is_secret_of_a_url_becomes_asterisks(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "", "" },
		{ "--auth=jwt", "--auth=jwt" },
		{ "a@b?c", "a@b?c" },
		{ "redis://h:1/0", "redis://h:1/0" },
		{ "redis://:pw@h:1/0", "redis://***@h:1/0" },
		{ "--redis=redis://u:p@w@h/0", "--redis=redis://*****@h/0" },
		{ "http://h/keys?token=x", "http://h/keys?*******" },
		{ "http://u@h/keys#x", "http://*@h/keys#*" },
		{ "http://h/keys?a=b@c", "http://************" },
		{ "http://h/keys?a=b@c&d=e?f", "http://******************" },
		{ "redis://u:p?w@h/0", "redis://*********" },
		{ "http://h/?", "http://h/?" },
		{ "://@", "://@" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char word[64];
		snprintf(word, sizeof(word), "%s", rows[i][0]);
		words_mask(word);
		assert_string_equal(word, rows[i][1]);
	}
}

static void
the_program_itself_goes_on_knowing_them(void **state)
{
	(void)state;
	char name[] = "relayd";
	char flag[] = "--redis";
	char url[] = "redis://u:p@h";
	char variable[] = "WORDS_TEST_URL=http://secret@h";
	char *argv[] = { name, flag, url, NULL };
	putenv(variable);
	char **words = words_hide(3, argv);
	assert_string_equal(url, "redis://***@h");
	assert_string_equal(words[1], "--redis");
	assert_string_equal(words[2], "redis://u:p@h");
	assert_null(words[3]);
	assert_string_equal(variable, "WORDS_TEST_URL=http://******@h");
	assert_string_equal(getenv("WORDS_TEST_URL"), "http://secret@h");
	unsetenv("WORDS_TEST_URL");
	words_free(&words);
	assert_null(words);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    only_what_is_secret_of_a_url_becomes_asterisks),
		cmocka_unit_test(the_program_itself_goes_on_knowing_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
