/* SPDX-License-Identifier: MIT */
#include "hub_parts.h"
#include "window.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

struct subscription *
subscription_new(struct topic *topic, const struct subscriber_ops *ops,
    void *arg, struct start start)
{
	struct subscription *subscription = xcalloc(1, sizeof(*subscription));
	subscription->hub = topic->stream->hub;
	subscription->topic = topic;
	subscription->ops = ops;
	subscription->arg = arg;
	subscription->start_kind = (uint8_t)start.kind;
	subscription->scanned = start.after;
	subscription->since_ms = start.since_ms;
	list_init(&subscription->link);
	list_init(&subscription->aside);
	list_add_tail(&topic->members, &subscription->member);
	topic->member_count++;
	return subscription;
}

static bool
is_behind(const struct subscription *subscription)
{
	return subscription->place == PLACE_BEHIND ||
	    subscription->place == PLACE_WINDOW;
}

static void
set_place(struct subscription *subscription, enum place place)
{
	struct hub *hub = subscription->hub;
	hub->behind_count -= is_behind(subscription);
	subscription->place = (uint8_t)place;
	hub->behind_count += is_behind(subscription);
}

/* Leaves chain or window. */
static void
leave(struct subscription *subscription)
{
	struct window *window = subscription->window;
	list_remove(&subscription->link);
	if (subscription->is_opened)
		list_remove(&subscription->aside); /* no longer beyond */
	position_leave(&subscription->position);
	subscription->window = NULL;
	if (window != NULL)
		window_release(window);
}

void
subscription_free(struct subscription **subscription)
{
	struct subscription *old = *subscription;
	*subscription = NULL;
	assert(!old->is_serving);
	subscription_end(old);
	list_remove(&old->aside);
	list_remove(&old->member);
	old->topic->member_count--;
	old->topic->notices_count -= old->notices;
	free(old);
}

void
subscription_end(struct subscription *subscription)
{
	leave(subscription);
	set_place(subscription, PLACE_OVER);
}

/* Only a stream that was looked at can have told more than the chain has. */
static void
go_beyond(struct subscription *subscription)
{
	assert(subscription->is_opened);
	list_add_tail(
	    &subscription->topic->stream->beyond, &subscription->aside);
}

void
subscription_join(struct subscription *subscription, uint64_t number,
    struct entry_id skip_through)
{
	struct chain *chain = &subscription->topic->chain;
	struct position position = { 0 };
	/* First in, then out: leaving may give blocks back. */
	position_enter(&position, chain, number, true);
	leave(subscription);
	set_place(subscription, PLACE_LIVE);
	subscription->position = position;
	subscription->scanned = skip_through;
	subscription->since_ms = 0;
	subscription->live_at = chain->next;
	if (entry_id_compare(skip_through, chain->tip) > 0)
		go_beyond(subscription);
}

void
subscription_enter(
    struct subscription *subscription, struct window *window, uint64_t number)
{
	leave(subscription);
	set_place(subscription, PLACE_WINDOW);
	subscription->window = window;
	position_enter(&subscription->position, &window->chain, number, true);
}

void
subscription_wait(struct subscription *subscription, struct entry_id scanned)
{
	leave(subscription);
	set_place(subscription, PLACE_BEHIND);
	subscription->scanned = scanned;
	subscription->since_ms = 0;
}

/* Its block is let go when the chain's end gets further away than this. */
static void
note_budget(struct subscription *subscription)
{
	struct topic *topic = subscription->topic;
	uint64_t byte = position_byte(&subscription->position) +
	    subscription->hub->options.subscriber_bytes;
	if (byte < topic->check_byte)
		topic->check_byte = byte;
}

static bool
has_nothing_to_do(const struct subscription *subscription)
{
	return position_is_at_end(&subscription->position) &&
	    subscription->live_due == LIVE_DONE;
}

static void
settle_blocked(struct subscription *subscription)
{
	if (subscription->place == PLACE_LIVE) {
		list_add_tail(
		    &subscription->topic->parked, &subscription->link);
		note_budget(subscription);
	}
	if (subscription->place == PLACE_WINDOW) {
		subscription->blocked_ms = subscription->hub->now_ms;
		list_add_tail(&subscription->hub->stuck, &subscription->link);
	}
}

void
subscription_settle(struct subscription *subscription)
{
	struct topic *topic = subscription->topic;
	struct list *list = &subscription->hub->runnable;
	list_remove(&subscription->link);
	if (subscription->place == PLACE_UNFIXED ||
	    subscription->place == PLACE_OVER)
		return;
	bool is_due = subscription->live_due == LIVE_AT_ONCE;
	if (subscription->full || !subscription->is_opened ||
	    (subscription->held && !is_due)) {
		settle_blocked(subscription);
		return;
	}
	if (subscription->place == PLACE_LIVE &&
	    has_nothing_to_do(subscription))
		list = &topic->ready;
	if (subscription->place == PLACE_WINDOW)
		list = &subscription->hub->reading;
	if (subscription->place == PLACE_BEHIND && !is_due)
		list = &topic->stream->waiting;
	list_add_tail(list, &subscription->link);
	if (list == &topic->stream->waiting)
		window_want(topic->stream);
}

bool
subscription_try_join(struct subscription *subscription, uint32_t generation)
{
	struct stream *stream = subscription->topic->stream;
	struct chain *chain = &subscription->topic->chain;
	struct entry_id scanned = subscription->scanned;
	if (!stream->is_open || generation != stream->generation)
		return false;
	if (entry_id_compare(scanned, chain_base(chain)) < 0)
		return false;
	subscription_join(
	    subscription, chain_find_after(chain, scanned), scanned);
	return true;
}

/* Where it has not moved in the window, its cursor is as it came: perhaps made
 * up from a point in time. */
static void
let_go_of_window(struct subscription *subscription)
{
	struct entry_id scanned = position_scanned(&subscription->position);
	uint64_t since_ms = 0;
	if (entry_id_compare(scanned, subscription->scanned) <= 0) {
		scanned = subscription->scanned;
		since_ms = subscription->since_ms;
	}
	subscription_wait(subscription, scanned);
	subscription->since_ms = since_ms;
}

void
subscription_let_go(struct subscription *subscription)
{
	if (subscription->place == PLACE_WINDOW)
		let_go_of_window(subscription);
	else
		subscription_wait(
		    subscription, subscription_scanned(subscription));
	subscription_settle(subscription);
}

struct entry_id
subscription_scanned(const struct subscription *subscription)
{
	struct entry_id scanned = subscription->scanned;
	if (subscription->position.chain == NULL)
		return scanned;
	struct position position = subscription->position;
	struct entry_id reached = position_scanned(&position);
	return entry_id_compare(reached, scanned) > 0 ? reached : scanned;
}
