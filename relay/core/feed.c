/* SPDX-License-Identifier: MIT */

/* Live news: what the source has read behind the tail goes into the chains of
 * the topics in which somebody stands. */

#include "fill.h"
#include "hub_parts.h"
#include "window.h"

/* When nobody stands in any chain of the stream its entries are not looked at:
 * those who need them will read them in windows. */
static void
add_live_chains(struct fill *fill, struct stream *stream)
{
	for (size_t i = 0; i < stream->endpoints; i++) {
		struct topic *topic = stream->topics[i];
		if (topic != NULL && topic->chain.positions > 0)
			fill_add(fill, topic, &topic->chain);
	}
}

/* The position moved but nothing was sent: since when? */
static void
note_quiet(struct topic *topic, uint64_t now_ms)
{
	struct chain *chain = &topic->chain;
	bool is_quiet = !list_is_empty(&topic->quiet);
	bool was_sent = topic->quiet_number != (uint32_t)chain->sent_number;
	if (is_quiet && chain->unsent > 0 && !was_sent)
		return;
	list_remove(&topic->quiet);
	if (chain->unsent == 0 || topic->notices_count == 0)
		return;
	topic->quiet_since_ms = now_ms;
	topic->quiet_number = (uint32_t)chain->sent_number;
	list_add_tail(&topic->stream->hub->quiet, &topic->quiet);
}

static void
finish_topic(struct topic *topic, struct entry_id tail, uint64_t now_ms)
{
	struct chain *chain = &topic->chain;
	chain->tip = tail;
	if (chain->positions == 0)
		chain->unsent = 0;
	note_quiet(topic, now_ms);
	if (chain->next > chain->batch_start) {
		topic_is_dirty(topic);
		chain->batch_start = chain->next;
	}
}

/* Entries of which nobody has spoken lie between the tail and the batch: that
 * is not supposed to be, but if it is, it is said. */
static void
announce_hole(struct batch *batch, struct entry_id tail, struct entry_id first)
{
	batch->has_gap = true;
	batch->gap = (struct gap){
		.reason = GAP_TRIMMED, .after = tail, .through = first
	};
}

static struct entry_id
tail_behind(const struct batch *batch, struct entry_id tail)
{
	if (batch_voids_ids(batch))
		return batch->through;
	if (batch->count > 0 &&
	    entry_id_compare(batch->entries[batch->count - 1].id, tail) > 0)
		tail = batch->entries[batch->count - 1].id;
	return entry_id_compare(batch->through, tail) > 0 ? batch->through
							  : tail;
}

/* Those who had more than the live chain: now that it has come to their
 * cursor it must have met it. Else Redis has lost what they have, and only a
 * read of their own can tell. */
static void
check_beyond(struct stream *stream, const struct batch *batch)
{
	list_foreach(at, &stream->beyond) {
		struct subscription *one =
		    list_entry(at, struct subscription, aside);
		struct entry_id scanned = one->scanned;
		if (!batch_voids_ids(batch) &&
		    entry_id_compare(scanned, stream->tail) > 0)
			continue;
		list_remove(at);
		if (batch_voids_ids(batch) || batch_has_entry(batch, scanned) ||
		    entry_id_compare(scanned, batch->through) == 0)
			continue;
		subscription_wait(one, scanned);
		subscription_settle(one);
	}
}

void
hub_stream_feed(struct hub *hub, uint64_t stream_id,
    const struct batch *from_source, uint64_t now_ms)
{
	struct stream *stream = stream_map_by_id(&hub->streams, stream_id);
	hub->now_ms = now_ms;
	if (stream == NULL || !stream->is_open)
		return;
	struct batch batch = *from_source;
	if (!batch.has_gap && entry_id_compare(batch.after, stream->tail) > 0)
		announce_hole(&batch, stream->tail, batch.after);
	if (batch_voids_ids(&batch)) {
		stream->generation++;
		stream_forget_judged(stream);
	}
	struct fill fill;
	fill_init(&fill, stream, true);
	add_live_chains(&fill, stream);
	fill_batch(&fill, &batch, stream->tail);
	if (fill.chain_count == 0)
		stat_add(hub->stats, events_unwatched, batch.count);
	stream->tail = tail_behind(&batch, stream->tail);
	for (size_t i = 0; i < stream->endpoints; i++)
		if (stream->topics[i] != NULL)
			finish_topic(stream->topics[i], stream->tail, now_ms);
	check_beyond(stream, &batch);
}
