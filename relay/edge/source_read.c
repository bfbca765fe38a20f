/* SPDX-License-Identifier: MIT */
#include "source_parts.h"

#include "clock.h"
#include "log.h"
#include "source_ask.h"
#include "stats.h"

#include <stdlib.h>

/*
 * Reading a live stream. A read starts at the predecessor of the position, so
 * that the position's own entry comes first: there it is, nothing was lost.
 * If it is missing, a transaction of XINFO and XREAD decides what happened.
 *
 * Reading also arms the key, so each push is answered by one read. A stream
 * that brought news is read once more when it has been quiet for a second:
 * should a push ever be lost, then hardly behind the news of a lively stream.
 * More is not needed, and at once behind every read it doubles the cost.
 *
 * Where polling takes the place of pushes, most reads are probes: they start
 * at the position itself and only ask whether there is anything. An empty
 * answer costs next to nothing; any other is not used, but read again with the
 * own entry in front.
 *
 * One question at a time for each stream: is_busy from the question until
 * finish(). Whoever is told in between may unfollow; the stream then lives
 * until finish() sees it.
 */

#define CONFIRM_MS 1000
/* While polling, a deletion is noticed within so long. */
#define PROBE_US (1000 * 1000)

/* --- marks --- */

void
source_read_mark(struct source_stream *stream, bool pushed)
{
	struct source *source = stream->source;

	stream->wants_read = true;
	if (pushed) {
		stream->was_pushed = true;
		stream->news_at_push = stream->news;
	}
	if (stream->is_busy)
		return;
	source_table_enter(&source->table, SOURCE_QUEUE_READ, stream);
	source_wake(source);
}

void
source_read_mark_all(struct source *source, bool pushed)
{
	for (size_t i = 0; i < source->table.count; i++)
		source_read_mark(source->table.all[i], pushed);
}

/* Every pause is the same, so the queue stands in the order of time. */
static void
confirm_later(struct source_stream *stream)
{
	struct source_table *table = &stream->source->table;

	if (stream->is_removed)
		return;
	stream->confirm_ms = uv_now(stream->source->loop) + CONFIRM_MS;
	source_table_leave(table, SOURCE_QUEUE_CONFIRM, stream);
	source_table_enter(table, SOURCE_QUEUE_CONFIRM, stream);
}

void
source_read_confirm(struct source *source, uint64_t now_ms)
{
	struct source_table *table = &source->table;
	struct source_stream *stream =
	    source_table_first(table, SOURCE_QUEUE_CONFIRM);

	while (stream != NULL && stream->confirm_ms <= now_ms) {
		source_table_leave(table, SOURCE_QUEUE_CONFIRM, stream);
		source_read_mark(stream, false);
		stream = source_table_first(table, SOURCE_QUEUE_CONFIRM);
	}
}

/* --- one question at a time --- */

static void
begin(struct source_stream *stream)
{
	stream->is_busy = true;
	stream->source->in_flight++;
}

static void
finish(struct source_stream *stream)
{
	struct source *source = stream->source;

	stream->is_busy = false;
	source->in_flight--;
	source_window_go_on(source);
	if (stream->is_removed) {
		source_stream_free(stream);
		return;
	}
	if (stream->wants_open || stream->wants_read)
		source_table_enter(&source->table, SOURCE_QUEUE_READ, stream);
	if (source_table_first(&source->table, SOURCE_QUEUE_READ) != NULL)
		source_wake(source);
}

/* The answer never came: the connection is lost, and all is asked anew when it
 * is back; or nobody wants it any more. */
static void
finish_lost(struct source_stream *stream)
{
	stream->wants_read = true;
	stream->needs_proof = true;
	if (stream->is_positioned)
		stream->mean_bytes = source_ask_less(stream->mean_bytes);
	finish(stream);
}

static void
drop_link(struct source_stream *stream, const struct redis_value *answer)
{
	const char *reason = source_parse_reason(answer);
	struct source *source = stream->source;

	log_throttled(LOG_LEVEL_WARN, "source", "unexpected_answer", "link",
	    "read", "reason", reason, NULL);
	finish_lost(stream);
	redis_link_reset(source->read, reason);
}

/* --- what is told --- */

void
source_read_opened(struct source_stream *stream, const struct stream_info *info)
{
	if (stream->watch == NULL)
		hub_stream_opened(
		    stream->source->hub, stream->id, info, clock_mono_ms());
}

static void
tell_wrong_type(struct source_stream *stream)
{
	const struct stream_info info = { .exists = true,
		.wrong_type = true,
		.redis_now_ms = clock_unix_ms() };

	if (stream->is_wrong_type)
		return;
	stream->is_wrong_type = true;
	source_read_opened(stream, &info);
}

/* Hands on the entries from index `first`, and what lies in front of them. */
static void
feed(struct source_stream *stream, size_t first, const struct gap *gap,
    struct entry_id through)
{
	struct source *source = stream->source;
	struct source_entries *entries = &source->entries;
	struct batch batch = {
		.after = stream->position,
		.through = through,
		.has_gap = gap != NULL,
		.entries = entries->items + first,
		.count = entries->count - first,
	};

	if (gap != NULL)
		batch.gap = *gap;
	stream->position = through;
	stream->is_wrong_type = false;
	if (batch.count > 0) {
		stream->news++;
		source_pace_news(source->pace);
	}
	if (stream->watch != NULL) {
		source_watch_entries(stream->watch, entries, first);
		return;
	}
	hub_stream_feed(source->hub, stream->id, &batch, clock_mono_ms());
	if (source->events.news != NULL)
		source->events.news(source->arg);
}

/* Bookkeeping common to all answers that are a proof, or settle a gap. */
static void
note_answer(struct source_stream *stream, size_t news)
{
	struct source *source = stream->source;
	struct source_entries *entries = &source->entries;

	stream->mean_bytes =
	    source_ask_mean(stream->mean_bytes, entries->bytes, entries->count);
	stream->needs_proof = false;
	stream->proven_us = stream->read_us;
	if (entries->count >= stream->read_count)
		stream->wants_read = true; /* behind all others */
	if (news > 0) {
		source->useful++;
		confirm_later(stream);
		return;
	}
	stream->avoids_probe = false; /* it has become quiet */
	stat_add(source->stats, source_empty_reads, 1);
	if (stream->read_was_pushed && stream->news == stream->news_at_push)
		source->wasted++;
}

static struct entry_id
last_id(const struct source_entries *entries, struct entry_id otherwise)
{
	return entries->count > 0 ? entries->items[entries->count - 1].id
				  : otherwise;
}

/* --- the transaction that decides --- */

static bool
find_gap(const struct source_stream *stream, const struct source_info *info,
    size_t first, struct gap *gap_r)
{
	const struct source_entries *entries = &stream->source->entries;

	if (entry_id_is_zero(stream->position))
		return source_proof_start(info, stream->position, gap_r);
	if (first > 0) /* its own is there */
		return false;
	return source_proof_gap(info, stream->position,
	    first < entries->count ? entries->items[first].id : ENTRY_ID_ZERO,
	    gap_r);
}

/* The position is void: the feed goes on from the tail, whoever wants what is
 * there reads it as a window. */
static void
feed_void(struct source_stream *stream, const struct source_info *info,
    const struct gap *gap)
{
	stream->source->entries.count = 0;
	feed(stream, 0, gap, info->newest);
}

static void
feed_proven(struct source_stream *stream, const struct source_info *info)
{
	struct source_entries *entries = &stream->source->entries;
	size_t first = source_entries_behind(entries, stream->position);
	size_t news = entries->count - first;
	struct gap gap;
	bool has_gap = find_gap(stream, info, first, &gap);
	struct entry_id through = has_gap ? gap.through : stream->position;

	note_answer(stream, news + has_gap);
	if (has_gap &&
	    (gap.reason == GAP_REWOUND || gap.reason == GAP_RECREATED))
		feed_void(stream, info, &gap);
	else if (news > 0 || has_gap)
		feed(stream, first, has_gap ? &gap : NULL,
		    last_id(entries, through));
}

static void
on_proof(void *arg, const struct redis_value *answer)
{
	struct source_stream *stream = arg;
	struct source *source = stream->source;
	struct source_info info;
	struct entry_id after = entry_id_before(stream->position);

	if (answer == NULL || stream->is_removed) {
		finish_lost(stream);
		return;
	}
	if (redis_value_count(answer) != 2 ||
	    source_parse_info(redis_value_at(answer, 0), &info) != 0) {
		drop_link(stream, answer);
		return;
	}
	if (info.wrong_type) {
		tell_wrong_type(stream);
		finish(stream);
		return;
	}
	if (source_parse_entries(
		redis_value_at(answer, 1), after, &source->entries) != 0) {
		drop_link(stream, answer);
		return;
	}
	feed_proven(stream, &info);
	finish(stream);
}

/* Takes the place of the read that was not enough. */
static void
send_proof(struct source_stream *stream)
{
	struct source *source = stream->source;

	stat_add(source->stats, source_reads, 1);
	if (source_ask_proof(source->read, source_stream_key(stream),
		entry_id_before(stream->position), stream->read_count, on_proof,
		stream) != 0)
		finish_lost(stream);
}

/* --- the plain read --- */

/* From a position that is no entry (nothing was there so far): the first
 * entries ever seen need the transaction, nothing needs nothing. */
static void
judge_first(struct source_stream *stream)
{
	if (stream->source->entries.count > 0) {
		send_proof(stream);
		return;
	}
	note_answer(stream, 0);
	finish(stream);
}

static void
judge_probe(struct source_stream *stream)
{
	if (stream->source->entries.count > 0) {
		stream->avoids_probe = true;
		stream->wants_read = true;
	} else {
		stat_add(stream->source->stats, source_empty_reads, 1);
	}
	finish(stream);
}

static void
judge_with_own(struct source_stream *stream)
{
	struct source_entries *entries = &stream->source->entries;
	bool has_own = entries->count > 0 &&
	    entry_id_compare(entries->items[0].id, stream->position) == 0;

	if (!has_own) {
		send_proof(stream);
		return;
	}
	note_answer(stream, entries->count - 1);
	if (entries->count > 1)
		feed(stream, 1, NULL, last_id(entries, stream->position));
	finish(stream);
}

static void
on_entries(void *arg, const struct redis_value *answer)
{
	struct source_stream *stream = arg;
	struct entry_id after = stream->read_is_probe
	    ? stream->position
	    : entry_id_before(stream->position);

	if (answer == NULL || stream->is_removed) {
		finish_lost(stream);
		return;
	}
	if (source_parse_is_wrong_type(answer)) {
		tell_wrong_type(stream);
		finish(stream);
		return;
	}
	if (source_parse_entries(answer, after, &stream->source->entries) !=
	    0) {
		drop_link(stream, answer);
		return;
	}
	if (entry_id_is_zero(stream->position))
		judge_first(stream);
	else if (stream->read_is_probe)
		judge_probe(stream);
	else
		judge_with_own(stream);
}

static bool
may_probe(const struct source_stream *stream, uint64_t now_us)
{
	return stream->source->mode == SOURCE_POLL && !stream->needs_proof &&
	    !stream->avoids_probe && !entry_id_is_zero(stream->position) &&
	    now_us - stream->proven_us <= PROBE_US;
}

static void
send_read(struct source_stream *stream)
{
	struct source *source = stream->source;
	uint64_t now_us = clock_mono_us();
	bool is_start = entry_id_is_zero(stream->position);

	stream->read_is_probe = may_probe(stream, now_us);
	stream->read_was_pushed = stream->was_pushed;
	stream->wants_read = false;
	stream->was_pushed = false;
	stream->read_us = now_us;
	stream->read_count = source_ask_count(
	    stream->mean_bytes, source_ask_bytes(source->in_flight));
	begin(stream);
	/* Where nothing was and something has come, the plain read would only
	 * say so: the first event of a session saves a round trip. */
	if (is_start && stream->read_was_pushed) {
		send_proof(stream);
		return;
	}
	stat_add(source->stats, source_reads, 1);
	if (source_ask_entries(source->read, source_stream_key(stream),
		stream->read_is_probe ? stream->position
				      : entry_id_before(stream->position),
		stream->read_count, on_entries, stream) != 0)
		finish_lost(stream);
}

/* --- opening --- */

static void
open_stream(struct source_stream *stream, const struct source_info *info,
    uint64_t redis_now_ms)
{
	const struct stream_info told = {
		.exists = info->exists,
		.wrong_type = info->wrong_type,
		.oldest = info->oldest,
		.newest = info->newest,
		.deleted = info->exists && !info->knows_deleted
		    ? (struct entry_id){ UINT64_MAX, UINT64_MAX }
		    : info->max_deleted,
		.redis_now_ms = redis_now_ms,
	};

	if (stream->mean_bytes == 0)
		stream->mean_bytes = info->entry_bytes;
	/* Behind another type nothing is left of what was followed before. */
	if (!info->wrong_type &&
	    (!stream->is_positioned || stream->is_wrong_type)) {
		stream->position = info->newest;
		stream->is_positioned = true;
		stream->wants_read = true; /* arms the key */
	}
	stream->is_wrong_type = info->wrong_type;
	source_read_opened(stream, &told);
}

static void
on_open(void *arg, const struct redis_value *answer)
{
	struct source_stream *stream = arg;
	struct source_info info;
	uint64_t redis_now_ms;

	if (answer == NULL || stream->is_removed) {
		stream->wants_open = true;
		finish_lost(stream);
		return;
	}
	if (redis_value_count(answer) != 2 ||
	    source_parse_time(redis_value_at(answer, 0), &redis_now_ms) != 0 ||
	    source_parse_info(redis_value_at(answer, 1), &info) != 0) {
		stream->wants_open = true;
		drop_link(stream, answer);
		return;
	}
	open_stream(stream, &info, redis_now_ms);
	finish(stream);
}

static void
send_open(struct source_stream *stream)
{
	stream->wants_open = false;
	if (!stream->is_positioned)
		stream->wants_read = false;
	begin(stream);
	if (source_ask_open(stream->source->read, source_stream_key(stream),
		on_open, stream) != 0) {
		stream->wants_open = true;
		finish_lost(stream);
	}
}

void
source_read_step(struct source_stream *stream)
{
	if (stream->wants_open || !stream->is_positioned)
		send_open(stream);
	else if (stream->wants_read)
		send_read(stream);
}
