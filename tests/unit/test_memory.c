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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_left_only_with_something_to_spare),
		cmocka_unit_test(the_process_itself_is_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
