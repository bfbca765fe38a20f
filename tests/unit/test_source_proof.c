/* SPDX-License-Identifier: MIT */
#include "source_ask.h"
#include "source_pace.h"
#include "source_proof.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define NONE (-1)
#define LAST UINT64_MAX

struct row {
	struct source_info info;
	struct entry_id position, next;
	int reason; /* NONE, or enum gap_reason */
	struct entry_id through;
};

#define NEW_REDIS .knows_deleted = true, .knows_added = true

static void
check(const struct row *row, size_t index, bool is_start)
{
	struct gap gap = { 0 };
	bool has_gap = is_start
	    ? source_proof_start(&row->info, row->position, &gap)
	    : source_proof_gap(&row->info, row->position, row->next, &gap);

	if (has_gap != (row->reason != NONE))
		fail_msg("row %zu: gap %d", index, has_gap);
	if (!has_gap)
		return;
	if ((int)gap.reason != row->reason ||
	    entry_id_compare(gap.through, row->through) != 0 ||
	    entry_id_compare(gap.after, row->position) != 0)
		fail_msg("row %zu: reason %d through %lu-%lu", index,
		    gap.reason, gap.through.ms, gap.through.seq);
}

static const struct row proof_rows[] = {
	/* key absent */
	{ { 0 }, { 5, 0 }, { 0, 0 }, GAP_RECREATED, { 0, 0 } },
	/* last id is the position: all gone, nothing missed */
	{ { .exists = true, .newest = { 5, 0 }, NEW_REDIS }, { 5, 0 }, { 0, 0 },
	    NONE, { 0, 0 } },
	{ { .exists = true,
	      .newest = { 4, 9 },
	      .oldest = { 1, 0 },
	      .length = 3,
	      .added = 3,
	      NEW_REDIS },
	    { 5, 0 }, { 0, 0 }, GAP_REWOUND, { 0, 0 } },
	/* entries on both sides, the own one deleted */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 1, 0 },
	      .length = 3,
	      .added = 4,
	      .max_deleted = { 5, 0 },
	      NEW_REDIS },
	    { 5, 0 }, { 9, 0 }, GAP_DELETED, { 8, LAST } },
	/* … and nothing behind it any more */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 1, 0 },
	      .length = 3,
	      .added = 5,
	      .max_deleted = { 9, 0 },
	      NEW_REDIS },
	    { 5, 0 }, { 0, 0 }, GAP_DELETED, { 9, 0 } },
	/* … but none was deleted there: another stream */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 1, 0 },
	      .length = 3,
	      .added = 4,
	      .max_deleted = { 4, LAST },
	      NEW_REDIS },
	    { 5, 0 }, { 9, 0 }, GAP_REWOUND, { 0, 0 } },
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 5, 0 },
	      .length = 3,
	      .added = 3,
	      NEW_REDIS },
	    { 5, 0 }, { 9, 0 }, GAP_REWOUND, { 0, 0 } },
	/* the through of an earlier gap brings no second one */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 1, 0 },
	      .length = 3,
	      .added = 4,
	      .max_deleted = { 5, 0 },
	      NEW_REDIS },
	    { 8, LAST }, { 9, 0 }, NONE, { 0, 0 } },
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 7, 0 },
	      .length = 2,
	      .added = 9,
	      NEW_REDIS },
	    { 6, LAST }, { 7, 0 }, NONE, { 0, 0 } },
	/* all beyond, none ever removed: a new stream */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 7, 0 },
	      .length = 2,
	      .added = 2,
	      NEW_REDIS },
	    { 5, 0 }, { 7, 0 }, GAP_RECREATED, { 0, 0 } },
	/* … even where no id fits between */
	{ { .exists = true,
	      .newest = { 5, 1 },
	      .oldest = { 5, 1 },
	      .length = 1,
	      .added = 1,
	      NEW_REDIS },
	    { 5, 0 }, { 5, 1 }, GAP_RECREATED, { 0, 0 } },
	/* all beyond, some removed */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 7, 0 },
	      .length = 2,
	      .added = 9,
	      NEW_REDIS },
	    { 5, 0 }, { 7, 0 }, GAP_TRIMMED, { 6, LAST } },
	{ { .exists = true, .newest = { 9, 0 }, .added = 9, NEW_REDIS },
	    { 5, 0 }, { 0, 0 }, GAP_TRIMMED, { 9, 0 } },
	/* Redis 6 says less: believe the worst that is possible */
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 1, 0 },
	      .length = 3 },
	    { 5, 0 }, { 9, 0 }, GAP_REWOUND, { 0, 0 } },
	{ { .exists = true,
	      .newest = { 9, 0 },
	      .oldest = { 7, 0 },
	      .length = 2 },
	    { 5, 0 }, { 7, 0 }, GAP_TRIMMED, { 6, LAST } },
};

static void
a_missing_entry_is_judged_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(proof_rows) / sizeof(proof_rows[0]); i++)
		check(&proof_rows[i], i, false);
}

static void
a_start_is_trimmed_only_when_something_is_gone(void **state)
{
	static const struct row rows[] = {
		{ { 0 }, { 0, 0 }, { 0, 0 }, NONE, { 0, 0 } },
		{ { .exists = true, NEW_REDIS }, { 0, 0 }, { 0, 0 }, NONE,
		    { 0, 0 } },
		{ { .exists = true,
		      .newest = { 9, 0 },
		      .oldest = { 7, 0 },
		      .length = 2,
		      .added = 2,
		      NEW_REDIS },
		    { 0, 0 }, { 7, 0 }, NONE, { 0, 0 } },
		{ { .exists = true,
		      .newest = { 9, 0 },
		      .oldest = { 7, 0 },
		      .length = 2,
		      .added = 3,
		      NEW_REDIS },
		    { 0, 0 }, { 7, 0 }, GAP_TRIMMED, { 6, LAST } },
		/* the start lies inside what is there */
		{ { .exists = true,
		      .newest = { 9, 0 },
		      .oldest = { 7, 0 },
		      .length = 2,
		      .added = 3,
		      NEW_REDIS },
		    { 7, 0 }, { 9, 0 }, NONE, { 0, 0 } },
		{ { .exists = true,
		      .newest = { 9, 0 },
		      .oldest = { 7, 0 },
		      .length = 2,
		      .added = 3,
		      NEW_REDIS },
		    { 9, 0 }, { 0, 0 }, NONE, { 0, 0 } },
		{ { .exists = true, .newest = { 9, 0 }, .added = 3, NEW_REDIS },
		    { 0, 0 }, { 0, 0 }, GAP_TRIMMED, { 9, 0 } },
		/* a gap that ends at the start would come again, for ever */
		{ { .exists = true, .added = 3, NEW_REDIS }, { 0, 0 }, { 0, 0 },
		    NONE, { 0, 0 } },
		/* Redis 6 cannot say */
		{ { .exists = true,
		      .newest = { 9, 0 },
		      .oldest = { 7, 0 },
		      .length = 2 },
		    { 0, 0 }, { 7, 0 }, GAP_TRIMMED, { 6, LAST } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i], i, true);
}

static void
the_pause_grows_with_the_rate(void **state)
{
	static const struct {
		uint64_t rate;
		unsigned max_us, pause_us;
	} rows[] = {
		{ 0, 1000, 0 },
		{ 12000, 1000, 0 },
		{ 12001, 1000, 300 },
		{ 56000, 1000, 650 },
		{ 100000, 1000, 1000 },
		{ UINT64_MAX / 2, 1000, 1000 },
		{ 30000, 0, 0 },
		{ 13000, 200, 200 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(source_pace_us(rows[i].rate, rows[i].max_us),
		    rows[i].pause_us);
}

static void
the_more_are_under_way_the_less_a_read_may_bring(void **state)
{
	size_t all = 0;

	(void)state;
	assert_int_equal(source_ask_bytes(0), 1 << 20);
	assert_int_equal(source_ask_bytes(63), 1 << 20);
	assert_int_equal(source_ask_bytes(64), 32 << 10);
	for (size_t i = 0; i < 1024; i++)
		all += source_ask_bytes(i);
	assert_true(all <= 100 << 20);
}

static void
the_count_follows_the_mean(void **state)
{
	(void)state;
	assert_int_equal(source_ask_count(0, 1 << 20), 17);
	assert_int_equal(source_ask_count(1024, 1 << 20), 1025);
	assert_int_equal(source_ask_count(1, 1 << 20), 4097);
	assert_int_equal(source_ask_count(1 << 24, 1 << 20), 2);
	assert_int_equal(source_ask_mean(0, 1000, 10), 100);
	assert_int_equal(source_ask_mean(100, 5000, 10), 200);
	assert_int_equal(source_ask_mean(100, 0, 0), 100);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_missing_entry_is_judged_in_order),
		cmocka_unit_test(
		    a_start_is_trimmed_only_when_something_is_gone),
		cmocka_unit_test(the_pause_grows_with_the_rate),
		cmocka_unit_test(
		    the_more_are_under_way_the_less_a_read_may_bring),
		cmocka_unit_test(the_count_follows_the_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
