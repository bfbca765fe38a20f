/* SPDX-License-Identifier: MIT */
#ifndef SUBSCRIPTION_H
#define SUBSCRIPTION_H

/*
 * One who listens: a position in the live chain or in a window, or only an id
 * up to which everything was scanned for it. Which list it stands in follows
 * from its state alone: change the state, then subscription_settle().
 * Private to the hub.
 */

#include "hub.h"
#include "stream.h"

struct window;

enum place {
	PLACE_UNFIXED, /* waits for the stream to be opened */
	PLACE_LIVE,    /* `position` in the topic's chain */
	PLACE_WINDOW,  /* `position` in the chain of `window` */
	PLACE_BEHIND,  /* only `scanned` */
	PLACE_OVER     /* gone, or its stream is unusable */
};

enum live_due { LIVE_DONE, LIVE_AT_ONCE, LIVE_AT_TAIL };

/* Owned by the hub; its subscriber holds the pointer until hub_unsubscribe.
 * There are as many as clients, most of them idle: kept small, with what each
 * delivery needs in front. */
struct subscription {
	struct hub *hub;
	struct topic *topic;
	const struct subscriber_ops *ops;
	void *arg;
	hub_write_fn *straight; /* past ops->write; NULL: not now */
	void *straight_arg;
	struct position position;
	struct list link; /* in the list that fits its state, see settle */
	/* Behind: the cursor. Live: frames up to it are passed over. In a
	 * window: where it came in. Not fixed: where it is to start after. */
	struct entry_id scanned;
	uint8_t place;      /* enum place */
	uint8_t live_due;   /* enum live_due */
	uint8_t form;       /* enum block_form */
	uint8_t start_kind; /* enum start_kind: what was asked for */
	bool notices : 1;
	bool held : 1;
	bool full : 1;
	bool asked_blind : 1; /* while the source was away */
	bool is_opened : 1;   /* opened() was called */
	bool is_serving : 1;
	bool is_fast : 1; /* it was soon through its last window */
	unsigned unsent;  /* scanned in windows since the last frame */
	/* Up to here: what a delivery looks at. */
	union {
		/* In a window: since when it can take nothing. */
		uint64_t blocked_ms;
		/* Live: the number at which the replay is at the tail. */
		uint64_t live_at;
	};
	struct window *window;
	struct list member; /* in topic->members */
	/* In stream->opening until opened(); then in stream->beyond while it
	 * has more than the live chain has got to. */
	struct list aside;
	uint64_t since_ms; /* `scanned` is made up from this; 0: it is real */
	uint64_t replayed;
	union {
		uint64_t asked_ms;       /* until opened() */
		uint64_t quiet_since_ms; /* in windows: the first `unsent` */
	};
};

#define SUBSCRIPTION_LINE 64

/* Into the cache, without waiting: what a delivery needs of it. */
static inline void
subscription_fetch(const struct subscription *subscription)
{
	const char *first = (const char *)subscription;
	__builtin_prefetch(first, 1);
	__builtin_prefetch(first + SUBSCRIPTION_LINE, 1);
	__builtin_prefetch(&subscription->live_due, 1);
}

/* … and what it is written to. */
static inline void
subscription_fetch_peer(const char *peer)
{
	if (peer == NULL)
		return;
	__builtin_prefetch(peer, 1);
	__builtin_prefetch(peer + SUBSCRIPTION_LINE - 1, 1);
}

struct subscription *subscription_new(struct topic *topic,
    const struct subscriber_ops *ops, void *arg, struct start start);
/* Leaves everything; topic and stream go with their last one elsewhere. */
void subscription_free(struct subscription **subscription);

/* Puts it into the list that fits its state:
 *   live    topic->ready (nothing to get), hub->runnable, topic->parked
 *   window  hub->reading, hub->stuck
 *   behind  stream->waiting, or none while it can take nothing
 * and the stream among the hungry when it waits. */
void subscription_settle(struct subscription *subscription);

/* Takes a place (leaving the old one); settle afterwards. */
void subscription_join(struct subscription *subscription, uint64_t number,
    struct entry_id skip_through);
void subscription_enter(
    struct subscription *subscription, struct window *window, uint64_t number);
void subscription_wait(
    struct subscription *subscription, struct entry_id scanned);
void subscription_end(struct subscription *subscription);

/* Joins the live chain if that is complete from `scanned` on, which was seen in
 * that life of the stream. */
bool subscription_try_join(
    struct subscription *subscription, uint32_t generation);
/* Lets go of its block and keeps only the cursor; settled. */
void subscription_let_go(struct subscription *subscription);

struct entry_id subscription_scanned(const struct subscription *subscription);

#endif
