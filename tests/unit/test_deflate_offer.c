/* SPDX-License-Identifier: MIT */
#include "deflate_offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define D    "permessage-deflate"
#define BOTH "; server_no_context_takeover; client_no_context_takeover"
#define SMB  "; server_max_window_bits"
#define CMB  "; client_max_window_bits"

/* answer NULL: nothing is negotiated. */
struct row {
	const char *field;
	const char *answer;
};

static void
check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct deflate_terms terms = { 0 };
		struct buf answer;
		buf_init(&answer, 0);
		deflate_choose(view_of(rows[i].field), &terms);
		if (terms.is_agreed != (rows[i].answer != NULL))
			fail_msg("%s", rows[i].field);
		deflate_answer(&terms, &answer);
		if (rows[i].answer != NULL &&
		    !view_is(buf_view(&answer), rows[i].answer))
			fail_msg("%s: %.*s", rows[i].field, (int)answer.len,
			    answer.data);
		buf_fini(&answer);
	}
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof((rows)[0]))

static void
what_can_be_kept_is_accepted(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ D, BOTH },
		{ "Permessage-Deflate", BOTH },
		{ D "; server_no_context_takeover", BOTH },
		{ D ";client_no_context_takeover", BOTH },
		{ D BOTH, BOTH },
		{ D CMB, BOTH },
		{ D CMB "=8", BOTH },
		{ D CMB "=15", BOTH },
		{ D CMB "=\"10\"", BOTH },
		{ D SMB "=9", BOTH SMB "=9" },
		{ D SMB "=10", BOTH SMB "=10" },
		{ D SMB "=11", BOTH SMB "=11" },
		{ D SMB "=12", BOTH SMB "=12" },
		{ D SMB "=13", BOTH SMB "=13" },
		{ D SMB "=14", BOTH SMB "=14" },
		{ D SMB "=15", BOTH SMB "=15" },
		{ D SMB " = 10" CMB, BOTH SMB "=10" },
		{ D SMB "=\"10\"", BOTH SMB "=10" },
		{ D SMB "=\"1\\0\"", BOTH SMB "=10" },
		{ " \t" D "\t;\tserver_no_context_takeover ", BOTH },
		{ ",, " D " , ", BOTH },
	};
	CHECK(rows);
}

static void
what_cannot_be_kept_is_declined(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "", NULL },
		{ "x-webkit-deflate-frame", NULL },
		{ "permessage-bzip2", NULL },
		{ "permessage-deflate2", NULL },
		{ D "; what", NULL },
		{ D "; server_max_window", NULL },
		{ D "; server_max_window_bits2=10", NULL },
		{ D SMB, NULL }, /* a value is due */
		{ D SMB "=8", NULL },
		{ D SMB "=7", NULL },
		{ D SMB "=16", NULL },
		{ D SMB "=010", NULL },
		{ D SMB "=1000", NULL },
		{ D SMB "=4294967306", NULL },
		{ D SMB "=1x", NULL },
		{ D SMB "=-10", NULL },
		{ D CMB "=7", NULL },
		{ D CMB "=16", NULL },
		{ D CMB "=08", NULL },
		{ D CMB "=x", NULL },
		{ D "; server_no_context_takeover=1", NULL },
		{ D "; client_no_context_takeover=true", NULL },
		{ D CMB CMB, NULL },
		{ D SMB "=10" SMB "=10", NULL },
		{ D BOTH BOTH, NULL },
	};
	CHECK(rows);
}

static void
the_first_that_can_be_kept_counts(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ "x-webkit-deflate-frame, " D SMB "=9", BOTH SMB "=9" },
		{ D "; what, " D, BOTH },
		{ D SMB "=8, " D SMB "=10, " D, BOTH SMB "=10" },
		{ D ", " D SMB "=9", BOTH },
		{ "bzip; a=\"x\\,y\"; b, " D, NULL },
		{ "bzip; a=\"xy\"; b=c, " D, BOTH },
	};
	CHECK(rows);
}

static void
a_malformed_field_offers_nothing(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{ D ";", NULL },
		{ D "; =", NULL },
		{ D SMB "=", NULL },
		{ D SMB "=\"\"", NULL },
		{ D SMB "=\"10", NULL },
		{ D SMB "=\"10\\", NULL },
		{ D SMB "=\"1 0\"", NULL },
		{ D SMB "=10 11", NULL },
		{ D " what", NULL },
		{ D "=1", NULL },
		{ D ", ;", NULL },
		{ D ", (", NULL },
		{ ";, " D, NULL },
		{ "\"" D "\"", NULL },
	};
	CHECK(rows);
}

static void
without_a_wish_the_window_is_as_large_as_can_be(void **state)
{
	(void)state;
	struct deflate_terms terms = { 0 };
	assert_int_equal(deflate_window_bits(&terms), 0);
	deflate_choose(view_of(D), &terms);
	assert_int_equal(deflate_window_bits(&terms), 15);
	deflate_choose(view_of(D SMB "=9"), &terms);
	assert_int_equal(deflate_window_bits(&terms), 9);
	/* Nothing in a further field takes it back. */
	deflate_choose(view_of("what"), &terms);
	assert_int_equal(deflate_window_bits(&terms), 9);
}

static void
every_beginning_of_a_field_is_read_without_going_beyond(void **state)
{
	(void)state;
	static const char field[] =
	    "a; b=\"\\c\", " D SMB "=\"1\\0\"" CMB " , ";
	for (size_t length = 0; length < sizeof(field); length++) {
		struct deflate_terms terms = { 0 };
		struct buf copy;
		buf_init(&copy, 0);
		buf_add(&copy, view_make(field, length));
		deflate_choose(buf_view(&copy), &terms);
		buf_fini(&copy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_can_be_kept_is_accepted),
		cmocka_unit_test(what_cannot_be_kept_is_declined),
		cmocka_unit_test(the_first_that_can_be_kept_counts),
		cmocka_unit_test(a_malformed_field_offers_nothing),
		cmocka_unit_test(
		    without_a_wish_the_window_is_as_large_as_can_be),
		cmocka_unit_test(
		    every_beginning_of_a_field_is_read_without_going_beyond),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
