/* SPDX-License-Identifier: MIT */

/*
 * Redis restored an older copy while a window was read further than the live
 * feed had come: the feed's own entry is in the copy, so it notices nothing.
 */

#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* The stream was opened with 1-0 to 3-0 in it; a window is asked for. */
static void
resume(struct scene *s, uint64_t after_ms)
{
	scene_add(s->stream, 1, 3);
	listener_subscribe(
	    &s->a, s->stream, 0, scene_after(after_ms), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 1);
}

static void
feed_all(struct scene *s)
{
	while (world_feed(&s->world, s->stream))
		continue;
}

static void
a_window_ends_where_the_live_feed_had_come(void **state)
{
	struct scene *s = *state;
	resume(s, 1);
	scene_add(s->stream, 4, 5);
	world_read_request(&s->world, 0);
	model_rewind(s->stream, 2);
	scene_add(s->stream, 6, 6);
	feed_all(s);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 2-0 3-0 6-0 live:6-0/3");
}

static void
who_is_slow_in_such_a_window_gets_nothing_of_the_lost_life(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	resume(s, 1);
	scene_add(s->stream, 4, 5);
	world_answer_request(&s->world, 0);
	model_rewind(s->stream, 2);
	model_add(s->stream, 4, 'a', 50, ENTRY_ID_ZERO);
	scene_add(s->stream, 6, 6);
	feed_all(s);
	hub_flush(s->world.hub, 0);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->a), "open 2-0 3-0 4-0 6-0 live:6-0/4");
}

/* The window is of the new life, the feed still of the old one. */
static void
a_window_without_what_the_feed_had_does_not_end_there(void **state)
{
	struct scene *s = *state;
	resume(s, 1);
	model_rewind(s->stream, 1);
	scene_add(s->stream, 4, 4);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_string_equal(listener_log(&s->a), "open 2-0 4-0 live:4-0/2");
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "gap:rewound:4-0..0-0>1-0 1-0 2-0 4-0 live:4-0/3");
}

/* With a cursor of another node, which knew more; the feed is at 3-0. */
static void
resume_ahead(struct scene *s)
{
	scene_add(s->stream, 1, 3);
	listener_subscribe(&s->a, s->stream, 0, scene_after(5), true, false);
	world_answer_request(&s->world, 0);
	scene_add(s->stream, 4, 6);
	hub_flush(s->world.hub, 0);
	world_read_request(&s->world, 0);
}

static void
who_came_with_more_than_the_feed_had_is_proven_when_the_feed_went_by(
    void **state)
{
	struct scene *s = *state;
	resume_ahead(s);
	model_rewind(s->stream, 3);
	scene_add(s->stream, 7, 7);
	feed_all(s);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "open 6-0 gap:rewound:6-0..0-0>1-0 1-0 2-0 3-0 7-0 live:7-0/4");
}

static void
what_the_feed_has_met_is_proven(void **state)
{
	struct scene *s = *state;
	resume_ahead(s);
	scene_add(s->stream, 7, 7);
	feed_all(s);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 6-0 7-0 live:7-0/2");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 1);
}

/* Nor could Redis tell: what the feed has last read is in the copy. A refused
 * entry is the first that is heard of the new life. */
static void
what_was_lost_before_anybody_had_read_it_is_not_missed(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 3);
	scene_resume(s, &s->a, 3);
	world_settle(&s->world);
	scene_add(s->stream, 4, 5);
	model_rewind(s->stream, 2);
	model_add(s->stream, 6, 'n', 50, ENTRY_ID_ZERO);
	model_add(s->stream, 7, 'r', 50, ENTRY_ID_ZERO);
	scene_add(s->stream, 8, 8);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "open live:3-0/0 gap:dead_lettered:6-0..7-0>8-0 8-0");
}

/* There is no key then; the source asks once and waits. */
static void
a_copy_from_before_the_first_entry_is_told_once(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 5);
	scene_resume(s, &s->a, 3);
	model_trim(s->stream, 2);
	model_rewind(s->stream, 1);
	world_settle(&s->world);
	listener_log(&s->a);
	model_rewind(s->stream, 4);
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->a), "gap:recreated:4-0..0-0 live:0-0/0");
	scene_add(s->stream, 6, 6);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "6-0");
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(a_window_ends_where_the_live_feed_had_come),
		SCENE(
		    who_is_slow_in_such_a_window_gets_nothing_of_the_lost_life),
		SCENE(a_window_without_what_the_feed_had_does_not_end_there),
		SCENE(
		    who_came_with_more_than_the_feed_had_is_proven_when_the_feed_went_by),
		SCENE(what_the_feed_has_met_is_proven),
		SCENE(what_was_lost_before_anybody_had_read_it_is_not_missed),
		SCENE(a_copy_from_before_the_first_entry_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
