/* SPDX-License-Identifier: MIT */
#include "clock.h"
#include "stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const struct stats_names names = { .endpoints = { "talk", "watch" },
	.count = 2 };
static struct stats sum;
static struct stats one;
static struct stats two;

static void
workers_are_summed(void **state)
{
	(void)state;
	stat_add(&one, writes, 3);
	stat_add(&one, writes, 4);
	stat_set(&two, writes, 10);
	stat_set(&two, log_dropped, 1);
	stat_add(&one, clients[1], 2);
	stat_add(&two, clients[1], 3);
	stat_add(&two, clients[STATS_ENDPOINTS - 1], 1);
	stats_sum(&sum, &one);
	stats_sum(&sum, &two);
	assert_int_equal(stat_get(&sum, writes), 17);
	assert_int_equal(stat_get(&sum, log_dropped), 1);
	assert_int_equal(stat_get(&sum, http_requests), 0);
	assert_int_equal(stat_get(&sum, clients[0]), 0);
	assert_int_equal(stat_get(&sum, clients[1]), 5);
	assert_int_equal(stat_get(&sum, clients[STATS_ENDPOINTS - 1]), 1);
}

static unsigned
occurrences(const char *text, const char *wanted)
{
	unsigned count = 0;
	for (; (text = strstr(text, wanted)) != NULL; text++)
		count++;
	return count;
}

static void
the_exposition_has_one_head_per_metric(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	stats_print(&sum, &names, STATS_PROMETHEUS, &out);
	buf_add_char(&out, '\0');
	assert_int_equal(
	    occurrences(out.data, "# HELP relay_connections_total "), 1);
	assert_int_equal(
	    occurrences(out.data, "# TYPE relay_connections_total counter\n"),
	    1);
	assert_int_equal(
	    occurrences(out.data, "\nrelay_connections_total{outcome="), 4);
	assert_int_equal(occurrences(out.data, "\nrelay_writes_total 17\n"), 1);
	assert_int_equal(
	    occurrences(out.data, "# TYPE relay_clients gauge\n"), 1);
	assert_int_equal(occurrences(out.data, "\n\n"), 0);
	buf_fini(&out);
}

static void
openmetrics_names_families_of_counters_without_their_suffix(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	stats_print(&sum, &names, STATS_OPENMETRICS, &out);
	buf_add_char(&out, '\0');
	assert_int_equal(
	    occurrences(out.data, "# TYPE relay_writes counter\n"), 1);
	assert_int_equal(occurrences(out.data, "\nrelay_writes_total 17\n"), 1);
	assert_int_equal(
	    occurrences(out.data, "# TYPE relay_clients gauge\n"), 1);
	assert_string_equal(out.data + strlen(out.data) - 7, "\n# EOF\n");
	/* Every counter can lose that suffix. */
	for (const char *p = out.data; (p = strstr(p, " counter\n")); p++) {
		const char *name = p;
		while (name[-1] != ' ')
			name--;
		char sample[128];
		snprintf(sample, sizeof(sample), "\n%.*s_total",
		    (int)(p - name), name);
		assert_non_null(strstr(out.data, sample));
	}
	buf_fini(&out);
}

static uint64_t
bucket(unsigned i)
{
	return atomic_load(&one.delivery.bucket[i]);
}

static void
times_fall_into_the_bucket_that_bounds_them(void **state)
{
	(void)state;
	stats_time(&one.delivery, 0, 1);
	stats_time(&one.delivery, 1, 1);
	stats_time(&one.delivery, 2, 1);
	stats_time(&one.delivery, 3, 1);
	stats_time(&one.delivery, 4, 1);
	stats_time(&one.delivery, 5, 95);
	assert_int_equal(bucket(0), 2);
	assert_int_equal(bucket(1), 1);
	assert_int_equal(bucket(2), 2);
	assert_int_equal(bucket(3), 95);
	assert_int_equal(stats_quantile(&one.delivery, 0.05), 4);
	assert_int_equal(stats_quantile(&one.delivery, 0.06), 8);
	assert_int_equal(stats_quantile(&two.delivery, 0.5), 0);
	stats_time(&one.delivery, UINT64_C(1) << 60, 1);
	assert_int_equal(bucket(STATS_BUCKETS - 1), 1);
}

static void
a_histogram_is_cumulative(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	stats_time(&two.delivery, 1, 1);
	stats_time(&two.delivery, 3, 2);
	stats_print(&two, &names, STATS_PROMETHEUS, &out);
	buf_add_char(&out, '\0');
	const char *wanted[] = {
		"# TYPE relay_delivery_seconds histogram\n",
		"\nrelay_delivery_seconds_bucket{le=\"1e-06\"} 1\n",
		"\nrelay_delivery_seconds_bucket{le=\"2e-06\"} 1\n",
		"\nrelay_delivery_seconds_bucket{le=\"4e-06\"} 3\n",
		"\nrelay_delivery_seconds_bucket{le=\"+Inf\"} 3\n",
		"\nrelay_delivery_seconds_sum 0.000007\n",
		"\nrelay_delivery_seconds_count 3\n",
	};
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(occurrences(out.data, wanted[i]), 1);
	buf_fini(&out);
}

static void
clocks_run_forward(void **state)
{
	(void)state;
	uint64_t before_us = clock_mono_us();
	uint64_t before_ms = clock_mono_ms();
	assert_true(clock_mono_us() >= before_us);
	assert_true(clock_mono_ms() >= before_us / 1000);
	assert_true(before_ms >= before_us / 1000);
	assert_true(clock_unix_ms() > 1600000000000u);
}

static void
endpoints_are_labelled_by_their_names(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	memset(&two, 0, sizeof(two));
	stat_add(&two, clients[1], 3);
	stat_add(&two, delivered_live[0], 7);
	stats_print(&two, &names, STATS_PROMETHEUS, &out);
	buf_add_char(&out, '\0');
	assert_int_equal(
	    occurrences(out.data, "\nrelay_clients{endpoint=\"watch\"} 3\n"),
	    1);
	assert_int_equal(occurrences(out.data,
			     "\nrelay_events_delivered_total{endpoint=\"talk\","
			     "mode=\"live\"} 7\n"),
	    1);
	assert_int_equal(stats_clients(&two), 3);
	buf_fini(&out);
}

static void
reconnects_are_counted_by_reason(void **state)
{
	(void)state;
	memset(&two, 0, sizeof(two));
	stat_add(&two, writes, 9); /* which are none */
	stats_reconnect(&two, "timeout");
	stats_reconnect(&two, "something new");
	assert_int_equal(stat_get(&two, reconnects_timeout), 1);
	assert_int_equal(stat_get(&two, reconnects_other), 1);
	assert_int_equal(stats_reconnects(&two), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_are_summed),
		cmocka_unit_test(the_exposition_has_one_head_per_metric),
		cmocka_unit_test(
		    openmetrics_names_families_of_counters_without_their_suffix),
		cmocka_unit_test(times_fall_into_the_bucket_that_bounds_them),
		cmocka_unit_test(a_histogram_is_cumulative),
		cmocka_unit_test(clocks_run_forward),
		cmocka_unit_test(endpoints_are_labelled_by_their_names),
		cmocka_unit_test(reconnects_are_counted_by_reason),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
