/* SPDX-License-Identifier: MIT */
#include "source_parts.h"

#include "clock.h"
#include "log.h"
#include "source_ask.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Windows for those behind, on a connection of their own so that a big one
 * does not stand in front of live news. The same proof as for live reads: the
 * cursor's own entry comes first, or a transaction decides.
 *
 * When only this connection is lost, what was asked is asked again; when the
 * pair is lost, the hub is told and asks anew.
 */
struct source_window {
	struct source_window *next;
	struct source *source;
	uint64_t stream_id, window_id;
	struct view key; /* owned */
	struct entry_id after;
	bool is_since; /* `after` is a point in time, clamped to the tail */
	size_t max_bytes;
	uint32_t count;       /* COUNT of the read under way */
	struct entry_id live; /* how far the live feed was when it was sent */
	bool is_sent;
};

static void
free_window(struct source_window *window)
{
	free((char *)(uintptr_t)window->key.data);
	free(window);
}

/* O(n): the hub bounds how many are under way. */
static void
unlink_window(struct source_window *window)
{
	struct source_window **at = &window->source->windows;

	while (*at != window)
		at = &(*at)->next;
	*at = window->next;
}

/* --- whose turn it is --- */

/* An answer full of old entries takes its time. While news are on their way it
 * waits for them, but once only: news that come without end let a window pass
 * behind each of their answers. */
void
source_window_yield(struct source *source)
{
	if (source->windows == NULL || !source->may_yield)
		return;
	source->may_yield = false;
	source->is_yielding = true;
	redis_link_hold(source->window, true);
}

void
source_window_go_on(struct source *source)
{
	if (!source->is_yielding)
		return;
	source->is_yielding = false;
	if (!source->is_closing)
		redis_link_hold(source->window, false);
}

/* --- answers --- */

static void
fail_window(struct source_window *window)
{
	struct source *source = window->source;

	assert(!window->is_sent);
	unlink_window(window);
	if (!source->is_closing)
		hub_window_failed(
		    source->hub, window->stream_id, window->window_id);
	free_window(window);
}

void
source_window_fail_all(struct source *source)
{
	while (source->windows != NULL)
		fail_window(source->windows);
}

/* `tail`: how far the stream is known to go when the read was not full. What
 * lies between the last entry and the tail was deleted, so a subscriber that
 * has read this has got there. */
static void
deliver(struct source_window *window, size_t first, const struct gap *gap,
    struct entry_id tail)
{
	struct source *source = window->source;
	struct source_entries *entries = &source->entries;
	struct source_stream *stream =
	    source_table_by_id(&source->table, window->stream_id);
	bool is_tail = entries->count < window->count;
	struct batch batch = {
		.after = window->after,
		.through = gap != NULL ? gap->through : window->after,
		.has_gap = gap != NULL,
		.entries = entries->items + first,
		.count = entries->count - first,
	};

	if (gap != NULL)
		batch.gap = *gap;
	if (batch.count > 0)
		batch.through = entries->items[entries->count - 1].id;
	if (is_tail && entry_id_compare(tail, batch.through) > 0)
		batch.through = tail;
	if (stream != NULL)
		stream->mean_bytes = source_ask_mean(
		    stream->mean_bytes, entries->bytes, entries->count);
	source->may_yield = true;
	unlink_window(window);
	hub_window(source->hub, window->stream_id, window->window_id, &batch,
	    is_tail, clock_mono_ms());
	free_window(window);
	if (source->events.news != NULL)
		source->events.news(source->arg);
}

/* The cursor is void: no entries, only the gap and the tail. The hub goes on
 * there, or asks again from the beginning for those who want that. */
static void
deliver_void(struct source_window *window, const struct source_info *info,
    const struct gap *gap)
{
	window->source->entries.count = 0;
	deliver(window, 0, gap, info->newest);
}

static void
refuse_type(struct source_window *window)
{
	const struct stream_info info = { .exists = true,
		.wrong_type = true,
		.redis_now_ms = clock_unix_ms() };
	struct source_stream *stream =
	    source_table_by_id(&window->source->table, window->stream_id);

	if (stream != NULL)
		source_read_opened(stream, &info);
	fail_window(window);
}

/* It is asked for again when the link is back. */
static void
lose(struct source_window *window)
{
	struct source_stream *stream =
	    source_table_by_id(&window->source->table, window->stream_id);

	if (stream != NULL)
		stream->mean_bytes = source_ask_less(stream->mean_bytes);
}

/* An answer that is none of ours: the link starts anew, then this is asked
 * again. */
static void
drop_link(struct source_window *window, const struct redis_value *answer)
{
	const char *reason = source_parse_reason(answer);
	struct source *source = window->source;

	log_throttled(LOG_LEVEL_WARN, "source", "unexpected_answer", "link",
	    "window", "reason", reason, NULL);
	redis_link_reset(source->window, reason);
}

/* --- the transaction --- */

static void
judge_proof(struct source_window *window, const struct source_info *info)
{
	struct source_entries *entries = &window->source->entries;
	bool is_start = window->is_since || entry_id_is_zero(window->after);
	struct gap gap;
	bool has_gap;
	size_t first;

	if (window->is_since &&
	    entry_id_compare(window->after, info->newest) > 0)
		window->after = info->newest;
	first = source_entries_behind(entries, window->after);
	if (is_start)
		has_gap = source_proof_start(info, window->after, &gap);
	else
		has_gap = first == 0 &&
		    source_proof_gap(info, window->after,
			entries->count > 0 ? entries->items[0].id
					   : ENTRY_ID_ZERO,
			&gap);
	if (has_gap &&
	    (gap.reason == GAP_REWOUND || gap.reason == GAP_RECREATED))
		deliver_void(window, info, &gap);
	else
		deliver(window, first, has_gap ? &gap : NULL, info->newest);
}

static void
on_proof(void *arg, const struct redis_value *answer)
{
	struct source_window *window = arg;
	struct source_info info;

	window->is_sent = false;
	if (answer == NULL) {
		lose(window);
		return;
	}
	if (redis_value_count(answer) != 2 ||
	    source_parse_info(redis_value_at(answer, 0), &info) != 0) {
		drop_link(window, answer);
		return;
	}
	if (info.wrong_type) {
		refuse_type(window);
		return;
	}
	if (source_parse_entries(redis_value_at(answer, 1),
		entry_id_before(window->after),
		&window->source->entries) != 0) {
		drop_link(window, answer);
		return;
	}
	judge_proof(window, &info);
}

static void
send_proof(struct source_window *window)
{
	/* From a point in time nothing comes first to be dropped, but the
	 * predecessor costs nothing either. */
	window->is_sent = source_ask_proof(window->source->window, window->key,
			      entry_id_before(window->after), window->count,
			      on_proof, window) == 0;
}

/* --- the plain read --- */

static void
on_entries(void *arg, const struct redis_value *answer)
{
	struct source_window *window = arg;
	struct source_entries *entries = &window->source->entries;

	window->is_sent = false;
	if (answer == NULL) {
		lose(window);
		return;
	}
	if (source_parse_is_wrong_type(answer)) {
		refuse_type(window);
		return;
	}
	if (source_parse_entries(
		answer, entry_id_before(window->after), entries) != 0) {
		drop_link(window, answer);
		return;
	}
	if (entries->count > 0 &&
	    entry_id_compare(entries->items[0].id, window->after) == 0)
		deliver(window, 1, NULL, window->live);
	else
		send_proof(window);
}

static void
send_window(struct source_window *window)
{
	struct source *source = window->source;
	struct source_stream *stream =
	    source_table_by_id(&source->table, window->stream_id);

	window->live = ENTRY_ID_ZERO;
	if (stream != NULL && stream->is_positioned)
		window->live = stream->position;
	window->count = source_ask_count(
	    stream != NULL ? stream->mean_bytes : 0, window->max_bytes);
	if (window->is_since || entry_id_is_zero(window->after)) {
		send_proof(window);
		return;
	}
	window->is_sent = source_ask_entries(source->window, window->key,
			      entry_id_before(window->after), window->count,
			      on_entries, window) == 0;
}

void
source_window_send_all(struct source *source)
{
	struct source_window *window =
	    source->is_paused ? NULL : source->windows;

	for (; window != NULL; window = window->next)
		if (!window->is_sent)
			send_window(window);
}

void
source_window_fetch(struct source *source, uint64_t stream_id,
    uint64_t window_id, struct entry_id after, uint64_t since_ms,
    size_t max_bytes)
{
	struct source_stream *stream =
	    source_table_by_id(&source->table, stream_id);
	struct source_window *window = xcalloc(1, sizeof(*window));
	struct source_window **end = &source->windows;

	assert(stream != NULL); /* the hub fetches only what it follows */
	window->source = source;
	window->stream_id = stream_id;
	window->window_id = window_id;
	window->key = view_make(
	    xstrndup(stream->key, stream->key_length), stream->key_length);
	window->after = after;
	window->max_bytes = max_bytes;
	if (since_ms > 0) {
		window->is_since = true;
		window->after =
		    entry_id_before((struct entry_id){ since_ms, 0 });
	}
	while (*end != NULL)
		end = &(*end)->next;
	*end = window;
	if (source->mode == SOURCE_DOWN)
		source_wake(source); /* fails from the loop */
	else if (source->window_is_ready && !source->is_paused) {
		send_window(window);
		redis_link_hurry(source->window);
	}
	if (source->in_flight > 0)
		source_window_yield(source);
}
