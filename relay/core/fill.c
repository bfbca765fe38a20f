/* SPDX-License-Identifier: MIT */
#include "fill.h"

#include "event_frame.h"
#include "hub_parts.h"

/* What became of an entry in the view that made most of it. */
enum fate { FATE_FILTERED, FATE_WITHHELD, FATE_FRAMED };

bool
batch_voids_ids(const struct batch *batch)
{
	return batch->has_gap &&
	    (batch->gap.reason == GAP_RECREATED ||
		batch->gap.reason == GAP_REWOUND);
}

bool
batch_has_entry(const struct batch *batch, struct entry_id id)
{
	size_t low = 0;
	size_t high = batch->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = entry_id_compare(batch->entries[middle].id, id);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

void
fill_init(struct fill *fill, struct stream *stream, bool is_live)
{
	*fill = (struct fill){ .stream = stream, .is_live = is_live };
}

void
fill_add(struct fill *fill, struct topic *topic, struct chain *chain)
{
	fill->chains[topic->endpoint] = chain;
	fill->marks[topic->endpoint] = topic->notices_count > 0;
	fill->chain_count++;
	chain->batch_start = chain->next;
}

static void
was_told(struct chain *chain)
{
	chain->unsent = 0;
	chain->sent_number = chain->next;
}

static void
append_gap(struct chain *chain, const struct gap *gap)
{
	struct frame frame = { .kind = FRAME_GAP,
		.id = gap->through,
		.command = gap->resumes_at,
		.reason = (uint8_t)gap->reason,
		.resumes_known = gap->resumes_known };
	bool is_void =
	    gap->reason == GAP_RECREATED || gap->reason == GAP_REWOUND;
	if (!is_void && entry_id_compare(frame.id, chain->tip) < 0)
		frame.id = chain->tip;
	chain_append(chain, &frame);
	if (is_void)
		chain->floor = chain->next;
	was_told(chain);
}

/* Refusals of one batch that follow each other are one mark: nobody can have
 * passed it yet. */
static void
append_refusal(struct chain *chain, struct entry_id id)
{
	struct frame *last = chain_last(chain);
	if (chain->next > chain->batch_start && last != NULL &&
	    last->kind == FRAME_GAP && last->reason == GAP_DEAD_LETTERED) {
		last->id = id;
		chain->tip = id;
		was_told(chain);
		return;
	}
	append_gap(
	    chain, &(struct gap){ .reason = GAP_DEAD_LETTERED, .through = id });
}

static void
append_event(struct chain *chain, const struct topic *topic,
    const struct batch_entry *entry, const struct verdict *verdict)
{
	const struct contract *contract = topic->stream->hub->contract;
	size_t endpoint = topic->endpoint;
	struct event_frame text;
	size_t length = event_frame_plan(&text, entry->id, verdict->object,
	    verdict->is_empty_object,
	    contract->endpoints[endpoint].splice_cursor);
	bool is_direct =
	    verdict->direct[endpoint] && !entry_id_is_zero(entry->command);
	struct frame frame = { .id = entry->id,
		.command = entry->command,
		.length = (uint32_t)length,
		.kind = is_direct ? FRAME_DIRECT : FRAME_DATA,
		.is_terminal = verdict->terminal[endpoint] };
	event_frame_write(&text, chain_append(chain, &frame));
	if (is_direct)
		chain->unsent++; /* most of those who listen get nothing */
	else
		was_told(chain);
}

static enum fate
take(struct chain *chain, const struct topic *topic,
    const struct batch_entry *entry, const struct verdict *verdict)
{
	switch ((enum judge_view)verdict->view[topic->endpoint]) {
	case VIEW_DELIVER:
		append_event(chain, topic, entry, verdict);
		return FATE_FRAMED;
	case VIEW_REFUSE:
		append_refusal(chain, entry->id);
		return FATE_WITHHELD;
	case VIEW_OTHER:
		break;
	}
	chain->tip = entry->id;
	chain->unsent++;
	return FATE_FILTERED;
}

static void
note_cursor(struct chain *chain, bool marks)
{
	if (!marks || chain->unsent < HUB_CURSOR_ENTRIES)
		return;
	chain_append(
	    chain, &(struct frame){ .kind = FRAME_CURSOR, .id = chain->tip });
	was_told(chain);
}

static enum judge_look
look_at(const struct stream *stream, struct entry_id id)
{
	if (stream->judged == NULL)
		return LOOK_FIRST;
	if (judged_has(stream->judged, id))
		return LOOK_AGAIN;
	return judged_had(stream->judged, id) ? LOOK_ANEW : LOOK_FIRST;
}

static enum fate
fill_entry(struct fill *fill, const struct batch_entry *entry)
{
	struct stream *stream = fill->stream;
	struct verdict verdict;
	enum fate best = FATE_FILTERED;
	judge_entry(stream->hub->judge, stream_key_view(stream), entry,
	    look_at(stream, entry->id), &verdict);
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++) {
		struct chain *chain = fill->chains[i];
		if (chain == NULL)
			continue;
		enum fate fate =
		    take(chain, stream->topics[i], entry, &verdict);
		note_cursor(chain, fill->marks[i]);
		best = fate > best ? fate : best;
	}
	return best;
}

static void
count(const struct fill *fill, size_t looked_at, const size_t fates[3])
{
	struct stats *stats = fill->stream->hub->stats;
	if (fill->is_live)
		stat_add(stats, events_read, looked_at);
	else
		stat_add(stats, events_window, looked_at);
	stat_add(stats, events_filtered, fates[FATE_FILTERED]);
	stat_add(stats, events_withheld, fates[FATE_WITHHELD]);
	stat_add(stats, events_framed, fates[FATE_FRAMED]);
}

void
fill_batch(struct fill *fill, const struct batch *batch, struct entry_id after)
{
	size_t fates[3] = { 0 };
	size_t looked_at = 0;
	if (fill->chain_count == 0)
		return;
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		if (fill->chains[i] != NULL && batch->has_gap)
			append_gap(fill->chains[i], &batch->gap);
	if (batch_voids_ids(batch))
		return;
	for (size_t i = 0; i < batch->count; i++) {
		const struct batch_entry *entry = &batch->entries[i];
		if (entry_id_compare(entry->id, after) <= 0)
			continue;
		fates[fill_entry(fill, entry)]++;
		looked_at++;
	}
	stream_was_judged(fill->stream, after, batch->through);
	count(fill, looked_at, fates);
}
