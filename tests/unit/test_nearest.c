/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static const char *const names[] = { "repo_url", "repo_ref", "session_id",
	"type", "content", "id", "max_depth" };

static const char *
nearest(const char *name)
{
	return nearest_name(
	    view_of(name), names, sizeof(names) / sizeof(names[0]));
}

static void
spelling_of_words_comes_first(void **state)
{
	(void)state;
	assert_string_equal(nearest("repoUrl"), "repo_url");
	assert_string_equal(nearest("REPO-REF"), "repo_ref");
	assert_string_equal(nearest("sessionID"), "session_id");
	assert_string_equal(nearest("ID"), "id");
}

static void
a_few_slips_are_forgiven(void **state)
{
	(void)state;
	assert_string_equal(nearest("tpye"), "type");
	assert_string_equal(nearest("typ"), "type");
	assert_string_equal(nearest("conten"), "content");
	assert_string_equal(nearest("maxdeph"), "max_depth");
	assert_string_equal(nearest("sesion_di"), "session_id");
}

static void
what_is_far_has_no_neighbour(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "_", "x", "ix", "zzzz",
		"colour", "typewriter", "repository_location" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_null(nearest(rows[i]));
	assert_null(nearest_name(view_of("a"), names, 0));
	char huge[4096];
	memset(huge, 'a', sizeof(huge));
	assert_null(nearest_name(view_make(huge, sizeof(huge)), names, 7));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spelling_of_words_comes_first),
		cmocka_unit_test(a_few_slips_are_forgiven),
		cmocka_unit_test(what_is_far_has_no_neighbour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
