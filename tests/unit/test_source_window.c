/* SPDX-License-Identifier: MIT */
#include "source_scene.h"

#define AT(ms) ((struct entry_id){ (ms), 0 })

static void
fetch(
    struct scene *scene, struct entry_id after, uint64_t since_ms, size_t bytes)
{
	unsigned windows = scene->hub.windows;

	scene->hub.window_entries = 0;
	source_hub_ops.fetch(
	    scene->source, 1, windows + 1, after, since_ms, bytes);
	assert_int_equal(scene->hub.windows, windows); /* never from inside */
	scene_until(scene, &scene->hub.windows, windows + 1);
}

/* 1-0 … 100-0, each of about 100 bytes with what we reckon for an entry. */
static struct hub *
open_hundred(struct scene *scene)
{
	redis_fixture_run(&scene->redis, "EVAL %s 1 s",
	    "for i = 1, 100 do redis.call('XADD', KEYS[1], i .. '-0', "
	    "'event', string.rep('x', 31)) end");
	scene_open(scene);
	scene_follow(scene, 1, "s");
	return &scene->hub;
}

static void
from_the_beginning(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	fetch(scene, ENTRY_ID_ZERO, 0, 1 << 20);
	assert_int_equal(hub->window_entries, 100);
	assert_true(hub->window_is_tail);
	assert_false(hub->window.has_gap);
	assert_id(hub->window.after, 0, 0);
	assert_id(hub->window.through, 100, 0);
	scene_close(scene);
}

static void
from_the_middle_in_pieces(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);
	struct entry_id after = AT(50);
	unsigned entries = 0;

	do {
		fetch(scene, after, 0, 700);
		assert_id(hub->window_first, after.ms + 1, 0);
		assert_id(hub->window.after, after.ms, 0);
		assert_false(hub->window.has_gap);
		assert_in_range(hub->window_entries, 1, 7);
		entries += hub->window_entries;
		after = hub->window.through;
	} while (!hub->window_is_tail);
	assert_int_equal(entries, 50);
	assert_id(after, 100, 0);
	scene_close(scene);
}

static void
a_full_window_is_not_the_tail(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	/* Ten and the own one are asked for; eleven are there. */
	fetch(scene, AT(90), 0, 1000);
	assert_id(hub->window.through, 100, 0);
	assert_false(hub->window_is_tail);
	fetch(scene, AT(91), 0, 1000);
	assert_id(hub->window.through, 100, 0);
	assert_true(hub->window_is_tail);
	scene_close(scene);
}

static void
at_the_tail_it_is_empty(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	fetch(scene, AT(100), 0, 1000);
	assert_int_equal(hub->window_entries, 0);
	assert_true(hub->window_is_tail);
	assert_id(hub->window.through, 100, 0);
	scene_close(scene);
}

static void
behind_a_deleted_tail_it_reaches_the_tail(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	redis_fixture_run(&scene->redis, "XDEL s 99-0 100-0");
	fetch(scene, AT(97), 0, 1000);
	assert_int_equal(hub->window_entries, 1);
	assert_true(hub->window_is_tail);
	assert_id(hub->window.through, 100, 0);
	fetch(scene, AT(100), 0, 1000);
	assert_false(hub->window.has_gap);
	assert_true(hub->window_is_tail);
	scene_close(scene);
}

/* No entry has been read yet: the own one is deleted. */
static void
how_large_entries_are_is_known_from_the_opening(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = &scene->hub;

	redis_fixture_run(&scene->redis, "EVAL %s 1 s",
	    "for i = 1, 100 do redis.call('XADD', KEYS[1], i .. '-0', "
	    "'event', string.rep('x', 31)) end "
	    "redis.call('XDEL', KEYS[1], '100-0')");
	scene_open(scene);
	scene_follow(scene, 1, "s");
	assert_id(hub->streams[1].info.deleted, 100, 0);
	fetch(scene, ENTRY_ID_ZERO, 0, 5000);
	assert_int_equal(hub->window_entries, 51);
	scene_close(scene);
}

/* Its answer is left alone until those of the live reads were handled. */
static void
each_window_lets_live_news_go_first_once(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);
	struct source *source = scene->source;
	struct source_stream *stream = source_table_by_id(&source->table, 1);

	source_read_mark(stream, true);
	while (source->in_flight == 0)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	source_hub_ops.fetch(source, 1, 1, AT(10), 0, 500);
	assert_true(source->is_yielding);
	while (source->in_flight > 0)
		uv_run(&scene->loop, UV_RUN_ONCE);
	assert_false(source->is_yielding);
	assert_int_equal(hub->windows, 0);
	source_window_yield(source); /* not again before it was answered */
	assert_false(source->is_yielding);
	scene_until(scene, &hub->windows, 1);
	source_hub_ops.fetch(source, 1, 2, AT(20), 0, 500);
	source_window_yield(source);
	assert_true(source->is_yielding);
	scene_close(scene);
}

static void
a_trimmed_cursor_is_told(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	redis_fixture_run(&scene->redis, "XTRIM s MAXLEN 10");
	fetch(scene, AT(50), 0, 1 << 20);
	assert_true(hub->window.has_gap);
	assert_int_equal(hub->window.gap.reason, GAP_TRIMMED);
	assert_id(hub->window.gap.after, 50, 0);
	assert_id(hub->window.gap.through, 90, UINT64_MAX);
	assert_id(hub->window.gap.resumes_at, 91, 0);
	assert_int_equal(hub->window_entries, 10);
	/* The gap's through is a cursor that brings no second gap. */
	fetch(scene, hub->window.gap.through, 0, 1 << 20);
	assert_false(hub->window.has_gap);
	assert_int_equal(hub->window_entries, 10);
	fetch(scene, ENTRY_ID_ZERO, 0, 1 << 20);
	assert_int_equal(hub->window.gap.reason, GAP_TRIMMED);
	assert_int_equal(hub->window_entries, 10);
	scene_close(scene);
}

static void
a_deleted_cursor_is_told(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	redis_fixture_run(&scene->redis, "XDEL s 50-0 51-0");
	fetch(scene, AT(50), 0, 1 << 20);
	assert_int_equal(hub->window.gap.reason, GAP_DELETED);
	assert_id(hub->window_first, 52, 0);
	assert_id(hub->window.gap.through, 51, UINT64_MAX);
	fetch(scene, hub->window.gap.through, 0, 1 << 20);
	assert_false(hub->window.has_gap);
	scene_close(scene);
}

static void
a_cursor_ahead_is_rewound(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	fetch(scene, AT(500), 0, 1 << 20);
	assert_int_equal(hub->window.gap.reason, GAP_REWOUND);
	assert_id(hub->window.gap.resumes_at, 1, 0);
	assert_id(hub->window.gap.through, 0, 0);
	assert_id(hub->window.through, 100, 0);
	assert_int_equal(hub->window_entries, 0);
	assert_true(hub->window_is_tail);
	scene_close(scene);
}

static void
a_cursor_of_an_absent_stream_is_recreated(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = &scene->hub;

	scene_open(scene);
	scene_follow(scene, 1, "s");
	fetch(scene, AT(5), 0, 1000);
	assert_int_equal(hub->window.gap.reason, GAP_RECREATED);
	assert_false(hub->window.gap.resumes_known);
	fetch(scene, ENTRY_ID_ZERO, 0, 1000);
	assert_false(hub->window.has_gap);
	assert_true(hub->window_is_tail);
	assert_id(hub->window.through, 0, 0);
	scene_close(scene);
}

static void
a_stream_made_anew_is_recreated(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	redis_fixture_run(&scene->redis, "DEL s");
	redis_fixture_run(&scene->redis, "XADD s 200-0 event x");
	fetch(scene, AT(50), 0, 1000);
	assert_int_equal(hub->window.gap.reason, GAP_RECREATED);
	assert_id(hub->window.through, 200, 0);
	fetch(scene, hub->window.gap.through, 0, 1000);
	assert_false(hub->window.has_gap);
	assert_id(hub->window_first, 200, 0);
	assert_true(hub->window_is_tail);
	scene_close(scene);
}

static void
since_is_inclusive_and_clamped(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	fetch(scene, ENTRY_ID_ZERO, 60, 1 << 20);
	assert_id(hub->window.after, 59, UINT64_MAX);
	assert_id(hub->window_first, 60, 0);
	assert_int_equal(hub->window_entries, 41);
	assert_false(hub->window.has_gap);
	fetch(scene, ENTRY_ID_ZERO, 5000, 1 << 20);
	assert_id(hub->window.after, 100, 0);
	assert_id(hub->window.through, 100, 0);
	assert_int_equal(hub->window_entries, 0);
	assert_true(hub->window_is_tail);
	assert_false(hub->window.has_gap);
	fetch(scene, ENTRY_ID_ZERO, UINT64_MAX, 1 << 20);
	assert_id(hub->window.through, 100, 0);
	fetch(scene, ENTRY_ID_ZERO, 1, 1 << 20);
	assert_int_equal(hub->window_entries, 100);
	redis_fixture_run(&scene->redis, "XTRIM s MAXLEN 10");
	fetch(scene, ENTRY_ID_ZERO, 60, 1 << 20);
	assert_int_equal(hub->window.gap.reason, GAP_TRIMMED);
	assert_int_equal(hub->window_entries, 10);
	fetch(scene, ENTRY_ID_ZERO, 95, 1 << 20);
	assert_false(hub->window.has_gap);
	assert_int_equal(hub->window_entries, 6);
	scene_close(scene);
}

static void
another_type_is_unusable(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);
	unsigned opened = hub->opened;

	redis_fixture_run(&scene->redis, "SET s x");
	source_hub_ops.fetch(scene->source, 1, 1, AT(5), 0, 1000);
	source_hub_ops.fetch(scene->source, 1, 2, ENTRY_ID_ZERO, 0, 1000);
	scene_until(scene, &hub->failed, 2);
	assert_true(hub->opened > opened);
	assert_true(hub->streams[1].info.wrong_type);
	scene_close(scene);
}

static void
a_lost_window_link_asks_again(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	for (unsigned i = 0; i < 5; i++)
		source_hub_ops.fetch(scene->source, 1, i, AT(10 + i), 0, 1000);
	redis_link_reset(scene->source->window, "closed");
	source_hub_ops.fetch(scene->source, 1, 9, AT(20), 0, 1000);
	scene_until(scene, &hub->windows, 6);
	assert_int_equal(hub->failed, 0);
	assert_int_equal(scene->downs, 0);
	scene_close(scene);
}

/* More slots than one reply may have, which neither the first nor the last
 * entry let expect. */
static void
what_one_answer_cannot_hold_is_asked_for_in_parts(void **state)
{
	struct scene *scene = *state;

	redis_fixture_run(&scene->redis, "EVAL %s 1 s",
	    "local t = {} "
	    "for i = 1, 800 do t[i] = 'f' end "
	    "redis.call('XADD', KEYS[1], '1-0', 'event', 'x') "
	    "for i = 2, 2999 do "
	    "redis.call('XADD', KEYS[1], i .. '-0', unpack(t)) end "
	    "redis.call('XADD', KEYS[1], '3000-0', 'event', 'x')");
	scene_open(scene);
	scene_follow(scene, 1, "s");
	fetch(scene, AT(1), 0, 256 * 1024);
	assert_id(scene->hub.window_first, 2, 0);
	assert_false(scene->hub.window_is_tail);
	assert_int_equal(scene->hub.windows + scene->hub.failed, 1);
	scene_close(scene);
}

static void
a_lost_redis_fails_windows(void **state)
{
	struct scene *scene = *state;
	struct hub *hub = open_hundred(scene);

	source_hub_ops.fetch(scene->source, 1, 1, AT(5), 0, 1000);
	redis_link_reset(scene->source->read, "closed");
	assert_int_equal(hub->failed, 1);
	source_hub_ops.fetch(scene->source, 1, 2, AT(5), 0, 1000);
	assert_int_equal(hub->failed, 1); /* never from inside */
	scene_until(scene, &hub->failed, 2);
	scene_until(scene, &scene->ups, 2);
	fetch(scene, AT(5), 0, 1000);
	assert_id(hub->window_first, 6, 0);
	scene_close(scene);
}

static void
windows_end_with_the_source(void **state)
{
	struct scene *scene = *state;
	unsigned answered;

	open_hundred(scene);
	source_hub_ops.fetch(scene->source, 1, 1, AT(5), 0, 1000);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	source_hub_ops.fetch(scene->source, 1, 2, AT(5), 0, 1000);
	answered = scene->hub.windows;
	scene_close(scene);
	assert_int_equal(scene->hub.windows, answered);
	assert_int_equal(scene->hub.failed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(from_the_beginning),
		scene_test(from_the_middle_in_pieces),
		scene_test(a_full_window_is_not_the_tail),
		scene_test(at_the_tail_it_is_empty),
		scene_test(behind_a_deleted_tail_it_reaches_the_tail),
		scene_test(how_large_entries_are_is_known_from_the_opening),
		scene_test(each_window_lets_live_news_go_first_once),
		scene_test(a_trimmed_cursor_is_told),
		scene_test(a_deleted_cursor_is_told),
		scene_test(a_cursor_ahead_is_rewound),
		scene_test(a_cursor_of_an_absent_stream_is_recreated),
		scene_test(a_stream_made_anew_is_recreated),
		scene_test(since_is_inclusive_and_clamped),
		scene_test(another_type_is_unusable),
		scene_test(a_lost_window_link_asks_again),
		scene_test(what_one_answer_cannot_hold_is_asked_for_in_parts),
		scene_test(a_lost_redis_fails_windows),
		scene_test(windows_end_with_the_source),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
