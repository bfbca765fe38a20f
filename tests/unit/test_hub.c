/* SPDX-License-Identifier: MIT */
#include "hub_parts.h"
#include "hub_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct start LIVE = { .kind = START_LIVE };

static void
add(struct model_stream *stream, uint64_t ms, char kind)
{
	model_add(stream, ms, kind, 50, ENTRY_ID_ZERO);
}

static void
a_live_subscriber_gets_what_is_added_after_it_asked(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	assert_string_equal(listener_log(&s->a), "");
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:1-0/0");
	add(s->stream, 2, 'a');
	add(s->stream, 3, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "2-0 3-0");
	assert_int_equal(s->a.writes, 1);
}

static void
an_absent_stream_begins_at_zero(void **state)
{
	struct scene *s = *state;
	struct entry_id position;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	assert_false(hub_position(s->a.subscription, &position));
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0");
	assert_true(hub_position(s->a.subscription, &position));
	assert_true(entry_id_is_zero(position));
	add(s->stream, 1, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "1-0");
}

struct bytes_case {
	const char *event;
	const char *payload;
};

static char seen[256];

static void
see_event(struct listener *listener, struct entry_id id, struct view rest)
{
	(void)listener;
	(void)id;
	snprintf(seen, sizeof(seen), "%.*s", (int)rest.len, rest.data);
}

static void
the_producers_bytes_follow_the_cursor(void **state)
{
	static const struct bytes_case cases[] = {
		{ "{\"a\":1}", ",\"a\":1}" },
		{ "  { \"a\" : 1 } ", ", \"a\" : 1 } " },
		{ "{}", "}" },
		{ " { }", "}" },
	};
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	listener_log(&s->a);
	s->a.on_event = see_event;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		model_add_text(s->stream, i + 1, 'a', cases[i].event);
		world_settle(&s->world);
		assert_string_equal(seen, cases[i].payload);
	}
}

static enum hub_write
see_raw(void *arg, struct view frames, size_t frame_count)
{
	(void)arg;
	assert_int_equal(frame_count, 1);
	snprintf(
	    seen, sizeof(seen), "%.*s", (int)frames.len - 2, frames.data + 2);
	return HUB_WRITE_OK;
}

static void
an_endpoint_may_do_without_the_cursor(void **state)
{
	struct scene *s = *state;
	struct subscriber_ops ops = listener_ops;
	ops.write = see_raw;
	s->world.endpoints[1].splice_cursor = false;
	struct subscription *one = hub_subscribe(s->world.hub, view_of("key"),
	    1, LIVE, false, false, &ops, &s->a, 0);
	world_settle(&s->world);
	model_add_text(s->stream, 1, 'a', " { \"b\": 2 }");
	world_settle(&s->world);
	assert_string_equal(seen, "{ \"b\": 2 }");
	hub_unsubscribe(s->world.hub, &one);
	listener_log(&s->a);
}

static void
a_write_ends_on_a_frame_and_holds_at_most_run_bytes(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	struct batch_entry entries[8];
	char text[100];
	snprintf(text, sizeof(text), "{\"p\":\"%080d\"}", 0);
	for (uint64_t i = 0; i < 8; i++)
		entries[i] = (struct batch_entry){ .id = { i + 1, 0 },
			.has_event = true,
			.event = view_of(text) };
	/* Frames of 106 bytes: five to a run of 600. */
	struct batch batch = {
		.through = { 8, 0 }, .entries = entries, .count = 8
	};
	s->a.room = 1;
	hub_stream_feed(s->world.hub, 1, &batch, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->a.writes, 1);
	assert_int_equal(s->a.events, 5);
	assert_in_range(s->a.write_bytes, 500, 600);
	listener_read(&s->a, -1);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->a.writes, 2);
	assert_int_equal(s->a.events, 8);
}

static void
a_frame_larger_than_a_run_goes_alone(void **state)
{
	struct scene *s = *state;
	static const size_t sizes[] = { 10, 700, 10, 66000, 200000, 10 };
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	for (size_t i = 0; i < 6; i++)
		model_add(s->stream, i + 1, 'a', sizes[i], ENTRY_ID_ZERO);
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->a), "open live:0-0/0 1-0 2-0 3-0 4-0 5-0 6-0");
	assert_int_equal(s->a.writes, 6);
}

static void
each_view_gets_its_own_and_an_entry_is_judged_once(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 1, LIVE, true, false);
	world_settle(&s->world);
	for (uint64_t i = 1; i <= 4; i++)
		add(s->stream, i, "01an"[i - 1]);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0 3-0");
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 2-0 3-0");
	assert_int_equal(s->world.judge.judged, 4);
	assert_int_equal(stat_get(&s->world.stats, events_read), 4);
	assert_int_equal(stat_get(&s->world.stats, events_framed), 3);
	assert_int_equal(stat_get(&s->world.stats, events_filtered), 1);
}

static void
a_direct_frame_goes_to_its_owner_alone(void **state)
{
	struct scene *s = *state;
	s->a.owner = 7;
	s->b.owner = 8;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	add(s->stream, 1, 'a');
	model_add(s->stream, 2, 'd', 5, (struct entry_id){ 7, 1 });
	add(s->stream, 3, 'a');
	model_add(s->stream, 4, 'd', 5, ENTRY_ID_ZERO); /* for everybody */
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->a), "open live:0-0/0 1-0 2-0 3-0 4-0 ans:2-0");
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 1-0 3-0 4-0");
	assert_int_equal(s->a.writes, 1);
	assert_int_equal(s->b.writes, 2);
}

static void
a_direct_frame_waits_until_its_owner_is_known(void **state)
{
	struct scene *s = *state;
	s->a.owner = 7;
	s->a.owns_unknown = true;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	add(s->stream, 1, 'a');
	model_add(s->stream, 2, 'd', 5, (struct entry_id){ 7, 1 });
	add(s->stream, 3, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0");
	s->a.owns_unknown = false;
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "2-0 3-0 ans:2-0");
}

static void
a_terminal_event_is_told(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 1, LIVE, false, false);
	world_settle(&s->world);
	add(s->stream, 1, 't');
	add(s->stream, 2, 'a');
	world_settle(&s->world);
	assert_string_equal(
	    listener_log(&s->a), "open live:0-0/0 1-0 2-0 end:1-0");
}

static void
an_idle_topic_holds_no_block(void **state)
{
	struct scene *s = *state;
	struct hub_figures figures;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	add(s->stream, 1, 'a');
	while (world_feed(&s->world, s->stream))
		continue;
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.blocks, 1);
	hub_flush(s->world.hub, 0);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.blocks, 0);
	assert_int_equal(figures.block_bytes, 0);
}

static void
one_who_is_full_gets_nothing_until_it_resumes(void **state)
{
	struct scene *s = *state;
	s->a.room = 2;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	add(s->stream, 1, 'a');
	world_settle(&s->world);
	add(s->stream, 2, 'a');
	add(s->stream, 3, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0");
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 1-0 2-0 3-0");
	listener_read(&s->a, -1);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "2-0 3-0");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
}

static void
one_who_is_gone_is_left_alone(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	s->a.is_gone = true;
	add(s->stream, 1, 'a');
	world_settle(&s->world);
	s->a.is_gone = false;
	add(s->stream, 2, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0");
	assert_string_equal(listener_log(&s->b), "open live:0-0/0 1-0 2-0");
}

static void
entries_below_the_tail_are_not_delivered_again(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	struct batch_entry entries[2] = {
		{ .id = { 1, 0 }, .has_event = true, .event = view_of("{}") },
		{ .id = { 2, 0 }, .has_event = true, .event = view_of("{}") },
	};
	struct batch batch = {
		.through = { 1, 0 }, .entries = entries, .count = 1
	};
	hub_stream_feed(s->world.hub, 1, &batch, 0);
	batch.through.ms = 2;
	batch.count = 2;
	hub_stream_feed(s->world.hub, 1, &batch, 0);
	hub_flush(s->world.hub, 0);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0 2-0");
}

static void
a_key_of_another_type_is_unusable(void **state)
{
	struct scene *s = *state;
	s->stream->wrong_type = true;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "unusable");
	/* The next one is told as well, and good again is good again. */
	listener_subscribe(&s->b, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "unusable");
	hub_unsubscribe(s->world.hub, &s->b.subscription);
	s->stream->wrong_type = false;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->b, s->stream, 0, scene_after(0), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 1-0 live:1-0/1");
	assert_string_equal(listener_log(&s->a), "");
}

static void
a_live_subscriber_is_told_when_its_key_becomes_unusable(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	world_down(&s->world);
	s->stream->wrong_type = true;
	world_up(&s->world);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 unusable");
	/* Who comes now is told as well, and begins where it is good again. */
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "unusable");
	hub_unsubscribe(s->world.hub, &s->b.subscription);
	s->stream->wrong_type = false;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open live:1-0/0");
}

static void
the_gauges_say_who_is_here(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	listener_subscribe(&s->b, s->stream, 1, LIVE, true, false);
	world_settle(&s->world);
	hub_gauges(s->world.hub);
	assert_int_equal(stat_get(&s->world.stats, subscriptions), 2);
	assert_int_equal(stat_get(&s->world.stats, streams_followed), 1);
	hub_unsubscribe(s->world.hub, &s->a.subscription);
	hub_gauges(s->world.hub);
	assert_int_equal(stat_get(&s->world.stats, subscriptions), 1);
	s->b.room = 1;
	for (uint64_t i = 1; i <= 2; i++) { /* the second has to wait */
		add(s->stream, i, 'a');
		world_settle(&s->world);
	}
	hub_gauges(s->world.hub);
	assert_true(stat_get(&s->world.stats, blocks_bytes) > 0);
	assert_int_equal(stat_get(&s->world.stats, behind_clients), 0);
	for (uint64_t i = 3; i <= 100; i++)
		add(s->stream, i, 'a');
	world_settle(&s->world);
	hub_gauges(s->world.hub);
	assert_int_equal(stat_get(&s->world.stats, behind_clients), 1);
}

static void
late_answers_find_nothing(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->a, s->stream, 0, scene_after(0), true, false);
	world_answer_request(&s->world, 0);
	hub_flush(s->world.hub, 0);
	assert_int_equal(s->world.request_count, 1);
	hub_unsubscribe(s->world.hub, &s->a.subscription);
	world_answer_request(&s->world, 0);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	struct stream_info info = { .exists = true };
	struct batch batch = { 0 };
	hub_stream_opened(s->world.hub, 99, &info, 0);
	hub_stream_feed(s->world.hub, 99, &batch, 0);
	hub_window(s->world.hub, 99, 99, &batch, true, 0);
	hub_window_failed(s->world.hub, 99, 99);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open live:1-0/0");
	listener_log(&s->a);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(a_live_subscriber_gets_what_is_added_after_it_asked),
		SCENE(an_absent_stream_begins_at_zero),
		SCENE(the_producers_bytes_follow_the_cursor),
		SCENE(an_endpoint_may_do_without_the_cursor),
		SCENE(a_write_ends_on_a_frame_and_holds_at_most_run_bytes),
		SCENE(a_frame_larger_than_a_run_goes_alone),
		SCENE(each_view_gets_its_own_and_an_entry_is_judged_once),
		SCENE(a_direct_frame_goes_to_its_owner_alone),
		SCENE(a_direct_frame_waits_until_its_owner_is_known),
		SCENE(a_terminal_event_is_told),
		SCENE(an_idle_topic_holds_no_block),
		SCENE(one_who_is_full_gets_nothing_until_it_resumes),
		SCENE(one_who_is_gone_is_left_alone),
		SCENE(entries_below_the_tail_are_not_delivered_again),
		SCENE(a_key_of_another_type_is_unusable),
		SCENE(a_live_subscriber_is_told_when_its_key_becomes_unusable),
		SCENE(the_gauges_say_who_is_here),
		SCENE(late_answers_find_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
