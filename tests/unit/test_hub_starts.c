/* SPDX-License-Identifier: MIT */

/* Where a subscriber begins: live, behind a cursor or a point in time, held,
 * and what a seek does. */

#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct start LIVE = { .kind = START_LIVE };

static void
in_an_open_stream_the_start_is_fixed_at_once(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	scene_add(s->stream, 1, 1); /* before Redis was asked for the info */
	assert_true(world_feed(&s->world, s->stream));
	hub_flush(s->world.hub, 0);
	assert_string_equal(listener_log(&s->b), "");
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 1-0");
}

static void
many_who_come_at_once_are_one_inspection(void **state)
{
	struct scene *s = *state;
	struct listener many[20];
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	for (size_t i = 0; i < 20; i++) {
		listener_init(&many[i], &s->world);
		listener_subscribe(
		    &many[i], s->stream, i % 2, LIVE, true, false);
	}
	assert_int_equal(s->world.request_count, 1);
	world_settle(&s->world);
	for (size_t i = 0; i < 20; i++) {
		assert_string_equal(listener_log(&many[i]), "open live:0-0/0");
		listener_fini(&many[i]);
	}
}

static void
held_is_told_its_position_and_nothing_else(void **state)
{
	struct scene *s = *state;
	struct entry_id position;
	scene_add(s->stream, 1, 1);
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	scene_add(s->stream, 2, 2);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:1-0/0");
	assert_true(hub_position(s->a.subscription, &position));
	assert_int_equal(position.ms, 1);
	hub_release(s->world.hub, s->a.subscription);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "2-0");
}

static void
held_falls_behind_by_budget_and_misses_nothing(void **state)
{
	struct scene *s = *state;
	struct hub_figures figures;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	for (uint64_t i = 1; i <= 60; i++)
		scene_add(s->stream, i, i);
	world_settle(&s->world);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.behind, 1);
	assert_int_equal(figures.blocks, 0);
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
	hub_release(s->world.hub, s->a.subscription);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 60);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.behind, 0);
}

static void
a_seek_replays_and_then_goes_live(void **state)
{
	struct scene *s = *state;
	for (uint64_t i = 1; i <= 4; i++)
		scene_add(s->stream, i, i);
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:4-0/0");
	hub_seek(s->world.hub, s->a.subscription, (struct entry_id){ 2, 0 });
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "3-0 4-0 live:4-0/2");
	scene_add(s->stream, 5, 5);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "5-0");
}

static void
a_seek_back_within_the_only_block_finds_it_there(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	scene_add(s->stream, 1, 1);
	scene_add(s->stream, 2, 2);
	world_settle(&s->world);
	listener_log(&s->a);
	hub_seek(s->world.hub, s->a.subscription, ENTRY_ID_ZERO);
	hub_seek(s->world.hub, s->a.subscription, ENTRY_ID_ZERO);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "1-0 2-0 live:2-0/2");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
}

static void
a_seek_before_the_stream_was_opened_counts(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 1);
	scene_add(s->stream, 2, 2);
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	hub_seek(s->world.hub, s->a.subscription, (struct entry_id){ 1, 0 });
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 2-0 live:2-0/1");
}

static void
held_after_a_cursor_replays_when_released(void **state)
{
	struct scene *s = *state;
	for (uint64_t i = 1; i <= 4; i++)
		scene_add(s->stream, i, i);
	listener_subscribe(&s->a, s->stream, 0, scene_after(2), true, true);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:2-0/0");
	hub_release(s->world.hub, s->a.subscription);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "3-0 4-0 live:4-0/2");
}

static void
a_cursor_at_the_tail_needs_no_read(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 1);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:1-0/0");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
}

static void
a_cursor_that_the_chain_holds_needs_no_read(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world); /* full after live: keeps what comes */
	for (uint64_t i = 1; i <= 6; i++)
		model_add(s->stream, i, "aannna"[i - 1], 50, ENTRY_ID_ZERO);
	world_settle(&s->world);
	listener_subscribe(&s->b, s->stream, 0, scene_after(2), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 6-0 live:6-0/1");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
	hub_unsubscribe(s->world.hub, &s->b.subscription);
	/* Within what it holds, but not written down: only Redis knows. */
	listener_subscribe(&s->b, s->stream, 0, scene_after(4), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 6-0 live:6-0/1");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 1);
}

static void
since_is_inclusive_and_clamped_to_the_tail(void **state)
{
	struct scene *s = *state;
	struct start since = { .kind = START_SINCE, .since_ms = 3 };
	for (uint64_t i = 1; i <= 4; i++)
		scene_add(s->stream, i, i);
	listener_subscribe(&s->a, s->stream, 0, since, true, false);
	since.since_ms = 5;
	listener_subscribe(&s->b, s->stream, 0, since, true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 3-0 4-0 live:4-0/2");
	assert_string_equal(listener_log(&s->b), "open live:4-0/0");
}

static void
asked_while_redis_is_away_live_means_since_then(void **state)
{
	struct scene *s = *state;
	s->world.now_ms = 1000;
	world_add(&s->world, s->stream, 'a'); /* before it asked */
	s->world.now_ms = 2000;
	world_down(&s->world);
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	s->world.now_ms = 2100;
	world_add(&s->world, s->stream, 'a');
	s->world.now_ms = 2110; /* however soon it comes back */
	world_up(&s->world);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 1);
	assert_string_equal(
	    listener_log(&s->a), "open 1700000002100-0 live:1700000002100-0/1");
}

static void
opened_in_time_live_means_the_tail_of_then(void **state)
{
	struct scene *s = *state;
	s->world.now_ms = 2000;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_add(&s->world, s->stream, 'a');
	s->world.now_ms = 2250;
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:1700000002000-0/0");
}

static void
opened_again_a_live_subscriber_is_not_disturbed(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	scene_add(s->stream, 1, 1);
	world_settle(&s->world);
	world_down(&s->world);
	scene_add(s->stream, 2, 2);
	world_up(&s->world);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0 2-0");
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(in_an_open_stream_the_start_is_fixed_at_once),
		SCENE(many_who_come_at_once_are_one_inspection),
		SCENE(held_is_told_its_position_and_nothing_else),
		SCENE(held_falls_behind_by_budget_and_misses_nothing),
		SCENE(a_seek_replays_and_then_goes_live),
		SCENE(a_seek_back_within_the_only_block_finds_it_there),
		SCENE(a_seek_before_the_stream_was_opened_counts),
		SCENE(held_after_a_cursor_replays_when_released),
		SCENE(a_cursor_at_the_tail_needs_no_read),
		SCENE(a_cursor_that_the_chain_holds_needs_no_read),
		SCENE(since_is_inclusive_and_clamped_to_the_tail),
		SCENE(asked_while_redis_is_away_live_means_since_then),
		SCENE(opened_in_time_live_means_the_tail_of_then),
		SCENE(opened_again_a_live_subscriber_is_not_disturbed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
