/* SPDX-License-Identifier: MIT */
#include "load_conn.h"
#include "load_stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define LAST 3

struct scene {
	struct load_tally tally;
	struct load_site site;
	struct load_conn conn;
	struct load_event event;
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
	struct load_stamp stamp = { number, load_now_ns() };
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
		    what_was_prefilled_has_no_latency, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_close_frame_ends_with_its_code, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    a_broken_frame_ends_the_connection, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
