/* SPDX-License-Identifier: MIT */

/* Windows that are read ahead for who is fast, and kept for who comes next. */

#include "hub_parts.h"
#include "hub_world.h"

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

struct scene {
	struct world world;
	struct model_stream *stream;
	struct listener a;
	struct listener b;
	struct listener c;
};

static struct start
after(uint64_t ms)
{
	return (struct start){ .kind = START_AFTER, .after = { ms, 0 } };
}

static void
add(struct scene *s, uint64_t from, uint64_t to)
{
	for (uint64_t ms = from; ms <= to; ms++)
		model_add(s->stream, ms, 'a', 50, ENTRY_ID_ZERO);
}

static int
set_up(void **state)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));
	world_init(&scene->world, &ROOMY);
	scene->stream = world_stream(&scene->world, "key");
	listener_init(&scene->a, &scene->world);
	listener_init(&scene->b, &scene->world);
	listener_init(&scene->c, &scene->world);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;
	listener_fini(&scene->a);
	listener_fini(&scene->b);
	listener_fini(&scene->c);
	world_fini(&scene->world);
	test_free(scene);
	return 0;
}

static uint64_t
windows_read(struct scene *s)
{
	return stat_get(&s->world.stats, windows_read);
}

static struct hub_figures
figures(struct scene *s)
{
	struct hub_figures now;
	hub_figures(s->world.hub, &now);
	return now;
}

static void
resume(struct scene *s, struct listener *listener, uint64_t ms)
{
	listener_subscribe(listener, s->stream, 0, after(ms), true, false);
}

/* Answers what was asked, and serves. */
static void
turn(struct scene *s)
{
	if (s->world.request_count > 0)
		world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, s->world.now_ms);
	hub_check(s->world.hub);
}

/* Opened, the first window read and gone through: it is known to be fast. */
static void
begin_fast(struct scene *s, struct listener *listener)
{
	resume(s, listener, 0);
	turn(s);
	turn(s);
	assert_int_equal(listener->events, 6);
	assert_int_equal(s->world.request_count, 1);
}

static void
who_is_fast_has_the_next_window_read_while_it_gets_this_one(void **state)
{
	struct scene *s = *state;
	add(s, 1, 40);
	begin_fast(s, &s->a);
	/* The answer alone, nothing sent yet: the read behind it is out. */
	world_answer_request(&s->world, 0);
	assert_int_equal(s->a.events, 6);
	assert_int_equal(s->world.request_count, 1);
	assert_int_equal(s->world.requests[0].after.ms, 12);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	assert_int_equal(windows_read(s), 7);
	assert_non_null(strstr(listener_log(&s->a), " 40-0 live:40-0/40"));
}

static void
nothing_is_read_ahead_for_who_is_slow(void **state)
{
	struct scene *s = *state;
	add(s, 1, 40);
	s->a.room = 1;
	resume(s, &s->a, 0);
	turn(s);
	turn(s);
	s->world.now_ms += HUB_FAST_MS + 1;
	listener_read(&s->a, -1);
	turn(s); /* through the window now, but it took its time */
	assert_int_equal(s->world.request_count, 1);
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 0);
	assert_int_equal(figures(s).windows, 2); /* the one before is kept */
	hub_tick(s->world.hub, s->world.now_ms += HUB_KEEP_MS + 1);
	assert_int_equal(figures(s).windows, 1);
}

/* It is blocked in the middle: what was read ahead waits for it, no more. */
static void
one_window_ahead_is_the_most(void **state)
{
	struct scene *s = *state;
	add(s, 1, 60);
	begin_fast(s, &s->a);
	s->a.room = 1;
	for (unsigned i = 0; i < 5; i++)
		turn(s);
	assert_int_equal(s->world.request_count, 0);
	assert_int_equal(s->a.events, 6 + 3);
	assert_in_range(figures(s).windows, 2, 3);
	listener_read(&s->a, -1);
	/* The rest, then the next window, which is there: as soon as it is
	 * entered, and no sooner, the one behind it is asked for. */
	uint64_t read = windows_read(s);
	turn(s);
	turn(s);
	assert_int_equal(s->a.events, 24);
	assert_int_equal(windows_read(s), read + 2);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 60);
	assert_int_equal(windows_read(s), 10);
}

static void
who_waits_for_a_read_goes_before_what_is_read_ahead(void **state)
{
	struct scene *s = *state;
	add(s, 1, 90);
	begin_fast(s, &s->a);
	resume(s, &s->b, 50);
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
	add(s, 1, 40);
	listener_subscribe(&s->c, s->stream, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	turn(s);
	begin_fast(s, &s->a);
	world_answer_request(&s->world, 0);
	assert_int_equal(s->world.request_count, 1);
	hub_unsubscribe(s->world.hub, &s->a.subscription);
	uint64_t judged = s->world.judge.judged;
	turn(s);
	assert_int_equal(s->world.judge.judged, judged);
	assert_int_equal(s->world.request_count, 0);
}

static void
what_was_read_ahead_goes_with_the_source(void **state)
{
	struct scene *s = *state;
	add(s, 1, 40);
	begin_fast(s, &s->a);
	s->a.room = 1;
	turn(s);
	turn(s);
	assert_true(figures(s).windows >= 2);
	world_down(&s->world);
	assert_int_equal(figures(s).windows, 1); /* somebody stands in it */
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
	add(s, 1, 40);
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
	add(s, 1, 6);
	resume(s, &s->a, 0);
	turn(s);
	world_answer_request(&s->world, 0);
	hub_tick(s->world.hub, ++s->world.now_ms);
	hub_flush(s->world.hub, s->world.now_ms);
	assert_int_equal(s->a.events, 6);
	hub_tick(s->world.hub, ++s->world.now_ms);
	assert_int_equal(figures(s).block_bytes, 0);
}

static void
who_comes_a_moment_later_needs_no_read(void **state)
{
	struct scene *s = *state;
	add(s, 1, 9);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_int_equal(windows_read(s), 2);
	s->world.now_ms += HUB_KEEP_MS;
	resume(s, &s->b, 0);
	resume(s, &s->c, 4);
	world_settle(&s->world);
	assert_int_equal(windows_read(s), 2);
	assert_string_equal(listener_log(&s->b),
	    "open 1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 9-0 live:9-0/9");
	assert_string_equal(
	    listener_log(&s->c), "open 5-0 6-0 7-0 8-0 9-0 live:9-0/5");
}

static void
what_was_read_is_kept_for_a_moment_only(void **state)
{
	struct scene *s = *state;
	add(s, 1, 9);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_true(figures(s).blocks > 0);
	hub_tick(s->world.hub, s->world.now_ms += HUB_KEEP_MS + 1);
	assert_int_equal(figures(s).blocks, 0);
	assert_int_equal(figures(s).windows, 0);
	resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_int_equal(windows_read(s), 4);
}

static void
of_windows_that_one_alone_has_used_two_are_kept(void **state)
{
	struct scene *s = *state;
	add(s, 1, 60);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_int_equal(figures(s).windows, HUB_KEEP_ALONE);
}

/* However many windows they need: each finds more of them kept. */
static void
those_who_come_one_by_one_need_ever_fewer_reads(void **state)
{
	struct scene *s = *state;
	add(s, 1, 30);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	uint64_t first = windows_read(s);
	resume(s, &s->b, 0);
	world_settle(&s->world);
	uint64_t second = windows_read(s) - first;
	resume(s, &s->c, 0);
	world_settle(&s->world);
	uint64_t third = windows_read(s) - first - second;
	assert_int_equal(first, 5);
	assert_int_equal(second, first - HUB_KEEP_ALONE);
	assert_int_equal(third, second - HUB_KEEP_ALONE);
	assert_int_equal(s->c.events, 30);
}

static void
windows_that_were_shared_are_kept_all(void **state)
{
	struct scene *s = *state;
	add(s, 1, 30);
	resume(s, &s->a, 0);
	resume(s, &s->b, 0);
	world_settle(&s->world);
	uint64_t read = windows_read(s);
	assert_int_equal(read, 5);
	resume(s, &s->c, 0);
	world_settle(&s->world);
	assert_int_equal(s->c.events, 30);
	assert_int_equal(windows_read(s), read);
}

/* What Redis says when one begins decides whether it may have what was read
 * before: else it would not hear of the gap. */
static void
who_comes_after_something_was_trimmed_hears_of_it(void **state)
{
	struct scene *s = *state;
	add(s, 1, 5);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	model_trim(s->stream, 2);
	resume(s, &s->b, 0);
	resume(s, &s->c, 2);
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
	add(s, 1, 5);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	model_delete(s->stream, (struct entry_id){ 3, 0 });
	resume(s, &s->b, 1);
	resume(s, &s->c, 3);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 2-0 4-0 5-0 live:5-0/3");
	assert_non_null(strstr(listener_log(&s->c), "gap:deleted:3-0.."));
}

static void
who_comes_after_the_stream_began_anew_gets_the_new_one(void **state)
{
	struct scene *s = *state;
	add(s, 1, 5);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	model_drop(s->stream);
	add(s, 11, 13);
	resume(s, &s->b, 0);
	while (s->world.request_count > 0)
		turn(s); /* before the feed has noticed */
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
	add(s, 1, 9);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	model_rewind(s->stream, 5);
	resume(s, &s->b, 2);
	turn(s);
	turn(s);
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
	add(s, 1, 20);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	s->b.room = 1;
	resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 1-0 2-0 3-0");
	model_rewind(s->stream, 14);
	add(s, 30, 31);
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
	add(s, 1, 5);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	uint64_t read = windows_read(s);
	hub_reload(s->world.hub, &ROOMY, &s->world.contract);
	assert_int_equal(figures(s).windows, 0);
	resume(s, &s->b, 0);
	world_settle(&s->world);
	assert_int_equal(windows_read(s), read + 1);
}

static void
what_is_kept_makes_room_for_who_is_there(void **state)
{
	struct scene *s = *state;
	struct hub_options options = ROOMY;
	options.total_bytes = BLOCK_BYTES / 2;
	add(s, 1, 9);
	resume(s, &s->a, 0);
	world_settle(&s->world);
	assert_true(figures(s).blocks > 0);
	s->world.hub->options = options;
	hub_flush(s->world.hub, 0);
	assert_int_equal(figures(s).blocks, 0);
}

static size_t
asked_bytes(struct scene *s, struct listener *listener)
{
	resume(s, listener, 1);
	turn(s);
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
	add(s, 1, 5);
	assert_int_equal(asked_bytes(s, &s->a), ROOMY.window_bytes);
	listener_init(&live, &s->world);
	listener_subscribe(&live, lively, 0,
	    (struct start){ .kind = START_LIVE }, true, false);
	world_settle(&s->world);
	model_add(lively, 1, 'a', 50, ENTRY_ID_ZERO);
	world_settle(&s->world);
	hub_tick(s->world.hub, s->world.now_ms += HUB_LIVELY_MS - 1);
	model_trim(s->stream, 4); /* what is kept is of no use */
	assert_int_equal(asked_bytes(s, &s->b), ROOMY.window_bytes / 2);
	hub_tick(s->world.hub, ++s->world.now_ms);
	assert_int_equal(asked_bytes(s, &s->c), ROOMY.window_bytes);
	listener_fini(&live);
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
		resume(s, &crowd[i], 0);
	}
	turn(s);
	turn(s);
	assert_in_range(served(crowd), 4, 5);
	assert_true(hub_is_dirty(s->world.hub));
	model_add(lively, 1, 'a', 50, ENTRY_ID_ZERO);
	world_feed(&s->world, lively);
	turn(s);
	assert_int_equal(s->a.events, 1);
	assert_in_range(served(crowd), 8, 10);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(crowd[i].events, 6);
		listener_fini(&crowd[i]);
	}
	assert_int_equal(windows_read(s), 1);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
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
		SCENE(windows_are_small_while_live_events_flow),
		SCENE(a_crowd_that_comes_back_leaves_time_for_who_is_live),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
