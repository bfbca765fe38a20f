/* SPDX-License-Identifier: MIT */
#include "window.h"

#include "fill.h"
#include "hub_parts.h"
#include "keep.h"
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

static struct fetch *
fetch_new(const struct stream *stream, struct entry_id after, uint64_t since_ms)
{
	struct fetch *fetch = xcalloc(
	    1, sizeof(*fetch) + stream->endpoints * sizeof(fetch->pins[0]));
	fetch->id = ++stream->hub->last_window_id;
	fetch->generation = stream->generation;
	fetch->after = after;
	fetch->fed = stream->tail;
	fetch->since_ms = since_ms;
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
pin_topic(struct topic *topic)
{
	struct position *pin = topic_pin(topic);
	if (pin->chain != NULL)
		return;
	position_enter(pin, &topic->chain, topic->chain.next, false);
	uint64_t byte = topic->chain.end_byte +
	    topic->stream->hub->options.subscriber_bytes;
	if (byte < topic->check_byte)
		topic->check_byte = byte;
}

/* A window is judged and framed in one turn. News that come meanwhile wait, so
 * where there are any it is a short one; else fewer reads are worth more. */
static size_t
window_bytes(const struct hub *hub)
{
	size_t whole = hub->options.window_bytes;
	if (hub->now_ms >= hub->lively_ms)
		return whole;
	return whole / 2 < HUB_LIVELY_BYTES ? whole / 2 : HUB_LIVELY_BYTES;
}

/* What stream->fetch says, for the topics that are pinned by now. */
static void
ask(struct stream *stream)
{
	struct hub *hub = stream->hub;
	const struct fetch *fetch = stream->fetch;
	hub->in_flight++;
	stat_add(hub->stats, windows_read, 1);
	hub->source->fetch(hub->source_arg, stream->id, fetch->id,
	    fetch->since_ms > 0 ? ENTRY_ID_ZERO : fetch->after, fetch->since_ms,
	    window_bytes(hub));
}

static void
ask_for_waiting(struct stream *stream)
{
	const struct subscription *chosen = choose(stream);
	stream->fetch = fetch_new(stream, chosen->scanned, chosen->since_ms);
	list_foreach(at, &stream->waiting)
		pin_topic(list_entry(at, struct subscription, link)->topic);
	ask(stream);
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
			window_evict(keep_spare(hub));
		ask_for_waiting(stream);
	}
}

/* What is read ahead takes no room that others need. */
static bool
has_room_ahead(const struct hub *hub)
{
	const struct hub_options *options = &hub->options;
	size_t bytes = options->window_bytes + BLOCK_BYTES;
	return hub->is_up && list_is_empty(&hub->hungry) &&
	    hub->window_count + hub->in_flight < options->windows_in_flight &&
	    hub->pool.bytes + 4 * bytes <= options->total_bytes;
}

/* Without a reader now, unless one is found when the answer comes. */
static void
begin_ahead(struct stream *stream, struct entry_id after)
{
	stream->fetch = fetch_new(stream, after, 0);
	stream->fetch->is_ahead = true;
}

static bool
is_read_already(const struct window *window)
{
	list_foreach(at, &window->topic->stream->hub->windows) {
		const struct window *other =
		    list_entry(at, struct window, link);
		if (other->topic == window->topic &&
		    entry_id_compare(other->after, window->through) == 0)
			return true;
	}
	return false;
}

void
window_read_ahead(struct window *window)
{
	struct stream *stream = window->topic->stream;
	if (window->reached_tail || !window->has_fast ||
	    stream->fetch != NULL || window->generation != stream->generation ||
	    !list_is_empty(&stream->waiting) || !has_room_ahead(stream->hub) ||
	    is_read_already(window))
		return;
	begin_ahead(stream, window->through);
	pin_topic(window->topic);
	ask(stream);
}

void
window_cancel(struct stream *stream)
{
	fetch_free(&stream->fetch, stream);
	window_want(stream);
}

/* Kept until it is filled, at least. */
static struct window *
window_new(struct topic *topic, const struct fetch *fetch)
{
	struct hub *hub = topic->stream->hub;
	struct window *window = xcalloc(1, sizeof(*window));
	window->topic = topic;
	window->after = fetch->after;
	window->fed = fetch->fed;
	window->generation = fetch->generation;
	window->read_ms = hub->now_ms;
	chain_init(&window->chain, &hub->pool, fetch->after);
	keep_window(window);
	list_add_tail(&hub->windows, &window->link);
	hub->window_count++;
	return window;
}

void
window_enter(
    struct window *window, struct subscription *subscription, uint64_t number)
{
	window->is_shared |= window->was_entered;
	window->was_entered = true;
	window->has_fast |= subscription->is_fast;
	subscription_enter(subscription, window, number);
}

bool
window_was_fast(const struct window *window)
{
	return window->topic->stream->hub->now_ms - window->read_ms <=
	    HUB_FAST_MS;
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
	position_leave(&window->keep);
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

/* An answer while it is dealt with. */
struct answer {
	struct stream *stream;
	struct fetch *fetch; /* owned, with the pins of the topics */
	const struct batch *batch;
	bool reached_tail;
	struct fill fill;
	struct list served; /* subscription.link */
	bool has_fast;      /* among them */
	struct window *windows[JUDGE_ENDPOINTS_MAX];
};

static void
add_window(struct answer *answer, struct topic *topic)
{
	struct window **window = &answer->windows[topic->endpoint];
	if (*window != NULL)
		return;
	*window = window_new(topic, answer->fetch);
	fill_add(&answer->fill, topic, &(*window)->chain);
}

/* Those who wait and can be served leave the list of those who wait. */
static void
choose_served(struct answer *answer)
{
	struct stream *stream = answer->stream;
	list_foreach(at, &stream->waiting) {
		struct subscription *one =
		    list_entry(at, struct subscription, link);
		if (!is_served_by(one, answer->fetch, answer->batch))
			continue;
		list_remove(at);
		list_add_tail(&answer->served, at);
		add_window(answer, one->topic);
		answer->has_fast |= one->is_fast;
	}
}

/* Those who have still to come to the end of the window in front of it. */
static void
expect_followers(struct answer *answer)
{
	const struct fetch *fetch = answer->fetch;
	if (!fetch->is_ahead)
		return;
	list_foreach(at, &answer->stream->hub->windows) {
		const struct window *window =
		    list_entry(at, struct window, link);
		if (window->topic->stream == answer->stream &&
		    window->chain.listeners > 0 &&
		    window->generation == fetch->generation &&
		    entry_id_compare(window->through, fetch->after) == 0)
			add_window(answer, window->topic);
	}
}

/* Redis reads the next window while this one is judged and sent. */
static void
read_on(struct answer *answer)
{
	struct stream *stream = answer->stream;
	const struct batch *batch = answer->batch;
	if (answer->reached_tail || !answer->has_fast ||
	    batch_voids_ids(batch) || !list_is_empty(&stream->waiting) ||
	    entry_id_compare(batch->through, answer->fetch->after) <= 0 ||
	    !has_room_ahead(stream->hub))
		return;
	begin_ahead(stream, batch->through);
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		if (answer->windows[i] != NULL)
			pin_topic(answer->windows[i]->topic);
	ask(stream);
}

static void
seat(struct answer *answer)
{
	while (!list_is_empty(&answer->served)) {
		struct subscription *one = list_entry(
		    list_pop(&answer->served), struct subscription, link);
		struct window *window = answer->windows[one->topic->endpoint];
		uint64_t first = batch_voids_ids(answer->batch)
		    ? 0
		    : chain_find_after(&window->chain, one->scanned);
		window_enter(window, one, first);
		subscription_settle(one);
	}
}

/* Can it serve those who come later? Behind a point in time nothing is proven,
 * and what is empty serves nobody. */
static bool
is_worth_keeping(const struct answer *answer)
{
	return answer->fetch->since_ms == 0 &&
	    !batch_voids_ids(answer->batch) &&
	    entry_id_compare(answer->batch->through, answer->fetch->after) > 0;
}

static void
finish_window(struct answer *answer, struct window *window)
{
	const struct batch *batch = answer->batch;
	struct position *pin = &answer->fetch->pins[window->topic->endpoint];
	window->through = batch->through;
	window->chain.tip = batch->through;
	window->reached_tail = answer->reached_tail;
	if (batch->count > 0)
		window->first = batch->entries[0].id;
	if (answer->reached_tail && pin->chain != NULL) {
		window->pin = *pin;
		*pin = (struct position){ 0 };
	}
	if (!is_worth_keeping(answer))
		keep_drop(window);
}

static void
serve(struct answer *answer)
{
	fill_init(&answer->fill, answer->stream, false);
	list_init(&answer->served);
	choose_served(answer);
	expect_followers(answer);
	read_on(answer);
	fill_batch(&answer->fill, answer->batch, answer->fetch->after);
	seat(answer);
	for (size_t i = 0; i < JUDGE_ENDPOINTS_MAX; i++)
		if (answer->windows[i] != NULL)
			finish_window(answer, answer->windows[i]);
	keep_limit(answer->stream);
}

/* Not beyond what the live feed had when this was asked for. Where that very
 * entry is not in it, what was read may be of another life than the feed. */
static void
cut(struct batch *batch, const struct fetch *fetch, bool *reached_tail)
{
	if (entry_id_compare(fetch->after, fetch->fed) >= 0 ||
	    !batch_has_entry(batch, fetch->fed))
		return;
	while (entry_id_compare(
		   batch->entries[batch->count - 1].id, fetch->fed) > 0)
		batch->count--;
	batch->through = fetch->fed;
	*reached_tail = true;
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
	struct batch known = *batch;
	struct answer answer = { .batch = &known };
	hub->now_ms = now_ms;
	answer.stream = take_answer(hub, stream_id, window_id, &answer.fetch);
	if (answer.stream == NULL)
		return;
	cut(&known, answer.fetch, &reached_tail);
	answer.reached_tail = reached_tail;
	if (answer.fetch->generation == answer.stream->generation)
		serve(&answer);
	fetch_free(&answer.fetch, answer.stream);
	window_want(answer.stream);
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
