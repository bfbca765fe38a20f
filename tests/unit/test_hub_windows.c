/* SPDX-License-Identifier: MIT */
#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct start LIVE = { .kind = START_LIVE };

static void
a_replay_of_many_windows_ends_live(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 40);
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	assert_non_null(strstr(listener_log(&s->a), " 40-0 live:40-0/40"));
	assert_true(scene_windows_read(s) >= 4);
	assert_int_equal(scene_figures(s).behind, 0);
	scene_add(s->stream, 41, 41);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "41-0");
	assert_int_equal(stat_get(&s->world.stats, frames_sent_window), 40);
	assert_int_equal(stat_get(&s->world.stats, frames_sent), 1);
}

static void
one_window_serves_all_whose_cursors_lie_in_it(void **state)
{
	struct scene *s = *state;
	struct listener many[8];
	scene_add(s->stream, 1, 9);
	for (uint64_t i = 0; i < 8; i++) {
		listener_init(&many[i], &s->world);
		listener_subscribe(&many[i], s->stream, i % 2,
		    scene_after(8 - i), true, false);
	}
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 1);
	assert_int_equal(s->world.judge.judged, 8);
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(many[i].events, i + 1);
		listener_fini(&many[i]);
	}
}

static void
one_window_serves_all_who_ask_since_then(void **state)
{
	struct scene *s = *state;
	struct start since = { .kind = START_SINCE, .since_ms = 3 };
	scene_add(s->stream, 1, 9);
	listener_subscribe(&s->a, s->stream, 0, since, true, false);
	since.since_ms = 6;
	listener_subscribe(&s->b, s->stream, 0, since, true, false);
	listener_subscribe(&s->c, s->stream, 0, scene_after(7), true, false);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 1);
	assert_int_equal(s->a.events, 7);
	assert_int_equal(s->b.events, 4);
	assert_int_equal(s->c.events, 2);
}

/* An event arrives between each read of Redis and its answer. Without the pin
 * the chain would always have moved on. */
static void
a_replay_converges_although_events_keep_coming(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	for (uint64_t i = 0; i < 10 && s->world.request_count > 0; i++) {
		assert_true(world_read_request(&s->world, 0));
		scene_add(s->stream, 4 + i, 4 + i);
		assert_true(world_feed(&s->world, s->stream));
		world_answer_request(&s->world, 0);
		hub_flush(s->world.hub, 0);
	}
	assert_int_equal(scene_windows_read(s), 1);
	assert_string_equal(listener_log(&s->a), "open 2-0 3-0 4-0 live:4-0/3");
}

static void
frames_that_a_window_has_brought_are_passed_over(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 2);
	listener_subscribe(&s->a, s->stream, 0, scene_after(3), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	scene_add(
	    s->stream, 3, 4); /* the window sees them before the feed does */
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_string_equal(listener_log(&s->a), "open 4-0 live:4-0/1");
	scene_add(s->stream, 5, 5);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "5-0");
	assert_int_equal(stat_get(&s->world.stats, frames_skipped), 2);
}

static void
a_slow_subscriber_costs_a_cursor_and_joins_again(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	scene_add(s->stream, 1, 50);
	world_settle(&s->world);
	assert_int_equal(s->b.events, 50);
	assert_int_equal(scene_figures(s).behind, 1);
	assert_int_equal(scene_figures(s).blocks, 0);
	assert_int_equal(stat_get(&s->world.stats, behind_entered), 1);
	assert_int_equal(scene_windows_read(s), 0);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 50);
	assert_int_equal(scene_figures(s).behind, 0);
	/* It was live and is again: no second notice. */
	assert_null(strstr(listener_log(&s->a) + 16, "live"));
}

static void
the_budget_is_exact(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	struct batch_entry entry = { .has_event = true };
	char text[2100];
	memset(text, ' ', sizeof(text));
	text[0] = '{';
	/* Header of 4 and `{"cursor":"1-0",` in front: 2000 in all. */
	static const size_t lengths[] = { 2000 - 4 - 15, 1 };
	for (uint64_t i = 0; i < 2; i++) {
		assert_int_equal(scene_figures(s).behind, 0);
		entry.id.ms = i + 1;
		entry.event = view_make(text, lengths[i]);
		struct batch batch = { .after = { i, 0 },
			.through = { i + 1, 0 },
			.entries = &entry,
			.count = 1 };
		hub_stream_feed(s->world.hub, 1, &batch, 0);
		hub_flush(s->world.hub, 0);
	}
	assert_int_equal(scene_figures(s).behind, 1);
}

static void
a_place_in_a_window_is_given_up_after_a_second(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	s->a.room = 1;
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 6);
	assert_int_equal(scene_figures(s).windows, 1);
	hub_tick(s->world.hub, 1000);
	assert_int_equal(scene_figures(s).windows, 1);
	hub_tick(s->world.hub, 1001);
	assert_int_equal(scene_figures(s).windows, 0);
	assert_int_equal(scene_figures(s).blocks, 0);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "open 1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 9-0 live:9-0/9");
}

static void
reads_under_way_are_bounded(void **state)
{
	struct scene *s = *state;
	struct listener many[8];
	for (uint64_t i = 0; i < 8; i++) {
		char key[8];
		snprintf(key, sizeof(key), "s%d", (int)i);
		struct model_stream *stream = world_stream(&s->world, key);
		scene_add(stream, 1, 9);
		listener_init(&many[i], &s->world);
		listener_subscribe(
		    &many[i], stream, 0, scene_after(0), true, false);
	}
	while (s->world.request_count > 0)
		world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 3);
	world_settle(&s->world);
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(many[i].events, 9);
		listener_fini(&many[i]);
	}
}

static void
blocked_windows_make_room_for_new_ones(void **state)
{
	struct scene *s = *state;
	struct listener many[8];
	for (uint64_t i = 0; i < 8; i++) {
		char key[8];
		snprintf(key, sizeof(key), "s%d", (int)i);
		struct model_stream *stream = world_stream(&s->world, key);
		scene_add(stream, 1, 9);
		listener_init(&many[i], &s->world);
		many[i].room = 1;
		listener_subscribe(
		    &many[i], stream, 0, scene_after(0), true, false);
	}
	world_settle(&s->world);
	assert_in_range(scene_figures(s).windows, 1, 6);
	assert_int_equal(scene_figures(s).behind, 8);
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(many[i].events, 6);
		listener_read(&many[i], -1);
	}
	world_settle(&s->world);
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(many[i].events, 9);
		listener_fini(&many[i]);
	}
}

static void
a_read_lost_with_redis_is_made_again(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 1);
	world_down(&s->world);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 0);
	assert_false(hub_is_dirty(s->world.hub));
	world_up(&s->world);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 2-0 3-0 live:3-0/2");
}

static void
a_read_that_failed_alone_is_made_again_after_a_tick(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	struct request lost = s->world.requests[0];
	s->world.request_count = 0;
	hub_window_failed(s->world.hub, lost.stream_id, lost.window_id);
	assert_false(hub_is_dirty(s->world.hub));
	hub_tick(s->world.hub, 100);
	assert_true(hub_is_dirty(s->world.hub));
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 2-0 3-0 live:3-0/2");
}

static void
an_empty_window_alone_is_not_the_tail(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	struct request request = s->world.requests[0];
	s->world.request_count = 0;
	struct batch empty = { .after = { 1, 0 }, .through = { 1, 0 } };
	hub_window(s->world.hub, request.stream_id, request.window_id, &empty,
	    false, 0);
	hub_flush(s->world.hub, 0);
	/* It brought nothing: asked again, but not in a circle. */
	assert_int_equal(s->world.request_count, 0);
	assert_string_equal(listener_log(&s->a), "open");
	hub_tick(s->world.hub, 100);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "2-0 3-0 live:3-0/2");
}

static void
an_entry_is_looked_at_for_the_first_time_once(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 20);
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	scene_add(s->stream, 21, 25);
	world_settle(&s->world); /* 21 to 25 live, before what is below */
	assert_int_equal(s->world.judge.first_looks, 5);
	listener_subscribe(&s->b, s->stream, 1, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.judged, 30);
	assert_int_equal(s->world.judge.first_looks, 25);
	hub_tick(s->world.hub, 1001); /* what was read is not kept any more */
	listener_subscribe(&s->c, s->stream, 1, scene_after(10), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.judged, 45);
	assert_int_equal(s->world.judge.first_looks, 25);
}

static void
what_was_looked_at_is_known_when_a_stream_is_followed_again(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	for (unsigned i = 0; i < 2; i++) {
		listener_subscribe(
		    &s->a, s->stream, 0, scene_after(0), true, false);
		world_settle(&s->world);
		hub_unsubscribe(s->world.hub, &s->a.subscription);
	}
	assert_int_equal(s->world.judge.judged, 18);
	assert_int_equal(s->world.judge.first_looks, 9);
	model_drop(s->stream);
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.first_looks, 12);
}

static void
after_a_reload_entries_are_looked_at_anew_once(void **state)
{
	struct scene *s = *state;
	const struct hub_options options = s->world.hub->options;
	scene_add(s->stream, 1, 10);
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.first_looks, 10);
	hub_reload(s->world.hub, &options, &s->world.contract);
	scene_add(s->stream, 11, 12);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.first_looks, 12);
	assert_int_equal(s->world.judge.anew_looks, 0);
	listener_subscribe(&s->b, s->stream, 1, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.anew_looks, 10);
	listener_subscribe(&s->c, s->stream, 1, scene_after(5), true, false);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.anew_looks, 10);
	assert_int_equal(s->world.judge.first_looks, 12);
}

static void
a_reload_counts_for_streams_that_nobody_follows_too(void **state)
{
	struct scene *s = *state;
	const struct hub_options options = s->world.hub->options;
	scene_add(s->stream, 1, 9);
	for (unsigned i = 0; i < 3; i++) {
		listener_subscribe(
		    &s->a, s->stream, 0, scene_after(0), true, false);
		world_settle(&s->world);
		hub_unsubscribe(s->world.hub, &s->a.subscription);
		if (i == 0)
			hub_reload(s->world.hub, &options, &s->world.contract);
	}
	assert_int_equal(s->world.judge.first_looks, 9);
	assert_int_equal(s->world.judge.anew_looks, 9);
}

static void
entries_that_nobody_stands_for_are_not_judged(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	scene_add(s->stream, 1, 30);
	world_settle(&s->world); /* held: falls behind */
	uint64_t judged = s->world.judge.judged;
	uint64_t unwatched = stat_get(&s->world.stats, events_unwatched);
	scene_add(s->stream, 31, 40);
	world_settle(&s->world);
	assert_int_equal(s->world.judge.judged, judged);
	assert_int_equal(
	    stat_get(&s->world.stats, events_unwatched), unwatched + 10);
	hub_release(s->world.hub, s->a.subscription);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	uint64_t looked_at = stat_get(&s->world.stats, events_read) +
	    stat_get(&s->world.stats, events_window);
	assert_int_equal(looked_at, s->world.judge.judged);
	assert_int_equal(looked_at, stat_get(&s->world.stats, events_framed));
}

static void
a_cursor_is_proven_by_an_entry_in_the_window(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	model_delete(s->stream, (struct entry_id){ 5, 0 });
	/* 5-0 lies in the window that is read for 2-0, but is not there. */
	listener_subscribe(&s->a, s->stream, 0, scene_after(2), true, false);
	listener_subscribe(&s->b, s->stream, 0, scene_after(5), true, false);
	listener_subscribe(&s->c, s->stream, 0, scene_after(6), true, false);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 2);
	assert_string_equal(listener_log(&s->b),
	    "open gap:deleted:5-0..5-18446744073709551615>6-0 "
	    "6-0 7-0 8-0 9-0 live:9-0/4");
	assert_string_equal(listener_log(&s->c), "open 7-0 8-0 9-0 live:9-0/3");
}

static void
the_furthest_behind_go_first_when_memory_is_short(void **state)
{
	static const struct hub_options options = { .subscriber_bytes = 10
		    << 20,
		.total_bytes = 4 * 65536,
		.run_bytes = 65536,
		.window_bytes = 65536,
		.windows_in_flight = 4 };
	struct scene *s = *state;
	world_fini(&s->world);
	world_init(&s->world, &options);
	s->stream = world_stream(&s->world, "long");
	struct model_stream *brief = world_stream(&s->world, "brief");
	s->a.room = 1;
	s->b.room = 1;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, brief, 0, LIVE, true, false);
	world_settle(&s->world);
	for (uint64_t i = 1; i <= 40; i++) {
		model_add(s->stream, i, 'a', 10000, ENTRY_ID_ZERO);
		if (i <= 3)
			model_add(brief, i, 'a', 10000, ENTRY_ID_ZERO);
		world_settle(&s->world);
		assert_true(
		    scene_figures(s).block_bytes <= options.total_bytes);
	}
	assert_int_equal(scene_figures(s).behind, 1);
	listener_read(&s->b, -1);
	world_settle(&s->world);
	assert_int_equal(s->b.events, 3);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
}

static void
a_pin_does_not_outlive_its_budget(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_true(world_read_request(&s->world, 0));
	scene_add(s->stream, 4, 60);
	while (world_feed(&s->world, s->stream))
		continue;
	hub_flush(s->world.hub, 0);
	assert_int_equal(scene_figures(s).blocks, 0);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 59);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(a_replay_of_many_windows_ends_live),
		SCENE(one_window_serves_all_whose_cursors_lie_in_it),
		SCENE(one_window_serves_all_who_ask_since_then),
		SCENE(a_replay_converges_although_events_keep_coming),
		SCENE(frames_that_a_window_has_brought_are_passed_over),
		SCENE(a_slow_subscriber_costs_a_cursor_and_joins_again),
		SCENE(the_budget_is_exact),
		SCENE(a_place_in_a_window_is_given_up_after_a_second),
		SCENE(reads_under_way_are_bounded),
		SCENE(blocked_windows_make_room_for_new_ones),
		SCENE(a_read_lost_with_redis_is_made_again),
		SCENE(a_read_that_failed_alone_is_made_again_after_a_tick),
		SCENE(an_empty_window_alone_is_not_the_tail),
		SCENE(an_entry_is_looked_at_for_the_first_time_once),
		SCENE(
		    what_was_looked_at_is_known_when_a_stream_is_followed_again),
		SCENE(after_a_reload_entries_are_looked_at_anew_once),
		SCENE(a_reload_counts_for_streams_that_nobody_follows_too),
		SCENE(entries_that_nobody_stands_for_are_not_judged),
		SCENE(a_cursor_is_proven_by_an_entry_in_the_window),
		SCENE(the_furthest_behind_go_first_when_memory_is_short),
		SCENE(a_pin_does_not_outlive_its_budget),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
