/* SPDX-License-Identifier: MIT */

/* Windows that are read ahead for who is fast, and kept for who comes next. */

#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

/* A window holds six entries of a stream, a write three. */
static const struct hub_options ROOMY = { .subscriber_bytes = 2000,
	.total_bytes = 4 << 20,
	.run_bytes = 300,
	.window_bytes = 460,
	.windows_in_flight = 8 };

static int
set_up(void **state)
{
	return scene_begin_with(state, &ROOMY);
}

/* Opened, the first window read and gone through: it is known to be fast. */
static void
begin_fast(struct scene *s, struct listener *listener)
{
	scene_resume(s, listener, 0);
	scene_turn(s);
	scene_turn(s);
	assert_int_equal(listener->events, 6);
	assert_int_equal(s->world.request_count, 1);
}

static void
who_is_fast_has_the_next_window_read_while_it_gets_this_one(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 40);
	begin_fast(s, &s->a);
	/* The answer alone, nothing sent yet: the read behind it is out. */
	world_answer_request(&s->world, 0);
	assert_int_equal(s->a.events, 6);
	assert_int_equal(s->world.request_count, 1);
	assert_int_equal(s->world.requests[0].after.ms, 12);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	assert_int_equal(scene_windows_read(s), 7);
	assert_non_null(strstr(listener_log(&s->a), " 40-0 live:40-0/40"));
}

static void
nothing_is_read_ahead_for_who_is_slow(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 40);
	s->a.room = 1;
	scene_resume(s, &s->a, 0);
	scene_turn(s);
	scene_turn(s);
	s->world.now_ms += HUB_FAST_MS + 1;
	listener_read(&s->a, -1);
	scene_turn(s); /* through the window now, but it took its time */
	assert_int_equal(s->world.request_count, 1);
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 0);
	assert_int_equal(
	    scene_figures(s).windows, 2); /* the one before is kept */
	hub_tick(s->world.hub, s->world.now_ms += HUB_KEEP_MS + 1);
	assert_int_equal(scene_figures(s).windows, 1);
}

/* It is blocked in the middle: what was read ahead waits for it, no more. */
static void
one_window_ahead_is_the_most(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 60);
	begin_fast(s, &s->a);
	s->a.room = 1;
	for (unsigned i = 0; i < 5; i++)
		scene_turn(s);
	assert_int_equal(s->world.request_count, 0);
	assert_int_equal(s->a.events, 6 + 3);
	assert_in_range(scene_figures(s).windows, 2, 3);
	listener_read(&s->a, -1);
	/* The rest, then the next window, which is there: as soon as it is
	 * entered, and no sooner, the one behind it is asked for. */
	uint64_t read = scene_windows_read(s);
	scene_turn(s);
	scene_turn(s);
	assert_int_equal(s->a.events, 24);
	assert_int_equal(scene_windows_read(s), read + 2);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 60);
	assert_int_equal(scene_windows_read(s), 10);
}

static void
who_waits_for_a_read_goes_before_what_is_read_ahead(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 90);
	begin_fast(s, &s->a);
	scene_resume(s, &s->b, 50);
	world_answer_request(&s->world, 1); /* b is opened, and waits */
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 1);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 90);
	assert_int_equal(s->b.events, 40);
}

static void
a_read_ahead_that_nobody_needs_any_more_is_not_looked_at(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 40);
	listener_subscribe(&s->c, s->stream, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	scene_turn(s);
	begin_fast(s, &s->a);
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 1);
	hub_unsubscribe(s->world.hub, &s->a.subscription);
	uint64_t judged = s->world.judge.judged;
	scene_turn(s);
	assert_int_equal(s->world.judge.judged, judged);
	assert_int_equal(s->world.request_count, 0);
}

static void
what_was_read_ahead_goes_with_the_source(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 40);
	begin_fast(s, &s->a);
	s->a.room = 1;
	scene_turn(s);
	scene_turn(s);
	assert_true(scene_figures(s).windows >= 2);
	world_down(&s->world);
	assert_int_equal(
	    scene_figures(s).windows, 1); /* somebody stands in it */
	world_up(&s->world);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	assert_non_null(strstr(listener_log(&s->a), " 40-0 live:40-0/40"));
}

static void
memory_that_is_short_is_not_spent_on_reading_ahead(void **state)
{
	struct scene *s = *state;
	struct hub_options options = ROOMY;
	options.total_bytes = 2 * BLOCK_BYTES;
	hub_reload(s->world.hub, &options, &s->world.contract);
	scene_add(s->stream, 1, 40);
	begin_fast(s, &s->a);
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 0);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
}

static void
memory_that_is_short_leaves_what_was_read_to_who_waits_for_it(void **state)
{
	struct scene *s = *state;
	struct hub_options options = ROOMY;
	options.total_bytes = BLOCK_BYTES - 1;
	hub_reload(s->world.hub, &options, &s->world.contract);
	scene_add(s->stream, 1, 6);
	scene_resume(s, &s->a, 0);
	scene_turn(s);
	world_answer_request(&s->world, 0);
	hub_tick(s->world.hub, ++s->world.now_ms);
	hub_flush(s->world.hub, s->world.now_ms);
	assert_int_equal(s->a.events, 6);
	hub_tick(s->world.hub, ++s->world.now_ms);
	assert_int_equal(scene_figures(s).block_bytes, 0);
}

static void
who_comes_a_moment_later_needs_no_read(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 2);
	s->world.now_ms += HUB_KEEP_MS;
	scene_resume(s, &s->b, 0);
	scene_resume(s, &s->c, 4);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 2);
	assert_string_equal(listener_log(&s->b),
	    "open 1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 9-0 live:9-0/9");
	assert_string_equal(
	    listener_log(&s->c), "open 5-0 6-0 7-0 8-0 9-0 live:9-0/5");
}

static void
what_was_read_is_kept_for_a_moment_only(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_true(scene_figures(s).blocks > 0);
	hub_tick(s->world.hub, s->world.now_ms += HUB_KEEP_MS + 1);
	assert_int_equal(scene_figures(s).blocks, 0);
	assert_int_equal(scene_figures(s).windows, 0);
	scene_resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), 4);
}

static void
of_windows_that_one_alone_has_used_two_are_kept(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 60);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_int_equal(scene_figures(s).windows, HUB_KEEP_ALONE);
}

/* However many windows they need: each finds more of them kept. */
static void
those_who_come_one_by_one_need_ever_fewer_reads(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 30);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	uint64_t first = scene_windows_read(s);
	scene_resume(s, &s->b, 0);
	world_settle(&s->world);
	uint64_t second = scene_windows_read(s) - first;
	scene_resume(s, &s->c, 0);
	world_settle(&s->world);
	uint64_t third = scene_windows_read(s) - first - second;
	assert_int_equal(first, 5);
	assert_int_equal(second, first - HUB_KEEP_ALONE);
	assert_int_equal(third, second - HUB_KEEP_ALONE);
	assert_int_equal(s->c.events, 30);
}

static void
windows_that_were_shared_are_kept_all(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 30);
	scene_resume(s, &s->a, 0);
	scene_resume(s, &s->b, 0);
	world_settle(&s->world);
	uint64_t read = scene_windows_read(s);
	assert_int_equal(read, 5);
	scene_resume(s, &s->c, 0);
	world_settle(&s->world);
	assert_int_equal(s->c.events, 30);
	assert_int_equal(scene_windows_read(s), read);
}

/* What Redis says when one begins decides whether it may have what was read
 * before: else it would not hear of the gap. */
static void
who_comes_after_something_was_trimmed_hears_of_it(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 5);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	model_trim(s->stream, 2);
	scene_resume(s, &s->b, 0);
	scene_resume(s, &s->c, 2);
	world_settle(&s->world);
	assert_non_null(strstr(listener_log(&s->b), "gap:trimmed:0-0.."));
	assert_non_null(strstr(listener_log(&s->c), "gap:trimmed:2-0.."));
	assert_int_equal(s->b.events, 2);
	assert_int_equal(s->c.events, 2);
}

static void
who_comes_after_something_was_deleted_does_not_get_it(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 5);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	model_delete(s->stream, (struct entry_id){ 3, 0 });
	scene_resume(s, &s->b, 1);
	scene_resume(s, &s->c, 3);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 2-0 4-0 5-0 live:5-0/3");
	assert_non_null(strstr(listener_log(&s->c), "gap:deleted:3-0.."));
}

static void
who_comes_after_the_stream_began_anew_gets_the_new_one(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 5);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	model_drop(s->stream);
	scene_add(s->stream, 11, 13);
	scene_resume(s, &s->b, 0);
	while (s->world.request_count > 0)
		scene_turn(s); /* before the feed has noticed */
	assert_null(strstr(listener_log(&s->b), " 1-0 "));
	world_settle(&s->world);
	assert_non_null(strstr(listener_log(&s->b), " 13-0 "));
}

/* The window it goes on from ends at an id that both lives have. */
/* The live feed has not noticed yet. */
static void
who_comes_after_a_restore_gets_nothing_that_was_lost(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 9);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	model_rewind(s->stream, 5);
	scene_resume(s, &s->b, 2);
	scene_turn(s);
	scene_turn(s);
	assert_string_equal(listener_log(&s->b), "open 3-0 4-0");
	world_settle(&s->world);
	hub_tick(s->world.hub, ++s->world.now_ms);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "live:4-0/2");
	assert_non_null(strstr(listener_log(&s->a), "gap:rewound:9-0.."));
}

static void
nobody_goes_on_to_a_window_of_an_earlier_life(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 20);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	s->b.room = 1;
	scene_resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 1-0 2-0 3-0");
	model_rewind(s->stream, 14);
	scene_add(s->stream, 30, 31);
	assert_true(world_feed(&s->world, s->stream));
	listener_read(&s->b, -1);
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->b), "4-0 5-0 6-0 30-0 31-0 live:31-0/8");
}

static void
a_reload_lets_nobody_have_what_was_judged_before_it(void **state)
{
	struct scene *s = *state;
	scene_add(s->stream, 1, 5);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	uint64_t read = scene_windows_read(s);
	hub_reload(s->world.hub, &ROOMY, &s->world.contract);
	assert_int_equal(scene_figures(s).windows, 0);
	scene_resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_int_equal(scene_windows_read(s), read + 1);
}

static void
what_is_kept_makes_room_for_who_is_there(void **state)
{
	struct scene *s = *state;
	struct hub_options options = ROOMY;
	options.total_bytes = BLOCK_BYTES / 2;
	scene_add(s->stream, 1, 9);
	scene_resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_true(scene_figures(s).blocks > 0);
	s->world.hub->options = options;
	hub_flush(s->world.hub, 0);
	assert_int_equal(scene_figures(s).blocks, 0);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(
		    who_is_fast_has_the_next_window_read_while_it_gets_this_one),
		SCENE(nothing_is_read_ahead_for_who_is_slow),
		SCENE(one_window_ahead_is_the_most),
		SCENE(who_waits_for_a_read_goes_before_what_is_read_ahead),
		SCENE(a_read_ahead_that_nobody_needs_any_more_is_not_looked_at),
		SCENE(what_was_read_ahead_goes_with_the_source),
		SCENE(memory_that_is_short_is_not_spent_on_reading_ahead),
		SCENE(
		    memory_that_is_short_leaves_what_was_read_to_who_waits_for_it),
		SCENE(who_comes_a_moment_later_needs_no_read),
		SCENE(what_was_read_is_kept_for_a_moment_only),
		SCENE(of_windows_that_one_alone_has_used_two_are_kept),
		SCENE(those_who_come_one_by_one_need_ever_fewer_reads),
		SCENE(windows_that_were_shared_are_kept_all),
		SCENE(who_comes_after_something_was_trimmed_hears_of_it),
		SCENE(who_comes_after_something_was_deleted_does_not_get_it),
		SCENE(who_comes_after_the_stream_began_anew_gets_the_new_one),
		SCENE(who_comes_after_a_restore_gets_nothing_that_was_lost),
		SCENE(nobody_goes_on_to_a_window_of_an_earlier_life),
		SCENE(a_reload_lets_nobody_have_what_was_judged_before_it),
		SCENE(what_is_kept_makes_room_for_who_is_there),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
