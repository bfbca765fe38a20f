/* SPDX-License-Identifier: MIT */
#include "once.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
only_the_first_who_names_an_entry_gets_it(void **state)
{
	(void)state;
	struct once *once = once_new();
	struct entry_id id = { 5, 1 };
	struct entry_id other = { 5, 2 };
	assert_true(once_take(once, view_of("a"), id));
	assert_false(once_take(once, view_of("a"), id));
	assert_true(once_take(once, view_of("b"), id));
	assert_true(once_take(once, view_of("a"), other));
	assert_false(once_take(once, view_of("b"), id));
	once_free(&once);
	assert_null(once);
}

static void
it_remembers_tens_of_thousands_and_forgets_the_oldest(void **state)
{
	(void)state;
	struct once *once = once_new();
	unsigned forgotten = 0;
	for (uint64_t i = 0; i < 10000; i++)
		assert_true(
		    once_take(once, view_of("s"), (struct entry_id){ 7, i }));
	for (uint64_t i = 0; i < 10000; i++)
		forgotten +=
		    once_take(once, view_of("s"), (struct entry_id){ 7, i });
	/* A few sets of the table are over-full by chance. */
	assert_true(forgotten < 200);
	for (uint64_t i = 0; i < 1000000; i++)
		once_take(once, view_of("t"), (struct entry_id){ 7, i });
	assert_true(
	    once_take(once, view_of("s"), (struct entry_id){ 7, 9999 }));
	once_free(&once);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_first_who_names_an_entry_gets_it),
		cmocka_unit_test(
		    it_remembers_tens_of_thousands_and_forgets_the_oldest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
