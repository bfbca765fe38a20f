/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "fill.h"
#include "hub_parts.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

/* Every so often the one that waits longest is asked for instead of the
 * lowest: nobody is starved by those who keep coming in below. */
#define FAIR_EVERY 4

void
window_want(struct stream *stream)
{
	if (stream->fetch == NULL && list_is_empty(&stream->hungry) &&
	    !list_is_empty(&stream->waiting))
		list_add_tail(&stream->hub->hungry, &stream->hungry);
}

void
window_want_later(struct stream *stream)
{
	if (stream->fetch != NULL)
		return; /* its answer will do */
	list_remove(&stream->hungry);
	list_add_tail(&stream->hub->paused, &stream->hungry);
}

void
windows_unpause(struct hub *hub)
{
	while (!list_is_empty(&hub->paused))
		list_add_tail(&hub->hungry, list_pop(&hub->paused));
}

static struct subscription *
choose(struct stream *stream)
{
	struct subscription *chosen =
	    list_entry(stream->waiting.next, struct subscription, link);
	if (++stream->fetches % FAIR_EVERY == 0)
		return chosen;
	list_foreach(at, &stream->waiting) {
		struct subscription *other =
		    list_entry(at, struct subscription, link);
		if (entry_id_compare(other->scanned, chosen->scanned) < 0)
			chosen = other;
	}
	return chosen;
}

static void
pin_topics(struct stream *stream)
{
	list_foreach(at, &stream->waiting) {
		struct subscription *one =
		    list_entry(at, struct subscription, link);
		struct topic *topic = one->topic;
		struct position *pin = topic_pin(topic);
		if (pin->chain != NULL)
			continue;
		position_enter(pin, &topic->chain, topic->chain.next, false);
		uint64_t byte = topic->chain.end_byte +
		    stream->hub->options.subscriber_bytes;
		if (byte < topic->check_byte)
			topic->check_byte = byte;
	}
}

static struct fetch *
fetch_new(const struct stream *stream, const struct subscription *chosen)
{
	struct fetch *fetch = xcalloc(
	    1, sizeof(*fetch) + stream->endpoints * sizeof(fetch->pins[0]));
	fetch->id = ++stream->hub->last_window_id;
	fetch->generation = stream->generation;
	fetch->after = chosen->scanned;
	fetch->since_ms = chosen->since_ms;
	return fetch;
}

/* With its pins. */
static void
fetch_free(struct fetch **fetch, const struct stream *stream)
{
	struct fetch *old = *fetch;
	*fetch = NULL;
	if (old == NULL)
		return;
	for (size_t i = 0; i < stream->endpoints; i++)
		position_leave(&old->pins[i]);
	free(old);
}

static void
ask(struct hub *hub, struct stream *stream)
{
	const struct subscription *chosen = choose(stream);
	stream->fetch = fetch_new(stream, chosen);
	hub->in_flight++;
	stat_add(hub->stats, windows_read, 1);
	pin_topics(stream);
	hub->source->fetch(hub->source_arg, stream->id, stream->fetch->id,
	    chosen->since_ms > 0 ? ENTRY_ID_ZERO : chosen->scanned,
	    chosen->since_ms, hub->options.window_bytes);
}

void
windows_ask(struct hub *hub)
{
	size_t most = hub->options.windows_in_flight;
	while (hub->is_up && hub->in_flight < most &&
	    !list_is_empty(&hub->hungry)) {
		struct stream *stream =
		    list_entry(list_pop(&hub->hungry), struct stream, hungry);
		if (list_is_empty(&stream->waiting) || stream->fetch != NULL)
			continue;
		if (hub->window_count >= most)
			window_evict(
			    list_entry(hub->windows.next, struct window, link));
		ask(hub, stream);
	}
}

void
window_cancel(struct stream *stream)
{
	fetch_free(&stream->fetch, stream);
	window_want(stream);
}

static struct window *
window_new(struct topic *topic, const struct fetch *fetch)
{
	struct hub *hub = topic->stream->hub;
	struct window *window = xcalloc(1, sizeof(*window));
	window->topic = topic;
	window->generation = fetch->generation;
	chain_init(&window->chain, &hub->pool, fetch->after);
	list_add_tail(&hub->windows, &window->link);
	hub->window_count++;
	return window;
}

void
window_release(struct window *window)
{
	struct hub *hub = window->topic->stream->hub;
	if (window->chain.positions > 0)
		return;
	position_leave(&window->pin);
	chain_fini(&window->chain);
	list_remove(&window->link);
	hub->window_count--;
	free(window);
}

void
window_hold(struct window *window, struct position *hold)
{
	*hold = (struct position){ 0 };
	position_enter(hold, &window->chain, window->chain.next, false);
}

void
window_unhold(struct window *window, struct position *hold)
{
	position_leave(hold);
	window_release(window);
}

void
window_evict(struct window *window)
{
	struct list *members = &window->topic->members;
	struct position hold;
	window_hold(window, &hold);
	list_foreach(at, members) {
		struct subscription *member =
		    list_entry(at, struct subscription, member);
		if (member->window == window)
			subscription_let_go(member);
	}
	window_unhold(window, &hold);
}

/* Is this what it needs to read on? To lie in the range is not enough: the
 * stream may have begun anew without anybody having noticed yet. Its cursor
 * must be seen in the batch, or be the one that was asked for, or share its
 * fate: what lies in front of all that is left was trimmed for each alike. A
 * point in time needs no proof. */
static bool
is_served_by(const struct subscription *one, const struct fetch *fetch,
    const struct batch *batch)
{
	struct entry_id id = one->scanned;
	if (entry_id_compare(id, fetch->after) == 0 &&
	    one->since_ms == fetch->since_ms)
		return true;
	if (batch_voids_ids(batch) || entry_id_compare(id, fetch->after) < 0)
		return false;
	if (one->since_ms > 0)
		return entry_id_compare(id, batch->through) <= 0;
	if (batch->has_gap && batch->gap.reason == GAP_TRIMMED &&
	    entry_id_compare(id, batch->gap.through) <= 0)
		return true;
	return batch_has_entry(batch, id);
}

/* A window for each topic with somebody to serve; each is kept by a position
 * at its beginning until those have come in. */
static void
make_windows(struct stream *stream, const struct fetch *fetch,
    const struct batch *batch, struct fill *fill,
    struct window *windows[JUDGE_ENDPOINTS_MAX])
{
	list_foreach(at, &stream->waiting) {
		struct subscription *one =
		    list_entry(at, struct subscription, link);
		size_t endpoint = one->topic->endpoint;
		if (windows[endpoint] != NULL ||
		    !is_served_by(one, fetch, batch))
			continue;
		windows[endpoint] = window_new(one->topic, fetch);
		fill_add(fill, one->topic, &windows[endpoint]->chain);
	}
}

static void
seat(struct stream *stream, const struct fetch *fetch,
    const struct batch *batch, struct window *windows[JUDGE_ENDPOINTS_MAX])
{
	struct list work;
	list_take(&work, &stream->waiting);
	while (!list_is_empty(&work)) {
		struct subscription *one =
		    list_entry(list_pop(&work), struct subscription, link);
		struct window *window = windows[one->topic->endpoint];
		if (window == NULL || !is_served_by(one, fetch, batch)) {
			list_add_tail(&stream->waiting, &one->link);
			continue;
		}
		uint64_t first = batch_voids_ids(batch)
		    ? 0
		    : chain_find_after(&window->chain, one->scanned);
		subscription_enter(one, window, first);
		subscription_settle(one);
	}
}

/* The window gets the pin, if it reached the tail. */
static void
finish_window(struct window *window, struct position *builder,
    struct entry_id through, struct position *pin)
{
	window->through = through;
	window->chain.tip = through;
	if (pin != NULL) {
		window->pin = *pin;
		*pin = (struct position){ 0 };
	}
	window_unhold(window, builder);
}

static void
serve_waiting(struct stream *stream, struct fetch *fetch,
    const struct batch *batch, bool reached_tail)
{
	struct window *windows[JUDGE_ENDPOINTS_MAX] = { 0 };
	struct position builders[JUDGE_ENDPOINTS_MAX] = { 0 };
	struct fill fill;
	fill_init(&fill, stream, false);
	make_windows(stream, fetch, batch, &fill, windows);
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		if (windows[i] != NULL)
			position_enter(
			    &builders[i], &windows[i]->chain, 0, false);
	fill_batch(&fill, batch, fetch->after);
	seat(stream, fetch, batch, windows);
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		if (windows[i] != NULL)
			finish_window(windows[i], &builders[i], batch->through,
			    reached_tail ? &fetch->pins[i] : NULL);
}

/* The fetch that this answers, out of the books; NULL when it is void or its
 * stream has gone. */
static struct stream *
take_answer(struct hub *hub, uint64_t stream_id, uint64_t window_id,
    struct fetch **fetch_r)
{
	if (window_id <= hub->void_windows || window_id > hub->last_window_id)
		return NULL;
	assert(hub->in_flight > 0);
	hub->in_flight--;
	struct stream *stream = stream_map_by_id(&hub->streams, stream_id);
	if (stream == NULL || stream->fetch == NULL ||
	    stream->fetch->id != window_id)
		return NULL;
	*fetch_r = stream->fetch;
	stream->fetch = NULL;
	return stream;
}

void
hub_window(struct hub *hub, uint64_t stream_id, uint64_t window_id,
    const struct batch *batch, bool reached_tail, uint64_t now_ms)
{
	struct fetch *fetch;
	hub->now_ms = now_ms;
	struct stream *stream = take_answer(hub, stream_id, window_id, &fetch);
	if (stream == NULL)
		return;
	if (fetch->generation == stream->generation)
		serve_waiting(stream, fetch, batch, reached_tail);
	fetch_free(&fetch, stream);
	window_want(stream);
}

void
hub_window_failed(struct hub *hub, uint64_t stream_id, uint64_t window_id)
{
	struct fetch *fetch;
	struct stream *stream = take_answer(hub, stream_id, window_id, &fetch);
	if (stream == NULL)
		return;
	fetch_free(&fetch, stream);
	if (!list_is_empty(&stream->waiting))
		window_want_later(stream);
}
