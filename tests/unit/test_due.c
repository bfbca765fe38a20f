/* SPDX-License-Identifier: MIT */
#include "due.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define ENTRIES 500

static void
the_earliest_comes_first_whatever_the_order(void **state)
{
	(void)state;
	struct due_heap heap = { 0 };
	struct due entries[ENTRIES] = { 0 };
	uint64_t last = 0;
	unsigned seed = 1;
	for (size_t i = 0; i < ENTRIES; i++)
		due_set(&heap, &entries[i], (uint64_t)rand_r(&seed) % 1000);
	for (size_t i = 0; i < ENTRIES; i += 3)
		due_set(&heap, &entries[i], (uint64_t)rand_r(&seed) % 1000);
	for (size_t i = 1; i < ENTRIES; i += 5)
		due_remove(&heap, &entries[i]);
	size_t left = heap.count;
	assert_int_equal(left, ENTRIES - ENTRIES / 5);
	for (struct due *due; (due = due_first(&heap, 1000)); left--) {
		assert_true(due->at_ms >= last);
		last = due->at_ms;
		due_remove(&heap, due);
	}
	assert_int_equal(left, 0);
	due_heap_fini(&heap);
}

static void
nothing_is_due_before_its_time(void **state)
{
	(void)state;
	struct due_heap heap = { 0 };
	struct due one = { 0 };
	assert_null(due_first(&heap, UINT64_MAX));
	due_set(&heap, &one, 100);
	assert_null(due_first(&heap, 99));
	assert_ptr_equal(due_first(&heap, 100), &one);
	due_set(&heap, &one, 200);
	assert_int_equal(heap.count, 1);
	assert_null(due_first(&heap, 199));
	due_remove(&heap, &one);
	due_remove(&heap, &one);
	assert_int_equal(one.place, 0);
	assert_null(due_first(&heap, 200));
	due_heap_fini(&heap);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_earliest_comes_first_whatever_the_order),
		cmocka_unit_test(nothing_is_due_before_its_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
