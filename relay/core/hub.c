/* SPDX-License-Identifier: MIT */
#include "hub.h"

#include "budget.h"
#include "deliver.h"
#include "fan.h"
#include "hub_parts.h"
#include "keep.h"
#include "open.h"
#include "twin.h"
#include "window.h"
#include "ws_deflate.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

struct hub *
hub_new(const struct hub_options *options, const struct contract *contract,
    struct judge *judge, struct stats *stats,
    const struct hub_source_ops *source, void *source_arg)
{
	assert(contract->endpoint_count <= JUDGE_ENDPOINTS_MAX);
	struct hub *hub = xcalloc(1, sizeof(*hub));
	hub->options = *options;
	hub->contract = contract;
	hub->judge = judge;
	hub->stats = stats;
	hub->source = source;
	hub->source_arg = source_arg;
	hub->is_up = true; /* streams are not opened before it is */
	block_pool_init(&hub->pool);
	stream_map_init(&hub->streams);
	list_init(&hub->dirty);
	list_init(&hub->runnable);
	list_init(&hub->reading);
	list_init(&hub->stuck);
	list_init(&hub->hungry);
	list_init(&hub->paused);
	list_init(&hub->quiet);
	list_init(&hub->loaded);
	list_init(&hub->windows);
	return hub;
}

void
hub_reload(struct hub *hub, const struct hub_options *options,
    const struct contract *contract)
{
	hub->options = *options;
	hub->contract = contract;
	keep_forget(hub, NULL);
	stream_map_age(&hub->streams);
	judged_memo_age(&hub->judged);
}

void
hub_bound(struct hub *hub, const struct hub_options *options)
{
	hub->options = *options;
}

void
hub_free(struct hub **hub)
{
	struct hub *old = *hub;
	if (old == NULL)
		return;
	*hub = NULL;
	assert(old->subscription_count == 0 && old->window_count == 0);
	stream_map_fini(&old->streams);
	block_pool_fini(&old->pool);
	judged_memo_fini(&old->judged);
	for (size_t form = 0; form < FORM_COUNT; form++)
		ws_deflater_free(&old->deflaters[form]);
	free(old);
}

void
hub_gauges(struct hub *hub)
{
	stat_set(hub->stats, streams_followed, hub->streams.count);
	stat_set(hub->stats, subscriptions, hub->subscription_count);
	stat_set(hub->stats, behind_clients, hub->behind_count);
	stat_set(hub->stats, blocks_bytes, hub->pool.bytes);
}

/* Where the tail is known a live start is fixed at once, so that what is added
 * from now on is not missed; that the stream was looked at follows. */
static void
begin_in_open_stream(struct subscription *subscription)
{
	struct topic *topic = subscription->topic;
	struct stream *stream = topic->stream;
	struct hub *hub = subscription->hub;
	if (!hub->is_up || !stream->is_fresh)
		return; /* it will be opened again */
	if (stream->is_open && subscription->start_kind == START_LIVE) {
		subscription_join(
		    subscription, topic->chain.next, ENTRY_ID_ZERO);
		subscription->live_due = LIVE_AT_ONCE;
	}
	if (!stream->is_inspecting) {
		stream->is_inspecting = true;
		hub->source->inspect(hub->source_arg, stream->id);
	}
}

struct subscription *
hub_subscribe(struct hub *hub, struct view key, size_t endpoint,
    struct start start, bool notices, bool held,
    const struct subscriber_ops *ops, void *arg, uint64_t now_ms)
{
	struct stream *stream = stream_map_by_key(&hub->streams, key);
	bool is_new = stream == NULL;
	hub->now_ms = now_ms;
	if (is_new) {
		stream = stream_new(hub, ++hub->last_stream_id, key);
		stream_map_add(&hub->streams, stream);
	}
	struct topic *topic = stream_topic(stream, endpoint);
	struct subscription *subscription =
	    subscription_new(topic, ops, arg, start);
	subscription->notices = notices;
	subscription->held = held;
	subscription->asked_ms = now_ms;
	subscription->asked_blind = !hub->is_up;
	topic->notices_count += notices;
	hub->subscription_count++;
	list_add_tail(&stream->opening, &subscription->aside);
	if (is_new)
		hub->source->follow(hub->source_arg, stream->id, key);
	else
		begin_in_open_stream(subscription);
	subscription_settle(subscription);
	hub_gauges(hub);
	return subscription;
}

void
hub_deflate(struct subscription *subscription, unsigned window_bits)
{
	subscription->form = (uint8_t)twin_form(window_bits);
}

void
hub_write_straight(
    struct subscription *subscription, hub_write_fn *write, void *arg)
{
	subscription->straight = write;
	subscription->straight_arg = arg;
}

void
hub_unsubscribe(struct hub *hub, struct subscription **subscription)
{
	if (*subscription == NULL)
		return;
	struct topic *topic = (*subscription)->topic;
	struct stream *stream = topic->stream;
	subscription_free(subscription);
	hub->subscription_count--;
	if (topic->member_count == 0) {
		keep_forget(hub, topic);
		topic_free(&topic);
	}
	if (stream->topic_count == 0) {
		uint64_t stream_id = stream->id;
		stream_map_remove(&hub->streams, stream);
		stream_free(&stream);
		hub->source->unfollow(hub->source_arg, stream_id);
	}
	hub_gauges(hub);
}

/* Where a replay has begun, its end is to be told. */
static void
expect_tail(struct subscription *subscription)
{
	subscription->live_due = LIVE_AT_TAIL;
	if (subscription->place == PLACE_LIVE)
		subscription->live_at = subscription->topic->chain.next;
}

void
hub_release(struct hub *hub, struct subscription *subscription)
{
	(void)hub;
	if (!subscription->held)
		return;
	subscription->held = false;
	if (subscription->place != PLACE_UNFIXED &&
	    subscription->start_kind != START_LIVE)
		expect_tail(subscription);
	subscription_settle(subscription);
}

void
hub_seek(
    struct hub *hub, struct subscription *subscription, struct entry_id after)
{
	(void)hub;
	assert(!subscription->is_serving);
	subscription->held = false;
	subscription->start_kind = START_AFTER;
	if (subscription->place == PLACE_UNFIXED) {
		subscription->scanned = after;
		subscription->since_ms = 0;
	} else if (subscription->place != PLACE_OVER) {
		subscription_begin_after(subscription, after, NULL);
	}
	subscription_settle(subscription);
}

void
hub_resume(struct hub *hub, struct subscription *subscription)
{
	(void)hub;
	if (!subscription->full)
		return;
	subscription->full = false;
	subscription_settle(subscription);
}

bool
hub_position(
    const struct subscription *subscription, struct entry_id *scanned_r)
{
	if (subscription->place == PLACE_UNFIXED ||
	    subscription->place == PLACE_OVER)
		return false;
	*scanned_r = subscription_scanned(subscription);
	/* A point in time is no position; what was read behind it is. */
	return subscription->since_ms == 0 ||
	    entry_id_compare(*scanned_r, subscription->scanned) > 0;
}

/* Every stream: no answer that is still under way counts any more. */
static void
forget_answers(struct stream *stream)
{
	stream->is_fresh = false;
	stream->is_inspecting = false;
	window_cancel(stream);
}

void
hub_source_down(struct hub *hub)
{
	hub->is_up = false;
	hub->in_flight = 0;
	hub->void_windows = hub->last_window_id;
	keep_forget(hub, NULL);
	for (size_t i = 0; i < hub->streams.buckets; i++) {
		struct stream *stream = hub->streams.by_id[i];
		for (; stream != NULL; stream = stream->next_by_id)
			forget_answers(stream);
	}
}

void
hub_source_up(struct hub *hub, uint64_t now_ms)
{
	hub->now_ms = now_ms;
	hub->is_up = true;
	windows_unpause(hub);
}

/* Each write drives most of what is not the kernel's out of the cache. While it
 * goes on, what the next one needs comes back: first the subscription, then,
 * when that is there, what it writes to. */
static void
fetch_ahead(const struct list *work, struct fan *fan)
{
	const struct list *next = work->next;
	const struct list *second = next->next;
	fan->next = NULL;
	if (next != work) {
		fan->next = list_entry(next, struct subscription, link);
		fan->next_peer = fan->next->straight_arg;
		subscription_fetch_peer(fan->next_peer);
	}
	if (second != work)
		subscription_fetch(
		    list_entry(second, struct subscription, link));
}

static void
serve_topic(struct topic *topic)
{
	struct list work;
	struct fan fan;
	list_take(&work, &topic->ready);
	fan_begin(&fan, topic);
	while (!list_is_empty(&work)) {
		struct subscription *first =
		    list_entry(list_pop(&work), struct subscription, link);
		fetch_ahead(&work, &fan);
		if (!fan_serve(&fan, first))
			deliver(first);
	}
	fan_count(&fan);
	budget_check_topic(topic);
}

static uint64_t
written(const struct hub *hub)
{
	return stat_get(hub->stats, bytes_sent) +
	    stat_get(hub->stats, writes) * HUB_WRITE_WEIGHT;
}

/* Thousands may come back at once: each gets its window in turn, so many in
 * each turn of the loop, and those who are live come first in every one. */
static void
serve_reading(struct hub *hub)
{
	uint64_t limit = written(hub) + HUB_READING_BYTES;
	while (!list_is_empty(&hub->reading) && written(hub) < limit)
		deliver(list_entry(
		    list_pop(&hub->reading), struct subscription, link));
}

void
hub_flush(struct hub *hub, uint64_t now_ms)
{
	struct list work;
	hub->now_ms = now_ms;
	if (!list_is_empty(&hub->dirty))
		hub->lively_ms = now_ms + HUB_LIVELY_MS;
	list_take(&work, &hub->dirty);
	while (!list_is_empty(&work))
		serve_topic(list_entry(list_pop(&work), struct topic, dirty));
	list_take(&work, &hub->runnable);
	while (!list_is_empty(&work))
		deliver(list_entry(list_pop(&work), struct subscription, link));
	serve_reading(hub);
	budget_check_all(hub);
	windows_ask(hub);
	hub_gauges(hub);
}

/* A topic that only moved on for long enough says how far. */
static void
tell_quiet(struct hub *hub)
{
	while (!list_is_empty(&hub->quiet)) {
		struct topic *topic =
		    list_entry(hub->quiet.next, struct topic, quiet);
		struct chain *chain = &topic->chain;
		if (hub->now_ms - topic->quiet_since_ms < HUB_CURSOR_MS)
			return;
		list_remove(&topic->quiet);
		if (chain->positions == 0 ||
		    topic->quiet_number != (uint32_t)chain->sent_number)
			continue;
		struct frame mark = { .kind = FRAME_CURSOR, .id = chain->tip };
		chain_append(chain, &mark);
		chain->unsent = 0;
		chain->sent_number = chain->next;
		topic_is_dirty(topic);
	}
}

/* Who has something to get gets it first: the flush that follows looks at the
 * budgets behind it. Else what was read could be given up again before anybody
 * had any of it, time after time. */
void
hub_tick(struct hub *hub, uint64_t now_ms)
{
	hub->now_ms = now_ms;
	budget_free_stuck(hub);
	keep_expire(hub);
	tell_quiet(hub);
	windows_unpause(hub);
	if (!hub_is_dirty(hub))
		budget_check_all(hub);
	hub_gauges(hub);
}

bool
hub_is_dirty(const struct hub *hub)
{
	if (!list_is_empty(&hub->dirty) || !list_is_empty(&hub->runnable) ||
	    !list_is_empty(&hub->reading))
		return true;
	return hub->is_up && !list_is_empty(&hub->hungry) &&
	    hub->in_flight < hub->options.windows_in_flight;
}

void
hub_figures(const struct hub *hub, struct hub_figures *figures_r)
{
	*figures_r = (struct hub_figures){ .streams = hub->streams.count,
		.subscriptions = hub->subscription_count,
		.behind = hub->behind_count,
		.blocks = hub->pool.blocks,
		.windows = hub->window_count,
		.block_bytes = hub->pool.bytes };
	for (size_t i = 0; i < hub->streams.buckets; i++) {
		const struct stream *stream = hub->streams.by_id[i];
		for (; stream != NULL; stream = stream->next_by_id)
			figures_r->windows += stream->fetch != NULL;
	}
}
