/* SPDX-License-Identifier: MIT */
#include "entry_id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void
reads_what_redis_writes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		struct entry_id id;
	} rows[] = {
		{ "0-0", { 0, 0 } },
		{ "1-2", { 1, 2 } },
		{ "1526919030474-55", { 1526919030474u, 55 } },
		{ "18446744073709551615-18446744073709551615",
		    { UINT64_MAX, UINT64_MAX } },
		{ "007-01", { 7, 1 } },
		{ "00000000000000000001-0", { 1, 0 } },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry_id id;
		assert_int_equal(entry_id_parse(view_of(rows[i].text), &id), 0);
		assert_int_equal(entry_id_compare(id, rows[i].id), 0);
	}
}

static void
refuses_everything_else(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "-", "1", "1-", "-1", "-1-0",
		"1--1", "1-0-0", "x", "$", "*", ">", "+", "1-*", "1-x", "1-0 ",
		" 1-0", "+1-0", "1-+0", "0x1-0", "1.0-0", "1-0\n",
		"18446744073709551616-0", "0-18446744073709551616",
		"000000000000000000001-0", "99999999999999999999-0" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct entry_id id = { 7, 7 };
		assert_int_equal(entry_id_parse(view_of(rows[i]), &id), -1);
		assert_int_equal(id.ms, 7);
	}
	struct entry_id id;
	assert_int_equal(entry_id_parse(view_make("1-0\0", 4), &id), -1);
	assert_int_equal(entry_id_parse(view_make(NULL, 0), &id), -1);
}

static void
prints_what_it_reads(void **state)
{
	(void)state;
	char text[ENTRY_ID_TEXT_MAX];
	struct entry_id greatest = { UINT64_MAX, UINT64_MAX };
	assert_int_equal(entry_id_print(greatest, text), 41);
	assert_string_equal(text, "18446744073709551615-18446744073709551615");
	assert_int_equal(entry_id_print(ENTRY_ID_ZERO, text), 3);
	assert_string_equal(text, "0-0");
}

static void
orders_by_ms_then_seq(void **state)
{
	(void)state;
	struct entry_id a = { 1, 9 };
	struct entry_id b = { 2, 0 };
	struct entry_id c = { 2, 1 };
	assert_true(entry_id_compare(a, b) < 0);
	assert_true(entry_id_compare(c, b) > 0);
	assert_true(entry_id_compare(b, b) == 0);
}

static void
steps_over_the_borders(void **state)
{
	(void)state;
	struct entry_id id = entry_id_before((struct entry_id){ 3, 0 });
	assert_true(id.ms == 2 && id.seq == UINT64_MAX);
	id = entry_id_after(id);
	assert_true(id.ms == 3 && id.seq == 0);
	assert_true(entry_id_is_zero(entry_id_before(ENTRY_ID_ZERO)));
	struct entry_id greatest = { UINT64_MAX, UINT64_MAX };
	assert_int_equal(
	    entry_id_compare(entry_id_after(greatest), greatest), 0);
	id = entry_id_before((struct entry_id){ 3, 5 });
	assert_true(id.ms == 3 && id.seq == 4);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_redis_writes),
		cmocka_unit_test(refuses_everything_else),
		cmocka_unit_test(prints_what_it_reads),
		cmocka_unit_test(orders_by_ms_then_seq),
		cmocka_unit_test(steps_over_the_borders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
