/* SPDX-License-Identifier: MIT */
#include "random.h"
#include "rate.h"

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define PER_SECOND 50
#define BURST      100

/* Takes until it is refused, at most `most` times. */
static unsigned
take_all(struct rate *rate, uint64_t now_ms, unsigned most)
{
	unsigned taken = 0;
	while (taken < most &&
	    rate_take(rate, PER_SECOND, BURST, now_ms) == RATE_FINE)
		taken++;
	return taken;
}

static void
a_burst_of_100_passes_and_one_more_does_not(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, BURST, 1000);
	assert_int_equal(take_all(&rate, 1000, 1000), 100);
}

static void
fifty_a_second_come_back_and_never_more_than_the_burst(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, BURST, 1000);
	take_all(&rate, 1000, 1000);
	assert_int_equal(take_all(&rate, 1019, 1000), 0);
	assert_int_equal(take_all(&rate, 1020, 1000), 1);
	assert_int_equal(take_all(&rate, 2020, 1000), 50);
	assert_int_equal(take_all(&rate, 99999999, 1000), 100);
}

static void
a_steady_fifty_a_second_is_never_refused(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, BURST, 0);
	for (uint64_t now_ms = 0; now_ms < 60000; now_ms += 20)
		assert_int_equal(
		    rate_take(&rate, PER_SECOND, BURST, now_ms), RATE_FINE);
}

static void
ten_seconds_beyond_the_limit_are_abuse(void **state)
{
	struct rate rate;
	uint64_t first_ms = 0;
	(void)state;
	rate_init(&rate, BURST, 0);
	for (uint64_t now_ms = 0;; now_ms += 10) { /* 100 a second */
		enum rate_verdict verdict =
		    rate_take(&rate, PER_SECOND, BURST, now_ms);
		if (verdict == RATE_LIMITED && first_ms == 0)
			first_ms = now_ms;
		if (verdict != RATE_ABUSED)
			continue;
		assert_in_range(now_ms - first_ms, 10000, 10020);
		break;
	}
}

static void
bursts_with_pauses_between_are_no_abuse(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, BURST, 0);
	for (uint64_t now_ms = 0; now_ms < 120000; now_ms += 3000)
		for (int i = 0; i < 300; i++)
			assert_int_not_equal(
			    rate_take(&rate, PER_SECOND, BURST, now_ms),
			    RATE_ABUSED);
}

static void
zero_a_second_means_no_limit(void **state)
{
	struct rate rate;
	(void)state;
	rate_init(&rate, 0, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rate_take(&rate, 0, 0, 5), RATE_FINE);
}

static void
uuids_are_of_version_4_and_differ(void **state)
{
	char a[RANDOM_UUID_MAX];
	char b[RANDOM_UUID_MAX];
	(void)state;
	random_uuid(a);
	random_uuid(b);
	assert_int_equal(strlen(a), 36);
	assert_string_not_equal(a, b);
	assert_int_equal(a[14], '4');
	assert_non_null(strchr("89ab", a[19]));
	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (is_dash)
			assert_int_equal(a[i], '-');
		else
			assert_non_null(strchr("0123456789abcdef", a[i]));
	}
}

static void
a_traceparent_is_made_well_and_judged_strictly(void **state)
{
	char made[RANDOM_TRACEPARENT_MAX];
	(void)state;
	random_traceparent(made);
	assert_true(random_traceparent_is_valid(view_of(made)));
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		    true },
		{ "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		    false },
		{ "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		    false },
		{ "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
		    false },
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		    false },
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
		    false },
		{ "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01x",
		    false },
		{ "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		    false },
		{ "", false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(
		    random_traceparent_is_valid(view_of(rows[i].text)),
		    rows[i].valid);
}

static void
numbers_stay_between_their_ends(void **state)
{
	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_in_range(random_between(500, 503), 500, 503);
	assert_int_equal(random_between(7, 7), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_burst_of_100_passes_and_one_more_does_not),
		cmocka_unit_test(
		    fifty_a_second_come_back_and_never_more_than_the_burst),
		cmocka_unit_test(a_steady_fifty_a_second_is_never_refused),
		cmocka_unit_test(ten_seconds_beyond_the_limit_are_abuse),
		cmocka_unit_test(bursts_with_pauses_between_are_no_abuse),
		cmocka_unit_test(zero_a_second_means_no_limit),
		cmocka_unit_test(uuids_are_of_version_4_and_differ),
		cmocka_unit_test(
		    a_traceparent_is_made_well_and_judged_strictly),
		cmocka_unit_test(numbers_stay_between_their_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
