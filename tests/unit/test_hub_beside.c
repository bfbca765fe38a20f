/* SPDX-License-Identifier: MIT */

/* Those behind beside those who are live: neither holds up the other. */

#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define SMALL 460

static int
set_up(void **state)
{
	static const struct hub_options options = { .subscriber_bytes = 2000,
		.total_bytes = 4 << 20,
		.run_bytes = 300,
		.window_bytes = SMALL,
		.windows_in_flight = 8 };
	return scene_begin_with(state, &options);
}

static size_t
asked_bytes(struct scene *s, struct listener *listener)
{
	scene_resume(s, listener, 1);
	scene_turn(s);
	assert_int_equal(s->world.request_count, 1);
	size_t bytes = s->world.requests[0].max_bytes;
	world_settle(&s->world);
	return bytes;
}

static void
windows_are_small_while_live_events_flow(void **state)
{
	struct scene *s = *state;
	struct model_stream *lively = world_stream(&s->world, "lively");
	struct listener live;
	scene_add(s->stream, 1, 5);
	assert_int_equal(asked_bytes(s, &s->a), SMALL);
	listener_init(&live, &s->world);
	listener_subscribe(&live, lively, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	world_settle(&s->world);
	model_add(lively, 1, 'a', 50, ENTRY_ID_ZERO);
	world_settle(&s->world);
	hub_tick(s->world.hub, s->world.now_ms += HUB_LIVELY_MS - 1);
	model_trim(s->stream, 4); /* what is kept is of no use */
	assert_int_equal(asked_bytes(s, &s->b), SMALL / 2);
	hub_tick(s->world.hub, ++s->world.now_ms);
	assert_int_equal(asked_bytes(s, &s->c), SMALL);
	listener_fini(&live);
}

static void
while_live_events_flow_no_window_is_larger_than_a_bound(void **state)
{
	struct scene *s = *state;
	struct model_stream *lively = world_stream(&s->world, "lively");
	s->world.hub->options.window_bytes = 4 * HUB_LIVELY_BYTES;
	scene_add(s->stream, 1, 5);
	listener_subscribe(&s->a, lively, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	world_settle(&s->world);
	model_add(lively, 1, 'a', 50, ENTRY_ID_ZERO);
	world_settle(&s->world);
	assert_int_equal(asked_bytes(s, &s->b), HUB_LIVELY_BYTES);
}

#define CROWD 12

static size_t
served(const struct listener *crowd)
{
	size_t count = 0;
	for (size_t i = 0; i < CROWD; i++)
		count += crowd[i].events > 0;
	return count;
}

static void
a_crowd_that_comes_back_leaves_time_for_who_is_live(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	struct model_stream *lively = world_stream(&s->world, "lively");
	s->world.hub->options.run_bytes = 65536;
	s->world.hub->options.window_bytes = 65536;
	for (uint64_t ms = 1; ms <= 6; ms++)
		model_add(s->stream, ms, 'a', 10000, ENTRY_ID_ZERO);
	listener_subscribe(&s->a, lively, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		listener_init(&crowd[i], &s->world);
		scene_resume(s, &crowd[i], 0);
	}
	scene_turn(s);
	scene_turn(s);
	assert_in_range(served(crowd), 4, 5);
	assert_true(hub_is_dirty(s->world.hub));
	model_add(lively, 1, 'a', 50, ENTRY_ID_ZERO);
	world_feed(&s->world, lively);
	scene_turn(s);
	assert_int_equal(s->a.events, 1);
	assert_in_range(served(crowd), 8, 10);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(crowd[i].events, 6);
		listener_fini(&crowd[i]);
	}
	assert_int_equal(scene_windows_read(s), 1);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(windows_are_small_while_live_events_flow),
		SCENE(while_live_events_flow_no_window_is_larger_than_a_bound),
		SCENE(a_crowd_that_comes_back_leaves_time_for_who_is_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
