/* SPDX-License-Identifier: MIT */
#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define MAX_SEQ "18446744073709551615"

static const struct start LIVE = { .kind = START_LIVE };

/* One entry for each letter, from `ms` on. */
static void
add(struct model_stream *stream, uint64_t ms, const char *kinds)
{
	for (; *kinds != '\0'; kinds++, ms++)
		model_add(stream, ms, *kinds, 50, ENTRY_ID_ZERO);
}

/* a knows notices, b does not. */
static void
subscribe_both(struct scene *scene, struct start start)
{
	listener_subscribe(&scene->a, scene->stream, 0, start, true, false);
	listener_subscribe(&scene->b, scene->stream, 0, start, false, false);
	world_settle(&scene->world);
}

static void
expect(struct scene *scene, const char *a, const char *b)
{
	world_settle(&scene->world);
	assert_string_equal(listener_log(&scene->a), a);
	assert_string_equal(listener_log(&scene->b), b);
}

static void
what_was_trimmed_unread_is_announced_or_counted(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "a");
	subscribe_both(s, LIVE);
	add(s->stream, 2, "aaa");
	model_trim(s->stream, 1);
	expect(s, "open live:1-0/0 gap:trimmed:1-0..3-" MAX_SEQ ">4-0 4-0",
	    "open live:1-0/0 4-0");
	assert_int_equal(stat_get(&s->world.stats, gaps_trimmed), 2);
}

static void
a_resume_behind_what_was_trimmed_is_told(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aaaaa");
	model_trim(s->stream, 2);
	subscribe_both(s, scene_after(2));
	expect(s, "open gap:trimmed:2-0..3-" MAX_SEQ ">4-0 4-0 5-0 live:5-0/2",
	    "open 4-0 5-0 live:5-0/2");
}

static void
a_shared_gap_begins_at_each_ones_own_cursor(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aaaaaa");
	struct entry_id id = { 2, 0 };
	struct batch_entry entries[] = {
		{ .id = { 5, 0 }, .has_event = true, .event = view_of("{}") },
		{ .id = { 6, 0 }, .has_event = true, .event = view_of("{}") },
	};
	struct batch batch = { .after = { 1, 0 },
		.through = { 6, 0 },
		.has_gap = true,
		.entries = entries,
		.count = 2,
		.gap = { GAP_TRIMMED, { 1, 0 }, { 4, 9 }, { 5, 0 }, true } };
	/* b was here before and is known to have 2-0. */
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_answer_request(&s->world, 0);
	subscription_wait(s->b.subscription, id);
	s->b.subscription->live_due = LIVE_DONE;
	subscription_settle(s->b.subscription);
	hub_flush(s->world.hub, 0);
	struct request request = s->world.requests[0];
	s->world.request_count = 0;
	hub_window(s->world.hub, request.stream_id, request.window_id, &batch,
	    true, 0);
	hub_flush(s->world.hub, 0);
	assert_string_equal(listener_log(&s->a),
	    "open gap:trimmed:1-0..4-9>5-0 5-0 6-0 live:6-0/2");
	assert_string_equal(
	    listener_log(&s->b), "open gap:trimmed:2-0..4-9>5-0 5-0 6-0");
}

static void
a_hole_of_which_nobody_spoke_is_a_gap(void **state)
{
	struct scene *s = *state;
	subscribe_both(s, LIVE);
	struct batch_entry entry = {
		.id = { 9, 0 }, .has_event = true, .event = view_of("{}")
	};
	struct batch batch = { .after = { 5, 0 },
		.through = { 9, 0 },
		.entries = &entry,
		.count = 1 };
	hub_stream_feed(s->world.hub, 1, &batch, 0);
	hub_flush(s->world.hub, 0);
	assert_string_equal(
	    listener_log(&s->a), "open live:0-0/0 gap:trimmed:0-0..5-0 9-0");
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 9-0");
}

static void
neighbouring_refusals_are_one_gap(void **state)
{
	struct scene *s = *state;
	subscribe_both(s, LIVE);
	add(s->stream, 1, "arrrarna");
	expect(s,
	    "open live:0-0/0 1-0 gap:dead_lettered:1-0..4-0>5-0 5-0 "
	    "gap:dead_lettered:5-0..6-0>8-0 8-0",
	    "open live:0-0/0 1-0 5-0 8-0");
	assert_int_equal(stat_get(&s->world.stats, gaps_dead_lettered), 4);
	assert_int_equal(s->b.writes, 2); /* of two batches */
}

static void
refusals_of_two_batches_merge_for_one_who_was_full(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	subscribe_both(s, LIVE);
	add(s->stream, 1, "r");
	world_settle(&s->world);
	add(s->stream, 2, "ra");
	world_settle(&s->world);
	listener_read(&s->a, -1);
	expect(s, "open live:0-0/0 gap:dead_lettered:0-0..2-0>3-0 3-0",
	    "open live:0-0/0 3-0");
}

static void
one_who_has_passed_a_refusal_is_told_of_the_next(void **state)
{
	struct scene *s = *state;
	s->b.room = 1; /* keeps the chain */
	subscribe_both(s, LIVE);
	add(s->stream, 1, "r");
	world_settle(&s->world);
	add(s->stream, 2, "r");
	world_settle(&s->world);
	listener_read(&s->b, -1);
	expect(s,
	    "open live:0-0/0 gap:dead_lettered:0-0..1-0 "
	    "gap:dead_lettered:1-0..2-0",
	    "open live:0-0/0");
}

static void
a_replay_announces_refusals(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "arra");
	subscribe_both(s, scene_after(0));
	expect(s, "open 1-0 gap:dead_lettered:1-0..3-0>4-0 4-0 live:4-0/2",
	    "open 1-0 4-0 live:4-0/2");
}

static void
a_recreated_stream_is_told_in_full_to_those_who_know_gaps(void **state)
{
	struct scene *s = *state;
	add(s->stream, 5, "a");
	subscribe_both(s, LIVE);
	model_drop(s->stream);
	add(s->stream, 1, "aa");
	expect(s, "open live:5-0/0 gap:rewound:5-0..0-0>1-0 1-0 2-0 live:2-0/2",
	    "open live:5-0/0");
	add(s->stream, 3, "a");
	expect(s, "3-0", "3-0");
	assert_int_equal(stat_get(&s->world.stats, gaps_rewound), 2);
}

static void
a_stream_that_vanished_is_recreated(void **state)
{
	struct scene *s = *state;
	add(s->stream, 5, "a");
	subscribe_both(s, LIVE);
	model_drop(s->stream);
	expect(s, "open live:5-0/0 gap:recreated:5-0..0-0 live:0-0/0",
	    "open live:5-0/0");
	add(s->stream, 1, "a");
	expect(s, "1-0", "1-0");
}

static void
what_stands_before_the_reset_is_still_delivered(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	s->b.room = 1;
	subscribe_both(s, LIVE);
	add(s->stream, 5, "aa");
	world_settle(&s->world);
	model_drop(s->stream);
	add(s->stream, 1, "a");
	world_settle(&s->world);
	add(s->stream, 2, "a");
	world_settle(&s->world);
	listener_read(&s->a, -1);
	listener_read(&s->b, -1);
	expect(s,
	    "open live:0-0/0 5-0 6-0 gap:rewound:6-0..0-0>1-0 1-0 2-0 "
	    "live:2-0/2",
	    "open live:0-0/0 5-0 6-0 2-0");
}

static void
who_comes_after_a_reset_sees_nothing_of_before(void **state)
{
	struct scene *s = *state;
	s->b.room = 1; /* keeps the chain */
	listener_subscribe(&s->b, s->stream, 0, LIVE, false, false);
	world_settle(&s->world);
	add(s->stream, 5, "aaaa");
	world_settle(&s->world);
	model_drop(s->stream);
	add(s->stream, 1, "a");
	world_settle(&s->world);
	add(s->stream, 2, "a");
	world_settle(&s->world);
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open 2-0 live:2-0/1");
	listener_log(&s->b);
}

static void
a_cursor_ahead_of_the_stream_is_rewound(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aa");
	subscribe_both(s, scene_after(9));
	expect(s, "open gap:rewound:9-0..0-0>1-0 1-0 2-0 live:2-0/2",
	    "open live:2-0/0");
	add(s->stream, 3, "a");
	expect(s, "3-0", "3-0");
}

/* Its cursor is of the old life, the same id exists in the new one. */
static void
one_who_was_behind_is_proven_anew_after_a_reset(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	subscribe_both(s, LIVE);
	for (uint64_t i = 1; i <= 40; i++)
		add(s->stream, i, "a");
	world_settle(&s->world); /* a is behind at 0-0 */
	struct hub_figures figures;
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.behind, 1);
	listener_read(&s->a, 1);
	hub_flush(s->world.hub, 0);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0); /* a has 1-0 to 4-0 from a window */
	assert_int_equal(s->a.events, 4);
	hub_tick(s->world.hub, 2000); /* and lost its place there */
	model_drop(s->stream);
	world_settle(&s->world);
	listener_log(&s->a);
	listener_log(&s->b);
	listener_read(&s->a, -1);
	expect(s, "gap:recreated:4-0..0-0 live:0-0/0", "");
}

static void
one_who_stood_in_a_window_is_proven_anew_after_a_reset(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aaaaaaaa");
	s->a.room = 1;
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 6);
	model_drop(s->stream);
	world_settle(&s->world);
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "open 1-0 2-0 3-0 4-0 5-0 6-0 7-0 8-0 "
	    "gap:recreated:8-0..0-0 live:0-0/0");
}

static void
what_a_window_brought_and_redis_then_lost_is_told(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aa");
	listener_subscribe(&s->a, s->stream, 0, scene_after(3), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	add(s->stream, 3, "aa"); /* the window sees 4-0 … */
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	model_rewind(s->stream, 2); /* … the feed never will */
	add(s->stream, 5, "a");
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a),
	    "open 4-0 live:4-0/1 gap:rewound:4-0..0-0>1-0 "
	    "1-0 2-0 5-0 live:5-0/3");
}

static void
a_window_read_before_a_reset_is_void(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, "aaa");
	listener_subscribe(&s->a, s->stream, 0, scene_after(1), true, false);
	listener_subscribe(&s->b, s->stream, 0, LIVE, false, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_true(world_read_request(&s->world, 0));
	model_drop(s->stream);
	add(s->stream, 1, "a");
	assert_true(world_feed(&s->world, s->stream));
	expect(s, "open live:1-0/0", "open live:3-0/0");
}

static void
a_cursor_notice_comes_after_a_thousand_entries(void **state)
{
	struct scene *s = *state;
	struct entry_id id = { 0, 0 };
	subscribe_both(s, LIVE);
	for (unsigned i = 0; i < HUB_CURSOR_ENTRIES - 1; i++)
		id = model_add(s->stream, 1, '1', 1, id)->id;
	expect(s, "open live:0-0/0", "open live:0-0/0");
	add(s->stream, 1, "1");
	expect(s, "cur:1-999", "");
	add(s->stream, 2, "11"); /* and not after each one then */
	expect(s, "", "");
	assert_int_equal(s->b.writes, 0);
}

static void
a_cursor_notice_comes_after_fifteen_seconds(void **state)
{
	struct scene *s = *state;
	subscribe_both(s, LIVE);
	s->world.now_ms = 1000;
	add(s->stream, 1, "1a1");
	world_settle(&s->world);
	s->world.now_ms = 1001;
	add(s->stream, 4, "1");
	expect(s, "open live:0-0/0 2-0", "open live:0-0/0 2-0");
	hub_tick(s->world.hub, 15999);
	assert_false(hub_is_dirty(s->world.hub));
	hub_tick(s->world.hub, 16000);
	expect(s, "cur:4-0", "");
	hub_tick(s->world.hub, 60000);
	expect(s, "", "");
}

static void
an_event_puts_the_cursor_notice_off(void **state)
{
	struct scene *s = *state;
	subscribe_both(s, LIVE);
	add(s->stream, 1, "1");
	world_settle(&s->world);
	s->world.now_ms = 10000;
	add(s->stream, 2, "a1");
	expect(s, "open live:0-0/0 2-0", "open live:0-0/0 2-0");
	hub_tick(s->world.hub, 24999);
	expect(s, "", "");
	hub_tick(s->world.hub, 25000);
	expect(s, "cur:3-0", "");
}

static void
answers_to_others_are_no_news(void **state)
{
	struct scene *s = *state;
	s->a.owner = 1;
	subscribe_both(s, LIVE);
	model_add(s->stream, 1, 'd', 5, (struct entry_id){ 2, 0 });
	expect(s, "open live:0-0/0", "open live:0-0/0");
	hub_tick(s->world.hub, 15000);
	expect(s, "cur:1-0", "");
}

static void
a_long_replay_of_nothing_tells_the_cursor(void **state)
{
	struct scene *s = *state;
	struct entry_id id = { 0, 0 };
	for (unsigned i = 0; i < 2500; i++)
		id = model_add(s->stream, 1, '1', 1, id)->id;
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	const char *log = listener_log(&s->a);
	unsigned notices = 0;
	for (const char *at = log; (at = strstr(at, "cur:")) != NULL; at++)
		notices++;
	assert_int_equal(notices, 2);
	assert_non_null(strstr(log, " live:1-2499/0"));
}

static void
one_who_caught_up_is_told_how_far_nothing_was_for_it(void **state)
{
	struct scene *s = *state;
	s->a.room = 1;
	subscribe_both(s, LIVE);
	for (uint64_t i = 1; i <= 40; i++)
		add(s->stream, i, "a");
	add(s->stream, 41, "111");
	world_settle(&s->world); /* a is behind */
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_int_equal(s->a.events, 40);
	assert_non_null(strstr(listener_log(&s->a), " 40-0 cur:43-0"));
}

static void
reasons_have_names(void **state)
{
	(void)state;
	assert_string_equal(gap_reason_name(GAP_TRIMMED), "trimmed");
	assert_string_equal(gap_reason_name(GAP_DELETED), "deleted");
	assert_string_equal(gap_reason_name(GAP_RECREATED), "recreated");
	assert_string_equal(gap_reason_name(GAP_REWOUND), "rewound");
	assert_string_equal(
	    gap_reason_name(GAP_DEAD_LETTERED), "dead_lettered");
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(what_was_trimmed_unread_is_announced_or_counted),
		SCENE(a_resume_behind_what_was_trimmed_is_told),
		SCENE(a_shared_gap_begins_at_each_ones_own_cursor),
		SCENE(a_hole_of_which_nobody_spoke_is_a_gap),
		SCENE(neighbouring_refusals_are_one_gap),
		SCENE(refusals_of_two_batches_merge_for_one_who_was_full),
		SCENE(one_who_has_passed_a_refusal_is_told_of_the_next),
		SCENE(a_replay_announces_refusals),
		SCENE(
		    a_recreated_stream_is_told_in_full_to_those_who_know_gaps),
		SCENE(a_stream_that_vanished_is_recreated),
		SCENE(what_stands_before_the_reset_is_still_delivered),
		SCENE(who_comes_after_a_reset_sees_nothing_of_before),
		SCENE(a_cursor_ahead_of_the_stream_is_rewound),
		SCENE(one_who_was_behind_is_proven_anew_after_a_reset),
		SCENE(one_who_stood_in_a_window_is_proven_anew_after_a_reset),
		SCENE(what_a_window_brought_and_redis_then_lost_is_told),
		SCENE(a_window_read_before_a_reset_is_void),
		SCENE(a_cursor_notice_comes_after_a_thousand_entries),
		SCENE(a_cursor_notice_comes_after_fifteen_seconds),
		SCENE(an_event_puts_the_cursor_notice_off),
		SCENE(answers_to_others_are_no_news),
		SCENE(a_long_replay_of_nothing_tells_the_cursor),
		SCENE(one_who_caught_up_is_told_how_far_nothing_was_for_it),
		cmocka_unit_test(reasons_have_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
