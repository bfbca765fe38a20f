/* SPDX-License-Identifier: MIT */
#include "judged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct entry_id
id(uint64_t ms)
{
	return (struct entry_id){ ms, 0 };
}

static void
a_range_excludes_its_beginning_and_includes_its_end(void **state)
{
	struct judged judged = { 0 };
	(void)state;
	judged_add(&judged, id(5), id(9));
	assert_false(judged_has(&judged, id(5)));
	assert_true(judged_has(&judged, (struct entry_id){ 5, 1 }));
	assert_true(judged_has(&judged, id(9)));
	assert_false(judged_has(&judged, (struct entry_id){ 9, 1 }));
}

static void
an_empty_range_adds_nothing(void **state)
{
	struct judged judged = { 0 };
	(void)state;
	judged_add(&judged, id(5), id(5));
	judged_add(&judged, id(5), id(4));
	assert_int_equal(judged.now.count, 0);
}

static void
ranges_that_touch_or_overlap_become_one(void **state)
{
	struct judged judged = { 0 };
	(void)state;
	judged_add(&judged, id(10), id(20));
	judged_add(&judged, id(30), id(40));
	assert_int_equal(judged.now.count, 2);
	judged_add(&judged, id(20), id(31));
	assert_int_equal(judged.now.count, 1);
	judged_add(&judged, id(5), id(50));
	assert_int_equal(judged.now.count, 1);
	assert_true(judged_has(&judged, id(6)));
	assert_int_equal(judged_last(&judged).ms, 50);
}

/* Against a plain set: nothing that was looked at is ever taken for new. */
static void
what_was_judged_is_never_new_again(void **state)
{
	struct judged judged = { 0 };
	bool seen[200] = { false };
	(void)state;
	srand(7);
	for (unsigned i = 0; i < 500; i++) {
		unsigned from = (unsigned)rand() % 190;
		unsigned to = from + (unsigned)rand() % 9;
		if (i % 50 == 0) {
			judged = (struct judged){ 0 };
			for (unsigned n = 0; n < 200; n++)
				seen[n] = false;
		}
		judged_add(&judged, id(from), id(to));
		for (unsigned n = from + 1; n <= to; n++)
			seen[n] = true;
		assert_true(judged.now.count <= JUDGED_RANGES);
		for (unsigned n = 0; n < 200; n++)
			assert_true(!seen[n] || judged_has(&judged, id(n)));
	}
}

static void
a_memo_finds_what_was_kept_under_that_key(void **state)
{
	static struct judged_memo memo;
	struct judged judged = { 0 };
	(void)state;
	judged_memo_keep(&memo, 7, 3, &judged); /* nothing to know */
	judged_add(&judged, id(0), id(5));
	judged_memo_keep(&memo, 7, 3, &judged);
	assert_int_equal(judged_memo_find(&memo, 7, 3).now.count, 1);
	assert_int_equal(judged_memo_find(&memo, 7, 4).now.count, 0);
	assert_int_equal(
	    judged_memo_find(&memo, 7 + JUDGED_MEMO_PLACES, 3).now.count, 0);
	judged_memo_keep(&memo, 7 + JUDGED_MEMO_PLACES, 3, &judged);
	assert_int_equal(judged_memo_find(&memo, 7, 3).now.count, 0);
	judged_memo_fini(&memo);
}

static void
what_has_aged_was_judged_before_and_is_not_now(void **state)
{
	static struct judged_memo memo;
	struct judged judged = { 0 };
	(void)state;
	judged_add(&judged, id(0), id(5));
	judged_age(&judged);
	judged_add(&judged, id(8), id(9));
	assert_false(judged_has(&judged, id(3)));
	assert_true(judged_had(&judged, id(3)));
	assert_true(judged_has(&judged, id(9)));
	assert_false(judged_had(&judged, id(9)));
	assert_int_equal(judged_last(&judged).ms, 9);
	judged_memo_keep(&memo, 7, 3, &judged);
	judged_memo_age(&memo);
	judged = judged_memo_find(&memo, 7, 3);
	assert_true(judged_had(&judged, id(3)) && judged_had(&judged, id(9)));
	assert_int_equal(judged.now.count, 0);
	assert_int_equal(judged_last(&judged).ms, 9);
	judged_memo_fini(&memo);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_range_excludes_its_beginning_and_includes_its_end),
		cmocka_unit_test(an_empty_range_adds_nothing),
		cmocka_unit_test(ranges_that_touch_or_overlap_become_one),
		cmocka_unit_test(what_was_judged_is_never_new_again),
		cmocka_unit_test(a_memo_finds_what_was_kept_under_that_key),
		cmocka_unit_test(
		    what_has_aged_was_judged_before_and_is_not_now),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
