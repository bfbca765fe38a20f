/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_SCENE_H
#define SOURCE_SCENE_H

/*
 * The stage for tests of the source: a redis-server, a source on a loop, and a
 * hub that only writes down what it is told. Included once per test program:
 * it defines the hub's functions.
 */

#include "redis_fixture.h"
#include "source.h"
#include "source_parts.h"
#include "stats.h"

#include <hiredis/hiredis.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define SCENE_STREAMS 10010

/* What the hub was told of one stream. */
struct told {
	unsigned opened, feeds, entries, gaps, void_gaps;
	struct stream_info info;
	struct gap gap;          /* the last one */
	struct entry_id through; /* of the last feed */
	struct entry_id first, last;
	struct batch_entry entry; /* the last; views are stale */
	char event[64], producer[64];
};

struct hub {
	struct told streams[SCENE_STREAMS];
	unsigned opened, feeds, entries, gaps, ups, downs;
	/* windows */
	unsigned windows, failed, window_entries;
	struct batch window;
	struct entry_id window_first;
	bool window_is_tail;
};

static void
keep_text(char *to, size_t size, struct view text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

void
hub_stream_opened(struct hub *hub, uint64_t stream_id,
    const struct stream_info *info, uint64_t now_ms)
{
	(void)now_ms;
	hub->opened++;
	hub->streams[stream_id].opened++;
	hub->streams[stream_id].info = *info;
	if (hub->streams[stream_id].opened == 1)
		hub->streams[stream_id].through = info->newest;
}

void
hub_stream_feed(struct hub *hub, uint64_t stream_id, const struct batch *batch,
    uint64_t now_ms)
{
	struct told *told = &hub->streams[stream_id];

	(void)now_ms;
	/* Each batch begins where the last one ended. */
	assert_int_equal(entry_id_compare(batch->after, told->through), 0);
	told->through = batch->through;
	told->feeds++;
	hub->feeds++;
	if (batch->has_gap) {
		told->gaps++;
		hub->gaps++;
		told->gap = batch->gap;
	}
	for (size_t i = 0; i < batch->count; i++) {
		told->entry = batch->entries[i];
		if (told->entries++ == 0)
			told->first = told->entry.id;
		told->last = told->entry.id;
		keep_text(told->event, 64, told->entry.event);
		keep_text(told->producer, 64, told->entry.producer);
	}
	hub->entries += (unsigned)batch->count;
	if (batch->count > 0)
		assert_int_equal(
		    entry_id_compare(batch->through, told->last), 0);
}

void
hub_window(struct hub *hub, uint64_t stream_id, uint64_t window_id,
    const struct batch *batch, bool reached_tail, uint64_t now_ms)
{
	(void)stream_id;
	(void)window_id;
	(void)now_ms;
	hub->windows++;
	hub->window = *batch;
	hub->window.entries = NULL;
	hub->window_entries += (unsigned)batch->count;
	hub->window_is_tail = reached_tail;
	hub->window_first =
	    batch->count > 0 ? batch->entries[0].id : ENTRY_ID_ZERO;
}

void
hub_window_failed(struct hub *hub, uint64_t stream_id, uint64_t window_id)
{
	(void)stream_id;
	(void)window_id;
	hub->failed++;
}

void
hub_source_down(struct hub *hub)
{
	hub->downs++;
}

void
hub_source_up(struct hub *hub, uint64_t now_ms)
{
	(void)now_ms;
	hub->ups++;
}

/* --- the scene --- */

struct scene {
	struct redis_fixture redis;
	struct redis_target target;
	uv_loop_t loop;
	struct stats stats;
	struct source *source;
	struct hub hub;
	unsigned ups, downs, news;
	char reason[16];
};

static const struct source_options scene_options = {
	.pace_max_us = 1000,
	.sweep_ms = 30000,
	.poll_ms = 10,
	.command_ms = 5000,
	.tracking = true,
	.safeguard_sweep = true,
	.safeguard_rearm = true,
};

static void
scene_up(void *arg)
{
	((struct scene *)arg)->ups++;
}

static void
scene_down(void *arg, const char *reason)
{
	struct scene *scene = arg;

	scene->downs++;
	snprintf(scene->reason, sizeof(scene->reason), "%s", reason);
}

static void
scene_news(void *arg)
{
	((struct scene *)arg)->news++;
}

static void
scene_watchdog(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Runs the loop until *counter >= count; fails after 20 s. */
static void
scene_until(struct scene *scene, const unsigned *counter, unsigned count)
{
	uv_timer_t watchdog;
	bool is_late = false;

	uv_update_time(&scene->loop);
	uv_timer_init(&scene->loop, &watchdog);
	watchdog.data = &is_late;
	uv_timer_start(&watchdog, scene_watchdog, 20000, 0);
	while (*counter < count && !is_late)
		uv_run(&scene->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	if (is_late)
		fail_msg("waited for %u, is %u", count, *counter);
}

/* Runs the loop for as long as it takes Redis to answer whatever is under way,
 * and everything that follows from it. */
static void
scene_settle(struct scene *scene)
{
	do {
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	} while (scene->source->in_flight > 0 ||
	    scene->source->table.first[SOURCE_QUEUE_READ] != NULL);
	/* Pushes that Redis sent before it answered us are here by now. */
	redis_fixture_run(&scene->redis, "PING");
	for (int i = 0; i < 3; i++)
		do {
			uv_run(&scene->loop, UV_RUN_NOWAIT);
		} while (scene->source->in_flight > 0 ||
		    scene->source->table.first[SOURCE_QUEUE_READ] != NULL);
}

/* Without starting. */
static void
scene_prepare(struct scene *scene, const struct source_options *options)
{
	static const struct source_events events = { scene_up, scene_down,
		scene_news };

	scene->ups = scene->downs = scene->news = 0;
	uv_loop_init(&scene->loop);
	redis_target_parse(&scene->target, view_of(scene->redis.url), NULL);
	scene->source = source_new(&scene->loop, &scene->target, options,
	    &scene->stats, &events, scene);
	source_attach(scene->source, &scene->hub);
}

static void
scene_open_with(struct scene *scene, const struct source_options *options)
{
	scene_prepare(scene, options);
	source_start(scene->source);
	scene_until(scene, &scene->ups, 1);
	assert_true(source_is_up(scene->source));
}

static void
scene_open(struct scene *scene)
{
	scene_open_with(scene, &scene_options);
	assert_string_equal(source_wakeup(scene->source), "tracking");
}

/* Nothing is left in the loop: every handle was closed. */
static void
scene_close(struct scene *scene)
{
	source_free(&scene->source);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	redis_target_fini(&scene->target);
}

/* inline: not every program needs them, and none shall be warned. */
static inline void
scene_follow(struct scene *scene, uint64_t id, const char *key)
{
	struct told *told = &scene->hub.streams[id];
	unsigned opened = told->opened;

	source_hub_ops.follow(scene->source, id, view_of(key));
	scene_until(scene, &told->opened, opened + 1);
	scene_settle(scene);
}

static inline void
assert_id(struct entry_id id, uint64_t ms, uint64_t seq)
{
	assert_int_equal(id.ms, ms);
	assert_int_equal(id.seq, seq);
}

/* A stream of 1-0 … 5-0 that is followed from 5-0. */
static inline struct told *
scene_open_five(struct scene *scene)
{
	for (int i = 1; i <= 5; i++)
		redis_fixture_run(&scene->redis, "XADD s %d-0 event %d", i, i);
	scene_open(scene);
	scene_follow(scene, 1, "s");
	return &scene->hub.streams[1];
}

static inline void
scene_script(struct scene *scene, const char *script)
{
	redis_fixture_run(&scene->redis, "EVAL %s 1 s", script);
}

static inline void
scene_count(uv_timer_t *timer)
{
	++*(unsigned *)timer->data;
}

static inline void
scene_run_for_ms(struct scene *scene, uint64_t ms)
{
	unsigned fired = 0;
	uv_timer_t timer;

	uv_timer_init(&scene->loop, &timer);
	timer.data = &fired;
	uv_update_time(&scene->loop);
	uv_timer_start(&timer, scene_count, ms, 0);
	scene_until(scene, &fired, 1);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
}

static int
scene_setup(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	redis_fixture_start(&scene->redis, NULL);
	*state = scene;
	return 0;
}

static int
scene_teardown(void **state)
{
	struct scene *scene = *state;

	redis_fixture_stop(&scene->redis);
	free(scene);
	return 0;
}

/* Each test begins with an empty database, also after one that failed. */
static int
scene_flush(void **state)
{
	struct scene *scene = *state;

	if (scene->redis.admin == NULL)
		redis_fixture_again(&scene->redis);
	memset(&scene->hub, 0, sizeof(scene->hub));
	memset(&scene->stats, 0, sizeof(scene->stats));
	scene->ups = scene->downs = scene->news = 0;
	redis_fixture_run(&scene->redis, "FLUSHALL");
	return 0;
}

#define scene_test(f) cmocka_unit_test_setup(f, scene_flush)

#endif
