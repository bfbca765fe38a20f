/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
a_level_is_left_only_with_something_to_spare(void **state)
{
	(void)state;
	static const struct {
		enum memory_level now;
		uint64_t used, limit;
		enum memory_level next;
	} rows[] = {
		{ MEMORY_FINE, 0, 10000, MEMORY_FINE },
		{ MEMORY_FINE, 84000, 100000, MEMORY_FINE },
		{ MEMORY_FINE, 86000, 100000, MEMORY_TIGHT },
		{ MEMORY_FINE, 93000, 100000, MEMORY_DIRE },
		{ MEMORY_FINE, 200000, 100000, MEMORY_DIRE },
		{ MEMORY_TIGHT, 82000, 100000, MEMORY_TIGHT },
		{ MEMORY_TIGHT, 79000, 100000, MEMORY_FINE },
		{ MEMORY_TIGHT, 91000, 100000, MEMORY_TIGHT },
		{ MEMORY_TIGHT, 93000, 100000, MEMORY_DIRE },
		{ MEMORY_DIRE, 89000, 100000, MEMORY_DIRE },
		{ MEMORY_DIRE, 86000, 100000, MEMORY_TIGHT },
		{ MEMORY_DIRE, 50000, 100000, MEMORY_FINE },
		{ MEMORY_FINE, UINT64_C(1) << 40, UINT64_MAX, MEMORY_FINE },
		{ MEMORY_FINE, 100, 1, MEMORY_DIRE },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct memory_figures figures = { rows[i].used,
			rows[i].limit };
		if (memory_judge(rows[i].now, &figures) != rows[i].next)
			fail_msg("row %zu", i);
	}
}

static void
the_process_itself_is_seen(void **state)
{
	(void)state;
	struct memory *memory = memory_new();
	struct memory_figures figures = memory_look(memory, 1);
	assert_true(figures.used > 100000);
	assert_int_equal(figures.limit, 1);
	assert_true(memory_look(memory, 0).limit > 1);
	memory_free(&memory);
	assert_null(memory);
	memory_free(&memory);
}

#define MIB ((uint64_t)1 << 20)

/* How many steps of a second until it has ebbed; 0: not within 20. */
static unsigned
steps_until_ebb(struct memory_tide *tide, uint64_t needed)
{
	for (unsigned step = 1; step <= 20; step++)
		if (memory_has_ebbed(tide, needed, 1000))
			return step;
	return 0;
}

static void
what_a_crowd_took_is_given_back_once(void **state)
{
	(void)state;
	struct memory_tide tide = { 0 };
	assert_int_equal(steps_until_ebb(&tide, 100 * MIB), 0);
	assert_int_equal(steps_until_ebb(&tide, 51 * MIB), 0);
	assert_int_equal(steps_until_ebb(&tide, 50 * MIB), 5);
	assert_int_equal(steps_until_ebb(&tide, 50 * MIB), 0);
	assert_int_equal(steps_until_ebb(&tide, 0), 5);
	assert_int_equal(steps_until_ebb(&tide, 0), 0);
}

static void
little_or_short_is_no_ebb(void **state)
{
	(void)state;
	struct memory_tide tide = { 0 };
	assert_int_equal(steps_until_ebb(&tide, 4 * MIB - 1), 0);
	assert_int_equal(steps_until_ebb(&tide, 0), 0);
	assert_int_equal(steps_until_ebb(&tide, 4 * MIB), 0);
	for (unsigned dip = 0; dip < 20; dip++) {
		assert_false(memory_has_ebbed(&tide, 0, 4900));
		assert_false(memory_has_ebbed(&tide, 3 * MIB, 100));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_left_only_with_something_to_spare),
		cmocka_unit_test(the_process_itself_is_seen),
		cmocka_unit_test(what_a_crowd_took_is_given_back_once),
		cmocka_unit_test(little_or_short_is_no_ebb),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
