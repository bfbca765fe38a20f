/* SPDX-License-Identifier: MIT */
#include "throttle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
three_lines_a_minute_pass(void **state)
{
	(void)state;
	struct throttle throttle = { 0 };
	for (unsigned i = 0; i < THROTTLE_LINES; i++)
		assert_true(throttle_admit(&throttle, "a", "b", 1000));
	assert_false(throttle_admit(&throttle, "a", "b", 1000));
	assert_false(throttle_admit(&throttle, "a", "b", 60999));
	assert_true(throttle_admit(&throttle, "a", "b", 61000));
}

static void
another_number_of_lines_holds_from_the_next_line_on(void **state)
{
	(void)state;
	struct throttle throttle = { .lines = 1 };
	assert_true(throttle_admit(&throttle, "a", "b", 1000));
	assert_false(throttle_admit(&throttle, "a", "b", 1000));
	throttle.lines = 5;
	for (unsigned i = 0; i < 4; i++)
		assert_true(throttle_admit(&throttle, "a", "b", 1000));
	assert_false(throttle_admit(&throttle, "a", "b", 1000));
}

static void
kinds_are_counted_apart(void **state)
{
	(void)state;
	struct throttle throttle = { 0 };
	for (unsigned i = 0; i < THROTTLE_LINES; i++)
		assert_true(throttle_admit(&throttle, "a", "b", 0));
	assert_false(throttle_admit(&throttle, "a", "b", 0));
	assert_true(throttle_admit(&throttle, "a", "c", 0));
	assert_true(throttle_admit(&throttle, "c", "b", 0));
}

static void
a_summary_is_due_once_when_the_minute_is_over(void **state)
{
	(void)state;
	struct throttle throttle = { 0 };
	struct throttle_kind due;
	for (unsigned i = 0; i < THROTTLE_LINES + 7; i++)
		throttle_admit(&throttle, "a", "b", 500);
	throttle_admit(&throttle, "quiet", "b", 500);
	assert_false(throttle_due(&throttle, 60499, &due));
	assert_true(throttle_due(&throttle, 60500, &due));
	assert_string_equal(due.component, "a");
	assert_int_equal(due.held, 7);
	assert_false(throttle_due(&throttle, 60500, &due));
	assert_true(throttle_admit(&throttle, "a", "b", 60500));
}

static void
kinds_beyond_the_table_share_a_place(void **state)
{
	(void)state;
	struct throttle throttle = { 0 };
	char names[THROTTLE_KINDS + 10][8];
	unsigned passed = 0;
	for (unsigned i = 0; i < THROTTLE_KINDS + 10; i++) {
		snprintf(names[i], sizeof(names[i]), "%u", i);
		passed += throttle_admit(&throttle, names[i], "x", 0);
	}
	assert_int_equal(throttle.count, THROTTLE_KINDS);
	assert_int_equal(passed, THROTTLE_KINDS - 1 + THROTTLE_LINES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_lines_a_minute_pass),
		cmocka_unit_test(
		    another_number_of_lines_holds_from_the_next_line_on),
		cmocka_unit_test(kinds_are_counted_apart),
		cmocka_unit_test(a_summary_is_due_once_when_the_minute_is_over),
		cmocka_unit_test(kinds_beyond_the_table_share_a_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
