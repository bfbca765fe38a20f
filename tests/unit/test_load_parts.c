/* SPDX-License-Identifier: MIT */
#include "buf.h"
#include "load_answers.h"
#include "load_dial.h"
#include "load_frames.h"
#include "load_histogram.h"
#include "load_plan.h"
#include "load_process.h"
#include "load_slices.h"
#include "load_stamp.h"
#include "load_template.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

/* --- frames --- */

static enum load_parse
parse(const char *bytes, size_t len, struct load_frame *frame, size_t *used)
{
	return load_frames_next((const unsigned char *)bytes, len, frame, used);
}

static void
a_frame_is_read_with_each_form_of_its_length(void **state)
{
	(void)state;
	static const struct {
		size_t payload;
		const char *head;
		size_t head_len;
	} rows[] = {
		{ 0, "\x81\x00", 2 },
		{ 125, "\x81\x7d", 2 },
		{ 126, "\x81\x7e\x00\x7e", 4 },
		{ 65535, "\x81\x7e\xff\xff", 4 },
		{ 65536, "\x81\x7f\0\0\0\0\0\x01\0\0", 10 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_frame frame;
		size_t used;
		size_t whole = rows[i].head_len + rows[i].payload;
		char *bytes = calloc(1, whole + 1);
		memcpy(bytes, rows[i].head, rows[i].head_len);
		assert_int_equal(
		    parse(bytes, whole, &frame, &used), LOAD_FRAME);
		assert_int_equal(frame.opcode, LOAD_TEXT);
		assert_int_equal(frame.len, rows[i].payload);
		assert_int_equal(used, whole);
		assert_ptr_equal(frame.payload, bytes + rows[i].head_len);
		for (size_t len = 0; len < whole; len += 1 + len / 3)
			assert_int_equal(
			    parse(bytes, len, &frame, &used), LOAD_PARTIAL);
		free(bytes);
	}
}

static void
what_no_server_may_send_is_broken(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"\x81\x80xxxx", /* masked */
		"\x01\x01x",    /* a fragment */
		"\x80\x01x",    /* continues nothing */
		"\xa1\x01x",    /* a reserved bit */
		"\xc9\x01x",    /* a compressed ping */
		"\x83\x01x",    /* an unknown opcode */
		"\x8b\x01x",    /* another one */
		"\x81\x7f\x01\x01\x01\x01\x01\x01\x01\x01", /* endless */
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_frame frame;
		size_t used;
		assert_int_equal(parse(rows[i], strlen(rows[i]), &frame, &used),
		    LOAD_BROKEN);
	}
}

static void
a_compressed_message_is_told_apart(void **state)
{
	(void)state;
	struct load_frame frame;
	size_t used;
	assert_int_equal(parse("\xc1\x01x", 3, &frame, &used), LOAD_FRAME);
	assert_true(frame.is_compressed);
	assert_int_equal(parse("\x81\x01x", 3, &frame, &used), LOAD_FRAME);
	assert_false(frame.is_compressed);
}

/* --- slices of time --- */

static void
a_latency_counts_in_the_slice_of_its_time(void **state)
{
	(void)state;
	struct load_slices slices = { .slice_ns = 1000 };
	struct buf out;
	buf_init(&out, 0);
	load_slices_add(&slices, 5, 10999);
	load_slices_add(&slices, 5, 9999); /* overtaken by the first */
	load_slices_add(&slices, 7, 12000);
	load_slices_add(&slices, 9, 1000000000000); /* counts in the last */
	assert_int_equal(slices.count, LOAD_SLICES_MAX);
	assert_int_equal(slices.items[LOAD_SLICES_MAX - 1].count, 1);
	slices.count = 3;
	load_slices_json(&slices, &out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data,
	    "{\"slice_us\":1,\"began_us\":10,\"slices\":[[5,2],[],[7,1]]}");
	buf_fini(&out);
	load_slices_fini(&slices);
}

static void
a_clients_frame_is_masked(void **state)
{
	(void)state;
	unsigned char out[16];
	assert_int_equal(load_frames_write(out, LOAD_PONG, "hi", 2), 8);
	assert_memory_equal(out, "\x8a\x82\0\0\0\0hi", 8);
}

/* --- histogram --- */

static void
a_percentile_is_exact_when_small_and_close_when_large(void **state)
{
	(void)state;
	struct load_histogram *small = calloc(1, sizeof(*small));
	struct load_histogram *large = calloc(1, sizeof(*large));
	for (uint64_t i = 1; i <= 100; i++) {
		load_histogram_add(small, i, 1);
		load_histogram_add(large, i * 1000003, 1);
	}
	assert_int_equal(load_histogram_at(small, 0.5), 50);
	assert_int_equal(load_histogram_at(small, 0.99), 99);
	assert_int_equal(load_histogram_at(small, 1), 100);
	uint64_t p50 = load_histogram_at(large, 0.5);
	assert_true(p50 >= 50000150 && p50 < 50000150 / 1000 * 1016);
	assert_int_equal(load_histogram_at(large, 1), 100000300);
	assert_int_equal(large->max_ns, 100000300);
	free(small);
	free(large);
}

static void
every_duration_is_between_its_cells_ends(void **state)
{
	(void)state;
	for (uint64_t ns = 1; ns < 1ull << 62; ns += ns / 8 + 1) {
		struct load_histogram *one = calloc(1, sizeof(*one));
		load_histogram_add(one, ns, 1);
		load_histogram_add(one, UINT64_MAX >> 1, 1);
		uint64_t told = load_histogram_at(one, 0.5);
		assert_true(told >= ns && told - ns <= ns / 64);
		free(one);
	}
}

static void
an_empty_histogram_says_nothing(void **state)
{
	(void)state;
	struct load_histogram *empty = calloc(1, sizeof(*empty));
	assert_int_equal(load_histogram_at(empty, 0.99), 0);
	free(empty);
}

/* --- stamps --- */

static void
a_stamp_comes_back_whatever_it_is_wrapped_in(void **state)
{
	(void)state;
	static const char *const wraps[][2] = {
		{ "", "" },
		{ "{\"cursor\":\"1-0\",", "" },
		{ "42[\"event\",", "]" },
	};
	struct load_event event;
	load_event_init(&event, LOAD_EVENT_MIN);
	struct load_stamp stamp = { 87654321, 1234567890123456, 12345678 };
	load_event_stamp(&event, &stamp);
	for (size_t i = 0; i < 3; i++) {
		char text[600];
		uint32_t from_end = 0;
		struct load_stamp got = { 0 };
		int len = snprintf(text, sizeof(text), "%s%.*s%s", wraps[i][0],
		    (int)event.len, event.text, wraps[i][1]);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(
			    load_stamp_read(
				view_make(text, (size_t)len), &from_end, &got),
			    0);
			assert_int_equal(got.number, stamp.number);
			assert_int_equal(got.at_ns, stamp.at_ns);
			assert_int_equal(got.stream, stamp.stream);
		}
	}
	load_event_fini(&event);
}

static void
a_text_without_a_stamp_has_none(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "{}", "bench=1",
		"{\"type\":\"relay.hello\",\"bench\":\"000000000001\"}" };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t from_end = 40;
		struct load_stamp stamp;
		assert_int_equal(
		    load_stamp_read(view_of(rows[i]), &from_end, &stamp), -1);
	}
}

static void
an_age_survives_the_turn_of_the_clock(void **state)
{
	(void)state;
	struct load_stamp stamp = { 1, 9999999999999990, 0 };
	assert_int_equal(load_stamp_age(&stamp, 20000000000000005), 15);
}

/* --- the producer's parts --- */

static void
answers_are_counted_over_any_cut(void **state)
{
	(void)state;
	static const char text[] = "+OK\r\n+QUEUED\r\n*2\r\n$3\r\n1-0\r\n$3\r\n"
				   "1-1\r\n-ERR no\r\nHTTP/1.1 201 Created\r\n"
				   "\r\nbodyHTTP/1.1 503 No\r\n";
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		struct load_answers answers = { 0 };
		load_answers_read(&answers, text, cut);
		load_answers_read(&answers, text + cut, sizeof(text) - 1 - cut);
		assert_int_equal(answers.taken, 3);
		assert_int_equal(answers.refused, 2);
		assert_string_equal(answers.refusal, "-ERR no\r");
	}
}

static void
a_template_fills_in_what_it_knows(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	load_template(&out, "a{run}:{n}{{x}{event}{", "r1", 7, view_of("{}"));
	assert_int_equal(out.len, strlen("ar1:7{{x}{}{"));
	assert_memory_equal(out.data, "ar1:7{{x}{}{", out.len);
	buf_fini(&out);
}

static void
a_url_falls_into_its_parts(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *host; /* NULL: refused */
		unsigned port;
		const char *path;
	} rows[] = {
		{ "ws://127.0.0.1:80/a?b={n}", "127.0.0.1", 80, "/a?b={n}" },
		{ "ws://h/", "h", 80, "/" },
		{ "ws://[::1]:8080/x", "::1", 8080, "/x" },
		{ "ws://[::1]/x", "::1", 80, "/x" },
		{ "http://h/", NULL, 0, NULL },
		{ "ws://h", NULL, 0, NULL },
		{ "ws://h:0/", NULL, 0, NULL },
		{ "ws://h:65536/", NULL, 0, NULL },
		{ "ws://:1/", NULL, 0, NULL },
		{ "ws://[::1/", NULL, 0, NULL },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct load_url parts;
		struct error err;
		int rc = load_url_parse(&parts, rows[i].url, "ws", &err);
		assert_int_equal(rc, rows[i].host ? 0 : -1);
		if (rows[i].host) {
			assert_string_equal(parts.host, rows[i].host);
			assert_int_equal(parts.port, rows[i].port);
			assert_string_equal(parts.path, rows[i].path);
		}
		load_url_fini(&parts);
	}
}

static void
bursts_are_dealt_to_the_active_streams_in_turn(void **state)
{
	(void)state;
	struct load_plan plan = { .streams = 8,
		.active = 3,
		.burst = 4,
		.events = 28,
		.prefill = 2 };
	uint64_t last[8] = { 2, 2, 2, 2, 2, 2, 2, 2 };
	for (uint64_t burst = 0; burst < 7; burst++)
		last[load_plan_stream(&plan, burst)] += plan.burst;
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(load_plan_last(&plan, i), last[i]);
}

static void
active_streams_lie_among_the_others(void **state)
{
	(void)state;
	struct load_plan plan = { .streams = 403, .active = 4 };
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(load_plan_stream(&plan, i), i % 4 * 100);
	plan.streams = 4; /* all of them */
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(load_plan_stream(&plan, i), i % 4);
}

static void
processes_are_named_and_measured(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "x", "0", "-1", "1,", "1;2",
		"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17" };
	struct load_pids pids;
	struct load_cost cost;
	char self[32];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(load_pids_parse(&pids, bad[i]), -1);
	snprintf(self, sizeof(self), "%d,%d", (int)getpid(), (int)getpid());
	assert_int_equal(load_pids_parse(&pids, self), 0);
	assert_int_equal(pids.count, 2);
	assert_int_equal(load_process_cost(&pids, &cost), 0);
	assert_true(cost.pss_bytes > 0);
	assert_int_equal(load_pids_parse(&pids, "1000000000"), 0);
	assert_int_equal(load_process_cost(&pids, &cost), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_frame_is_read_with_each_form_of_its_length),
		cmocka_unit_test(what_no_server_may_send_is_broken),
		cmocka_unit_test(a_compressed_message_is_told_apart),
		cmocka_unit_test(a_latency_counts_in_the_slice_of_its_time),
		cmocka_unit_test(a_clients_frame_is_masked),
		cmocka_unit_test(
		    a_percentile_is_exact_when_small_and_close_when_large),
		cmocka_unit_test(every_duration_is_between_its_cells_ends),
		cmocka_unit_test(an_empty_histogram_says_nothing),
		cmocka_unit_test(a_stamp_comes_back_whatever_it_is_wrapped_in),
		cmocka_unit_test(a_text_without_a_stamp_has_none),
		cmocka_unit_test(an_age_survives_the_turn_of_the_clock),
		cmocka_unit_test(answers_are_counted_over_any_cut),
		cmocka_unit_test(a_template_fills_in_what_it_knows),
		cmocka_unit_test(a_url_falls_into_its_parts),
		cmocka_unit_test(
		    bursts_are_dealt_to_the_active_streams_in_turn),
		cmocka_unit_test(active_streams_lie_among_the_others),
		cmocka_unit_test(processes_are_named_and_measured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
