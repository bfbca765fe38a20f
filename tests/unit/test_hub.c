/* SPDX-License-Identifier: MIT */
#include "hub_parts.h"
#include "hub_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct start LIVE = { .kind = START_LIVE };

static struct start
after(uint64_t ms)
{
	return (struct start){ .kind = START_AFTER, .after = { ms, 0 } };
}

static void
add(struct model_stream *stream, uint64_t ms, char kind)
{
	model_add(stream, ms, kind, 50, ENTRY_ID_ZERO);
}

struct scene {
	struct world world;
	struct model_stream *stream;
	struct listener a;
	struct listener b;
};

static int
set_up(void **state)
{
	struct scene *scene = test_calloc(1, sizeof(*scene));
	world_init(&scene->world, NULL);
	scene->stream = world_stream(&scene->world, "key");
	listener_init(&scene->a, &scene->world);
	listener_init(&scene->b, &scene->world);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;
	listener_fini(&scene->a);
	listener_fini(&scene->b);
	world_fini(&scene->world);
	test_free(scene);
	return 0;
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

struct straight {
	struct subscriber_ops ops;
	struct subscription *subscription;
	unsigned by_op;
	unsigned straight;
	enum hub_write answer;
	enum hub_write told;
	unsigned tellings;
};

static enum hub_write
write_straight(void *arg, struct view frames)
{
	struct straight *straight = arg;
	assert_true(frames.len > 0);
	straight->straight++;
	return straight->answer;
}

static enum hub_write
write_by_op(void *arg, struct view frames, size_t frame_count)
{
	struct straight *straight = arg;
	(void)frames;
	(void)frame_count;
	straight->by_op++;
	hub_write_straight(straight->subscription, write_straight, straight);
	return HUB_WRITE_OK;
}

static void
note_answer(void *arg, enum hub_write answer)
{
	struct straight *straight = arg;
	straight->told = answer;
	straight->tellings++;
}

static void
note_nothing(void *arg, const struct stream_info *info)
{
	(void)arg;
	(void)info;
}

static enum hub_write
live_without_a_word(void *arg, struct entry_id cursor, uint64_t replayed)
{
	(void)arg;
	(void)cursor;
	(void)replayed;
	return HUB_WRITE_OK;
}

static void
add_and_settle(struct scene *s, uint64_t ms)
{
	model_add_text(s->stream, ms, 'a', "{}");
	world_settle(&s->world);
}

static void
a_straight_write_passes_the_op_by_until_it_is_taken_back(void **state)
{
	struct scene *s = *state;
	struct straight one = { .ops = { .write = write_by_op,
				    .answered = note_answer,
				    .opened = note_nothing,
				    .live = live_without_a_word } };
	one.subscription = hub_subscribe(s->world.hub, view_of("key"), 0, LIVE,
	    false, false, &one.ops, &one, 0);
	world_settle(&s->world);
	add_and_settle(s, 1);
	assert_int_equal(one.by_op, 1);
	add_and_settle(s, 2);
	assert_int_equal(one.straight, 1);
	assert_int_equal(one.tellings, 0);
	one.answer = HUB_WRITE_FULL;
	add_and_settle(s, 3);
	assert_int_equal(one.told, HUB_WRITE_FULL);
	add_and_settle(s, 4);
	assert_int_equal(one.straight, 2);
	one.answer = HUB_WRITE_OK;
	hub_resume(s->world.hub, one.subscription);
	world_settle(&s->world);
	assert_int_equal(one.straight, 3);
	hub_write_straight(one.subscription, NULL, NULL);
	add_and_settle(s, 5);
	assert_int_equal(one.by_op, 2);
	one.answer = HUB_WRITE_GONE;
	add_and_settle(s, 6);
	assert_int_equal(one.told, HUB_WRITE_GONE);
	assert_int_equal(one.tellings, 2);
	hub_unsubscribe(s->world.hub, &one.subscription);
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
in_an_open_stream_the_start_is_fixed_at_once(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, false);
	world_settle(&s->world);
	listener_subscribe(&s->b, s->stream, 0, LIVE, true, false);
	add(s->stream, 1, 'a'); /* before Redis was asked for the info */
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
	add(s->stream, 1, 'a');
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	add(s->stream, 2, 'a');
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
		add(s->stream, i, 'a');
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
		add(s->stream, i, 'a');
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:4-0/0");
	hub_seek(s->world.hub, s->a.subscription, (struct entry_id){ 2, 0 });
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "3-0 4-0 live:4-0/2");
	add(s->stream, 5, 'a');
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "5-0");
}

static void
a_seek_back_within_the_only_block_finds_it_there(void **state)
{
	struct scene *s = *state;
	listener_subscribe(&s->a, s->stream, 0, LIVE, true, true);
	world_settle(&s->world);
	add(s->stream, 1, 'a');
	add(s->stream, 2, 'a');
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
	add(s->stream, 1, 'a');
	add(s->stream, 2, 'a');
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
		add(s->stream, i, 'a');
	listener_subscribe(&s->a, s->stream, 0, after(2), true, true);
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
	add(s->stream, 1, 'a');
	listener_subscribe(&s->a, s->stream, 0, after(1), true, false);
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
		add(s->stream, i, "aannna"[i - 1]);
	world_settle(&s->world);
	listener_subscribe(&s->b, s->stream, 0, after(2), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "open 6-0 live:6-0/1");
	assert_int_equal(stat_get(&s->world.stats, windows_read), 0);
	hub_unsubscribe(s->world.hub, &s->b.subscription);
	/* Within what it holds, but not written down: only Redis knows. */
	listener_subscribe(&s->b, s->stream, 0, after(4), true, false);
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
		add(s->stream, i, 'a');
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
	add(s->stream, 1, 'a');
	world_settle(&s->world);
	world_down(&s->world);
	add(s->stream, 2, 'a');
	world_up(&s->world);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:0-0/0 1-0 2-0");
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
	listener_subscribe(&s->b, s->stream, 0, after(0), true, false);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->b), "unusable");
	hub_unsubscribe(s->world.hub, &s->b.subscription);
	s->stream->wrong_type = false;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->b, s->stream, 0, after(0), true, false);
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
}

static void
late_answers_find_nothing(void **state)
{
	struct scene *s = *state;
	add(s->stream, 1, 'a');
	listener_subscribe(&s->a, s->stream, 0, after(0), true, false);
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
#define SCENE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		SCENE(a_live_subscriber_gets_what_is_added_after_it_asked),
		SCENE(an_absent_stream_begins_at_zero),
		SCENE(the_producers_bytes_follow_the_cursor),
		SCENE(an_endpoint_may_do_without_the_cursor),
		SCENE(a_straight_write_passes_the_op_by_until_it_is_taken_back),
		SCENE(a_write_ends_on_a_frame_and_holds_at_most_run_bytes),
		SCENE(a_frame_larger_than_a_run_goes_alone),
		SCENE(each_view_gets_its_own_and_an_entry_is_judged_once),
		SCENE(a_direct_frame_goes_to_its_owner_alone),
		SCENE(a_direct_frame_waits_until_its_owner_is_known),
		SCENE(a_terminal_event_is_told),
		SCENE(an_idle_topic_holds_no_block),
		SCENE(one_who_is_full_gets_nothing_until_it_resumes),
		SCENE(one_who_is_gone_is_left_alone),
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
		SCENE(entries_below_the_tail_are_not_delivered_again),
		SCENE(a_key_of_another_type_is_unusable),
		SCENE(a_live_subscriber_is_told_when_its_key_becomes_unusable),
		SCENE(late_answers_find_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
