/* SPDX-License-Identifier: MIT */
#include "load_conn.h"
#include "load_stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define LAST 3

struct scene {
	struct load_tally tally;
	struct load_site site;
	struct load_conn conn;
	struct load_event event;
	uint32_t stream; /* of the events to come */
	unsigned char bytes[8192];
	size_t len;
};

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	scene->site.tally = &scene->tally;
	scene->conn = (struct load_conn){
		.fd = -1, .next = 1, .last = LAST, .state = LOAD_OPEN
	};
	load_event_init(&scene->event, LOAD_EVENT_MIN);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;
	load_event_fini(&scene->event);
	free(scene);
	return 0;
}

static void
put(struct scene *scene, uint32_t number)
{
	struct load_stamp stamp = { number, load_now_ns(), scene->stream };
	load_event_stamp(&scene->event, &stamp);
	unsigned char *at = scene->bytes + scene->len;
	at[0] = 0x81;
	at[1] = 126;
	at[2] = LOAD_EVENT_MIN >> 8;
	at[3] = LOAD_EVENT_MIN & 255;
	memcpy(at + 4, scene->event.text, LOAD_EVENT_MIN);
	scene->len += 4 + LOAD_EVENT_MIN;
}

static long
take(struct scene *scene)
{
	return load_conn_take(
	    &scene->conn, &scene->site, scene->bytes, scene->len);
}

static void
events_in_their_places_complete_a_connection(void **state)
{
	struct scene *scene = *state;
	for (uint32_t i = 0; i <= LAST; i++)
		put(scene, i);
	scene->len += 2; /* the beginning of a further frame */
	scene->bytes[scene->len - 2] = 0x81;
	scene->bytes[scene->len - 1] = 5;
	assert_int_equal(take(scene), scene->len - 2);
	assert_int_equal(scene->tally.probes, 1);
	assert_int_equal(scene->tally.ready, 1);
	assert_int_equal(scene->tally.events, LAST);
	assert_int_equal(scene->tally.complete, 1);
	assert_int_equal(scene->tally.missing, 0);
	assert_int_equal(scene->tally.repeated, 0);
	assert_int_equal(scene->tally.latency.count, LAST);
}

static void
a_hole_is_missing_and_not_healed_later(void **state)
{
	struct scene *scene = *state;
	put(scene, 1);
	put(scene, 3);
	put(scene, 2);
	take(scene);
	assert_int_equal(scene->tally.events, 2);
	assert_int_equal(scene->tally.missing, 1);
	assert_int_equal(scene->tally.repeated, 1);
}

static void
a_doubled_event_is_told(void **state)
{
	struct scene *scene = *state;
	put(scene, 1);
	put(scene, 1);
	take(scene);
	assert_int_equal(scene->tally.events, 1);
	assert_int_equal(scene->tally.repeated, 1);
}

static void
an_event_of_another_stream_is_told(void **state)
{
	struct scene *scene = *state;
	put(scene, 1);
	scene->stream = 1;
	put(scene, 0);
	put(scene, 2);
	take(scene);
	assert_int_equal(scene->tally.events, 1);
	assert_int_equal(scene->tally.probes, 0);
	assert_int_equal(scene->tally.strayed, 2);
	assert_int_equal(scene->tally.latency.count, 1);
}

static void
what_was_prefilled_has_no_latency(void **state)
{
	struct scene *scene = *state;
	scene->conn.prefill = 2;
	put(scene, 1);
	put(scene, 2);
	put(scene, 3);
	take(scene);
	assert_int_equal(scene->tally.events, 3);
	assert_int_equal(scene->tally.latency.count, 1);
}

static void
a_close_frame_ends_with_its_code(void **state)
{
	struct scene *scene = *state;
	memcpy(scene->bytes, "\x88\x02\x03\xf0", 4);
	scene->len = 4;
	assert_int_equal(take(scene), -1);
	assert_int_equal(scene->tally.close_code, 1008);
}

static void
a_broken_frame_ends_the_connection(void **state)
{
	struct scene *scene = *state;
	memcpy(scene->bytes, "\x01\x00", 2);
	scene->len = 2;
	assert_int_equal(take(scene), -1);
	assert_int_equal(scene->tally.broken, 1);
}

/* One event in one frame, compressed for itself by zlib. */
static void
put_compressed(struct scene *scene, uint32_t number)
{
	struct load_stamp stamp = { number, 1, 0 };
	z_stream zlib = { 0 };
	unsigned char *at = scene->bytes + scene->len;
	load_event_stamp(&scene->event, &stamp);
	deflateInit2(&zlib, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	zlib.next_in = (Bytef *)scene->event.text;
	zlib.avail_in = LOAD_EVENT_MIN;
	zlib.next_out = at + 4;
	zlib.avail_out = 1024;
	deflate(&zlib, Z_SYNC_FLUSH);
	size_t len = 1024 - zlib.avail_out - 4; /* without 00 00 ff ff */
	deflateEnd(&zlib);
	at[0] = 0xc1;
	at[1] = 126;
	at[2] = (unsigned char)(len >> 8);
	at[3] = (unsigned char)len;
	scene->len += 4 + len;
}

static int
set_up_deflate(void **state)
{
	set_up(state);
	struct scene *scene = *state;
	scene->site.inflate = load_inflate_new();
	return 0;
}

static int
tear_down_deflate(void **state)
{
	struct scene *scene = *state;
	load_inflate_free(&scene->site.inflate);
	return tear_down(state);
}

static void
compressed_events_are_verified_like_others(void **state)
{
	struct scene *scene = *state;
	put_compressed(scene, 1);
	put(scene, 2); /* not worth compressing, the server thought */
	put_compressed(scene, 3);
	assert_int_equal(take(scene), scene->len);
	assert_int_equal(scene->tally.events, 3);
	assert_int_equal(scene->tally.missing, 0);
	assert_int_equal(scene->tally.compressed, 2);
}

static void
the_same_bytes_are_inflated_once(void **state)
{
	struct scene *scene = *state;
	put_compressed(scene, 1);
	take(scene);
	scene->conn.next = 1; /* another connection, so to say */
	take(scene);
	assert_int_equal(scene->tally.events, 2);
	assert_int_equal(load_inflate_count(scene->site.inflate), 1);
}

static void
bytes_that_differ_in_one_are_not_taken_for_the_same(void **state)
{
	struct scene *scene = *state;
	put_compressed(scene, 1);
	take(scene);
	for (size_t i = 4; i < scene->len; i++) {
		struct view text;
		scene->bytes[i] ^= 1;
		load_inflate(scene->site.inflate,
		    view_make((char *)scene->bytes + 4, scene->len - 4), &text);
		scene->bytes[i] ^= 1;
	}
	assert_int_equal(
	    load_inflate_count(scene->site.inflate), 1 + scene->len - 4);
}

static void
what_is_no_whole_deflate_stream_is_broken(void **state)
{
	struct scene *scene = *state;
	struct view text;
	put_compressed(scene, 1);
	const char *payload = (const char *)scene->bytes + 4;
	for (size_t len = 0; len < scene->len - 4; len++)
		assert_int_equal(load_inflate(scene->site.inflate,
				     view_make(payload, len), &text),
		    -1);
	memset(scene->bytes + 4, 0xff, 20);
	assert_int_equal(take(scene), -1);
	assert_int_equal(scene->tally.broken, 1);
}

static void
compression_that_nobody_asked_for_is_broken(void **state)
{
	struct scene *scene = *state;
	put_compressed(scene, 1);
	assert_int_equal(take(scene), -1);
	assert_int_equal(scene->tally.broken, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    events_in_their_places_complete_a_connection, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(
		    a_hole_is_missing_and_not_healed_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_doubled_event_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    an_event_of_another_stream_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    what_was_prefilled_has_no_latency, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_close_frame_ends_with_its_code, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_broken_frame_ends_the_connection, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    compressed_events_are_verified_like_others, set_up_deflate,
		    tear_down_deflate),
		cmocka_unit_test_setup_teardown(
		    the_same_bytes_are_inflated_once, set_up_deflate,
		    tear_down_deflate),
		cmocka_unit_test_setup_teardown(
		    bytes_that_differ_in_one_are_not_taken_for_the_same,
		    set_up_deflate, tear_down_deflate),
		cmocka_unit_test_setup_teardown(
		    what_is_no_whole_deflate_stream_is_broken, set_up_deflate,
		    tear_down_deflate),
		cmocka_unit_test_setup_teardown(
		    compression_that_nobody_asked_for_is_broken, set_up,
		    tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
