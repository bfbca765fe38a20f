/* SPDX-License-Identifier: MIT */

/* Where a subscription begins: the stream was looked at, and from that and
 * what was asked for follows its first place. */

#include "open.h"

#include "hub_parts.h"
#include "keep.h"

/* From the tail as Redis knows it; entries up to there that the chain has
 * still to get are passed over. */
static void
begin_at_tail(struct subscription *subscription, const struct stream_info *info)
{
	struct chain *chain = &subscription->topic->chain;
	struct entry_id skip = ENTRY_ID_ZERO;
	if (entry_id_compare(info->newest, chain->tip) > 0)
		skip = info->newest;
	subscription_join(subscription, chain->next, skip);
	subscription->live_due = LIVE_AT_ONCE;
}

static void
begin_since(struct subscription *subscription, uint64_t since_ms,
    const struct stream_info *info)
{
	struct chain *chain = &subscription->topic->chain;
	struct entry_id before =
	    entry_id_before((struct entry_id){ .ms = since_ms, .seq = 0 });
	if (since_ms > info->newest.ms) {
		begin_at_tail(subscription, info);
		return;
	}
	subscription->live_due = LIVE_AT_TAIL;
	if (entry_id_compare(before, chain_base(chain)) >= 0 &&
	    entry_id_compare(before, chain->tip) <= 0) {
		subscription_join(subscription, chain_find_after(chain, before),
		    ENTRY_ID_ZERO);
		return;
	}
	subscription_wait(subscription, before);
	subscription->since_ms = since_ms;
}

static void
begin_behind(struct subscription *subscription, struct entry_id after,
    const struct stream_info *info)
{
	subscription_wait(subscription, after);
	if (info != NULL)
		keep_share(subscription, after, info);
}

void
subscription_begin_after(struct subscription *subscription,
    struct entry_id after, const struct stream_info *info)
{
	struct chain *chain = &subscription->topic->chain;
	subscription->live_due = LIVE_AT_TAIL;
	subscription->replayed = 0;
	if (chain_knows(chain, after))
		subscription_join(subscription, chain_find_after(chain, after),
		    ENTRY_ID_ZERO);
	else if (info != NULL && entry_id_compare(after, info->newest) == 0 &&
	    entry_id_compare(after, chain->tip) > 0)
		subscription_join(subscription, chain->next, after);
	else
		begin_behind(subscription, after, info);
}

static void
begin_live(struct subscription *subscription, const struct stream_info *info)
{
	uint64_t waited = subscription->hub->now_ms - subscription->asked_ms;
	bool is_late = subscription->asked_blind || waited > HUB_LATE_OPEN_MS;
	/* Who is held has sent nothing yet: the tail of now is before it. */
	if (!is_late || subscription->held)
		begin_at_tail(subscription, info);
	else
		begin_since(subscription, info->redis_now_ms - waited, info);
}

static void
begin(struct subscription *subscription, const struct stream_info *info)
{
	switch ((enum start_kind)subscription->start_kind) {
	case START_LIVE:
		begin_live(subscription, info);
		break;
	case START_AFTER:
		subscription_begin_after(
		    subscription, subscription->scanned, info);
		break;
	case START_SINCE:
		begin_since(subscription, subscription->since_ms, info);
		break;
	}
	if (subscription->held)
		subscription->live_due = LIVE_AT_ONCE;
}

static void
open_subscription(
    struct subscription *subscription, const struct stream_info *info)
{
	subscription->is_opened = true;
	if (subscription->place == PLACE_UNFIXED)
		begin(subscription, info);
	subscription_settle(subscription);
	subscription->ops->opened(subscription->arg, info);
}

static void
open_stream(struct stream *stream, const struct stream_info *info)
{
	stream->is_open = true;
	stream->tail = info->newest;
	if (stream->judged != NULL &&
	    entry_id_compare(judged_last(stream->judged), info->newest) > 0)
		stream_forget_judged(stream); /* it began anew */
	for (size_t i = 0; i < stream->endpoints; i++) {
		if (stream->topics[i] == NULL)
			continue;
		struct chain *chain = &stream->topics[i]->chain;
		chain->tip = stream->tail;
		chain->floor = chain->next;
	}
}

/* The key holds something else. All members end first, then they are told:
 * what they do then must find a hub that is in order. */
static void
close_stream(struct stream *stream)
{
	struct list told;
	list_init(&told);
	stream->is_open = false;
	stream->generation++;
	for (size_t i = 0; i < stream->endpoints; i++) {
		if (stream->topics[i] == NULL)
			continue;
		list_foreach(at, &stream->topics[i]->members) {
			struct subscription *member =
			    list_entry(at, struct subscription, member);
			if (member->place == PLACE_OVER)
				continue;
			list_remove(&member->aside);
			subscription_end(member);
			list_add_tail(&told, &member->link);
		}
	}
	while (!list_is_empty(&told)) {
		struct subscription *member =
		    list_entry(list_pop(&told), struct subscription, link);
		member->ops->unusable(member->arg);
	}
}

void
hub_stream_opened(struct hub *hub, uint64_t stream_id,
    const struct stream_info *info, uint64_t now_ms)
{
	struct stream *stream = stream_map_by_id(&hub->streams, stream_id);
	hub->now_ms = now_ms;
	if (stream == NULL)
		return;
	stream->is_fresh = true;
	stream->is_inspecting = false;
	if (info->wrong_type) {
		close_stream(stream);
		return;
	}
	if (!stream->is_open)
		open_stream(stream, info);
	struct list work;
	list_take(&work, &stream->opening);
	while (!list_is_empty(&work))
		open_subscription(
		    list_entry(list_pop(&work), struct subscription, aside),
		    info);
}
