/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_number.h"

static int
sign(int order)
{
	return (order > 0) - (order < 0);
}

static int
compare(const char *a, const char *b)
{
	struct decimal left = decimal_of(view_of(a));
	struct decimal right = decimal_of(view_of(b));
	return sign(decimal_compare(&left, &right));
}

static void
comparison_is_exact_at_any_length(void **state)
{
	(void)state;
	static const struct {
		const char *a;
		const char *b;
		int order;
	} rows[] = {
		{ "1", "1.0", 0 },
		{ "100", "1e2", 0 },
		{ "0.001", "1E-3", 0 },
		{ "0", "-0.0e5", 0 },
		{ "-1", "1", -1 },
		{ "-2", "-1", -1 },
		{ "0.1", "0.10000000000000000000000000000001", -1 },
		{ "123456789012345678", "123456789012345679", -1 },
		{ "1234567890123456789", "1234567890123456790", -1 },
		{ "999999999999999999", "1000000000000000000", -1 },
		{ "1e400", "9e399", 1 },
		{ "-1e400", "-9e399", -1 },
		{ "1e-400", "0", 1 },
		{ "1e99999999999999999999", "1e9", 1 },
		{ "1e-99999999999999999999", "0", 1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(compare(rows[i].a, rows[i].b), rows[i].order);
		assert_int_equal(compare(rows[i].b, rows[i].a), -rows[i].order);
	}
}

static void
integers_are_known_by_value(void **state)
{
	(void)state;
	static const char *const whole[] = { "0", "-0", "0.0", "1.0", "150e-1",
		"1.5e1", "1e400", "12345678901234567890.000" };
	static const char *const broken[] = { "0.5", "15e-1", "1e-1",
		"1.00000000000000000000001", "1e-400" };
	for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		struct decimal number = decimal_of(view_of(whole[i]));
		assert_true(decimal_is_integer(&number));
	}
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		struct decimal number = decimal_of(view_of(broken[i]));
		assert_false(decimal_is_integer(&number));
	}
}

static void
equal_values_have_equal_hashes(void **state)
{
	(void)state;
	static const char *const pairs[][2] = { { "1", "1.0" },
		{ "15", "1.5e1" }, { "0", "-0.0" }, { "100e-2", "1" },
		{ "-7e3", "-7000" } };
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		struct decimal a = decimal_of(view_of(pairs[i][0]));
		struct decimal b = decimal_of(view_of(pairs[i][1]));
		assert_int_equal(decimal_hash(&a, 0x9e3779b97f4a7c15u),
		    decimal_hash(&b, 0x9e3779b97f4a7c15u));
	}
}

static void
multiples_on_both_sides_of_the_long_division(void **state)
{
	(void)state;
	static const struct {
		const char *number;
		const char *divisor;
		bool is_multiple;
	} rows[] = {
		{ "0", "3", true },
		{ "9", "3", true },
		{ "10", "3", false },
		{ "0.3", "0.1", true },
		{ "0.35", "0.1", false },
		{ "1e20", "0.00000001", true },
		/* 17 and 18 digits: the last small and the first large one */
		{ "99999999999999998", "49999999999999999", true },
		{ "99999999999999999", "49999999999999999", false },
		{ "999999999999999998", "499999999999999999", true },
		{ "999999999999999999", "499999999999999999", false },
		{ "1e300", "1000000000000000000000", true },
		{ "1e20", "1000000000000000000001", false },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decimal number = decimal_of(view_of(rows[i].number));
		struct decimal divisor = decimal_of(view_of(rows[i].divisor));
		assert_int_equal(decimal_is_multiple(&number, &divisor),
		    rows[i].is_multiple);
	}
}

static void
values_are_printed_in_their_shortest_form(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "0", "0" },
		{ "-0.0e9", "0" },
		{ "12.50", "12.5" },
		{ "-1200e-1", "-120" },
		{ "0.00", "0" },
		{ "5e-7", "0.0000005" },
		{ "5e-8", "5e-8" },
		{ "1.25e-30", "1.25e-30" },
		{ "1e20", "100000000000000000000" },
		{ "1e21", "1e21" },
		{ "-12345678901234567890123", "-1.2345678901234567890123e22" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct decimal number = decimal_of(view_of(rows[i][0]));
		struct buf text;
		buf_init(&text, 0);
		decimal_print(&number, &text);
		buf_add_char(&text, '\0');
		assert_string_equal(text.data, rows[i][1]);
		buf_fini(&text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comparison_is_exact_at_any_length),
		cmocka_unit_test(integers_are_known_by_value),
		cmocka_unit_test(equal_values_have_equal_hashes),
		cmocka_unit_test(multiples_on_both_sides_of_the_long_division),
		cmocka_unit_test(values_are_printed_in_their_shortest_form),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
