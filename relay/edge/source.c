/* SPDX-License-Identifier: MIT */
#include "source_parts.h"

#include "clock.h"
#include "log.h"
#include "stats.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

/*
 * The turn: pushes and answers arrive while the loop polls and only mark
 * streams; right behind, one XREAD is sent for each marked stream, first in,
 * first out. So everything that one turn brought is one pipeline, written by
 * the link before the loop sleeps again.
 *
 * In a pause pushes stay where they are: hearing each by itself would cost a
 * wake-up of the loop for every one. At its end they are heard at once, and as
 * long as one pause follows the other the link is not watched at all. A pause
 * begins when everything has been asked for: behind a moment in which this
 * process did not run there is much, and it is late already.
 */

/* Reads under way at once. They queue up in Redis, not here: an answer is
 * handled and forgotten before the next one is read. What they bring at most is
 * source_ask_bytes()'s matter. No more streams than this can have news in one
 * round trip, which a far Redis or a shared core makes 10 ms and longer. */
#define IN_FLIGHT_MAX 1024
/* Redis begins with so many while the others are being asked for. */
#define HURRY_READS 32
#define TICK_MS     100
/* Streams re-read by the sweep in one tick: 1,000 a second cost Redis less
 * than 1 % of a core. With more streams than that allows, a round is longer. */
#define SWEEP_PER_TICK_MAX 100

/* --- the turn --- */

static void
pump(struct source *source)
{
	struct source_table *table = &source->table;
	struct source_stream *stream =
	    source_table_first(table, SOURCE_QUEUE_READ);

	if (source->mode == SOURCE_DOWN || source->is_paused ||
	    stream == NULL || !source_pace_may_go(source->pace))
		return;
	for (size_t i = 0; stream != NULL && i < IN_FLIGHT_MAX &&
	     source->in_flight < IN_FLIGHT_MAX;
	     i++) {
		source_table_leave(table, SOURCE_QUEUE_READ, stream);
		source_read_step(stream);
		if (i % HURRY_READS == HURRY_READS - 1)
			redis_link_hurry(source->read);
		stream = source_table_first(table, SOURCE_QUEUE_READ);
	}
	if (stream == NULL && source_pace_went(source->pace))
		redis_link_hold(source->push, true);
	if (source->in_flight > 0)
		source_window_yield(source);
}

static void
on_turn(void *arg)
{
	struct source *source = arg;

	if (source->mode == SOURCE_DOWN)
		source_window_fail_all(source);
	pump(source);
}

void
source_wake(struct source *source)
{
	if (!source->is_closing)
		turn_want(source->turn);
}

static void
on_pause_over(void *arg)
{
	struct source *source = arg;

	if (source->is_closing)
		return;
	redis_link_hear(source->push);
	pump(source);
	if (source_pace_may_go(source->pace))
		redis_link_hold(source->push, false);
}

/* --- the tick: sweep, poll, checks --- */

static void
sweep(struct source *source)
{
	struct source_table *table = &source->table;
	uint64_t due;

	source->sweep_credit += table->count * TICK_MS;
	due = source->sweep_credit / source->options.sweep_ms;
	source->sweep_credit %= source->options.sweep_ms;
	if (due > SWEEP_PER_TICK_MAX)
		due = SWEEP_PER_TICK_MAX;
	for (uint64_t i = 0; i < due && i < table->count; i++) {
		if (source->sweep_at >= table->count)
			source->sweep_at = 0;
		source_read_mark(table->all[source->sweep_at++], false);
	}
}

/* A round begins when the last one is through: a slow Redis is not buried. */
static void
poll_streams(struct source *source)
{
	if (source->in_flight == 0 &&
	    source_table_first(&source->table, SOURCE_QUEUE_READ) == NULL)
		source_read_mark_all(source, false);
}

static void
on_tick(uv_timer_t *timer)
{
	struct source *source = timer->data;
	uint64_t now_ms = uv_now(source->loop);

	source_pace_tick(source->pace);
	if (source->mode == SOURCE_DOWN)
		return;
	if (source->mode == SOURCE_POLL) {
		poll_streams(source);
	} else if (source->options.safeguard_sweep) {
		source_read_confirm(source, now_ms);
		sweep(source);
	}
	source_track_tick(source, now_ms);
}

static void
set_tick(struct source *source)
{
	uint64_t period_ms =
	    source->mode == SOURCE_POLL ? source->options.poll_ms : TICK_MS;

	uv_timer_start(&source->tick, on_tick, period_ms, period_ms);
}

/* --- up and down --- */

static void
want_all_again(struct source *source)
{
	struct source_table *table = &source->table;

	for (size_t i = 0; i < table->count; i++) {
		struct source_stream *stream = table->all[i];

		stream->needs_proof = true;
		if (!source->options.safeguard_rearm && stream->is_positioned)
			continue; /* a test wants to see it go deaf */
		stream->wants_open = true;
		stream->wants_read = true;
		if (!stream->is_busy)
			source_table_enter(table, SOURCE_QUEUE_READ, stream);
	}
	source_wake(source);
}

void
source_came_up(struct source *source, enum source_mode mode)
{
	assert(source->mode == SOURCE_DOWN);
	source->mode = mode;
	source->was_told_down = false;
	stat_set(source->stats, redis_up, 1);
	set_tick(source);
	log_event(LOG_LEVEL_INFO, "source", "up", "wakeup",
	    source_wakeup(source), NULL);
	want_all_again(source);
	redis_link_start(source->window);
	hub_source_up(source->hub, clock_mono_ms());
	if (source->events.up != NULL)
		source->events.up(source->arg);
}

void
source_went_down(struct source *source, const char *reason)
{
	source->mode = SOURCE_DOWN;
	stat_set(source->stats, redis_up, 0);
	stats_reconnect(source->stats, reason);
	source_window_fail_all(source);
	if (source->was_told_down)
		return;
	source->was_told_down = true;
	hub_source_down(source->hub);
	if (source->events.down != NULL)
		source->events.down(source->arg, reason);
}

/* --- what the hub asks --- */

static void
follow(void *arg, uint64_t stream_id, struct view key)
{
	struct source *source = arg;
	struct source_stream *stream =
	    source_table_add(&source->table, stream_id, key);

	stream->source = source;
	stream->wants_open = true;
	stream->wants_read = true;
	source_table_enter(&source->table, SOURCE_QUEUE_READ, stream);
	source_wake(source);
}

static void
unfollow(void *arg, uint64_t stream_id)
{
	struct source *source = arg;
	struct source_stream *stream =
	    source_table_by_id(&source->table, stream_id);

	if (stream != NULL)
		source_table_remove(&source->table, stream);
}

static void
inspect(void *arg, uint64_t stream_id)
{
	struct source *source = arg;
	struct source_stream *stream =
	    source_table_by_id(&source->table, stream_id);

	if (stream == NULL)
		return;
	stream->wants_open = true;
	if (!stream->is_busy)
		source_table_enter(&source->table, SOURCE_QUEUE_READ, stream);
	source_wake(source);
}

static void
fetch(void *arg, uint64_t stream_id, uint64_t window_id, struct entry_id after,
    uint64_t since_ms, size_t max_bytes)
{
	source_window_fetch(
	    arg, stream_id, window_id, after, since_ms, max_bytes);
}

const struct hub_source_ops source_hub_ops = { follow, unfollow, inspect,
	fetch };

/* --- public --- */

struct source *
source_new(struct uv_loop_s *loop, const struct redis_target *target,
    const struct source_options *options, struct stats *stats,
    const struct source_events *events, void *arg)
{
	struct source *source = xcalloc(1, sizeof(*source));

	source->loop = loop;
	source->options = *options;
	if (source->options.sweep_ms == 0)
		source->options.sweep_ms = 30000;
	if (source->options.poll_ms == 0)
		source->options.poll_ms = 50;
	source->stats = stats;
	source->events = *events;
	source->arg = arg;
	source->may_yield = true;
	source_table_init(
	    &source->table, uv_hrtime() ^ (uint64_t)(uintptr_t)source);
	source->pace =
	    source_pace_new(loop, options->pace_max_us, on_pause_over, source);
	source->turn = turn_new(loop, TURN_AFTER_POLL, on_turn, source);
	uv_timer_init(loop, &source->tick);
	source->tick.data = source;
	source_track_init(source, target);
	return source;
}

void
source_set_pace(struct source *source, unsigned pace_max_us)
{
	source->options.pace_max_us = pace_max_us;
	source_pace_set(source->pace, pace_max_us);
}

void
source_pause(struct source *source, bool is_paused)
{
	source->is_paused = is_paused;
	if (is_paused || source->mode == SOURCE_DOWN)
		return;
	if (source->window_is_ready)
		source_window_send_all(source);
	source_wake(source);
}

void
source_attach(struct source *source, struct hub *hub)
{
	source->hub = hub;
}

void
source_start(struct source *source)
{
	assert(source->hub != NULL);
	set_tick(source);
	redis_link_start(source->read);
}

static void
on_tick_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
source_free(struct source **source_p)
{
	struct source *source = *source_p;

	if (source == NULL)
		return;
	*source_p = NULL;
	assert(source->watches == 0);
	source->is_closing = true;
	source->mode = SOURCE_DOWN;
	/* Every answer under way comes now, as NULL. */
	redis_link_free(&source->window);
	redis_link_free(&source->push);
	redis_link_free(&source->read);
	source_window_fail_all(source);
	source_table_fini(&source->table);
	source_entries_fini(&source->entries);
	source_pace_free(&source->pace);
	turn_free(&source->turn);
	uv_close((uv_handle_t *)&source->tick, on_tick_closed);
}

bool
source_is_up(const struct source *source)
{
	return source->mode != SOURCE_DOWN;
}

const char *
source_wakeup(const struct source *source)
{
	switch (source->mode) {
	case SOURCE_DOWN:
		return "down";
	case SOURCE_POLL:
		return "poll";
	case SOURCE_TRACKING:
		return "tracking";
	case SOURCE_BROADCAST:
		return "broadcast";
	}
	return "down";
}

uint64_t
source_latency_us(const struct source *source)
{
	return redis_link_latency_us(source->read);
}
