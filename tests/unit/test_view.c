/* SPDX-License-Identifier: MIT */
#include "view.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
digits_and_nothing_else_are_a_number(void **state)
{
	static const struct {
		const char *text;
		size_t digits_max;
		bool is_number;
		uint64_t number;
	} rows[] = {
		{ "0", 1, true, 0 },
		{ "007", 3, true, 7 },
		{ "65535", 5, true, 65535 },
		{ "9999999999999999999", 19, true, 9999999999999999999u },
		{ "", 5, false, 0 },
		{ "100000", 5, false, 0 },
		{ "-1", 5, false, 0 },
		{ "+1", 5, false, 0 },
		{ "1 ", 5, false, 0 },
		{ "1:", 5, false, 0 },
		{ "/1", 5, false, 0 },
		{ "1.0", 5, false, 0 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t number = 42;
		assert_int_equal(view_decimal(view_of(rows[i].text),
				     rows[i].digits_max, &number),
		    rows[i].is_number);
		assert_true(
		    number == (rows[i].is_number ? rows[i].number : 42));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits_and_nothing_else_are_a_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
