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

/* Owned by the hub; its subscriber holds the pointer until hub_unsubscribe. */
struct subscription {
	struct hub *hub;
	struct topic *topic;
	const struct subscriber_ops *ops;
	void *arg;
	struct list member;  /* in topic->members */
	struct list link;    /* in the list that fits its state, see settle */
	struct list opening; /* in stream->opening until opened() */
	struct list beyond;  /* in stream->beyond while it has more than the
			      * live chain has got to */
	struct position position;
	struct window *window;
	/* Behind: the cursor. Live: frames up to it are passed over. In a
	 * window: where it came in. */
	struct entry_id scanned;
	uint64_t since_ms; /* `scanned` is made up from this; 0: it is real */
	/* Life of the stream in which `scanned` was seen; 0: a cursor that
	 * nobody has checked yet. */
	uint64_t generation;
	struct start start;
	uint64_t asked_ms;
	union {
		/* In a window: since when it can take nothing. */
		uint64_t blocked_ms;
		/* Live: the number at which the replay is at the tail. */
		uint64_t live_at;
	};
	uint64_t replayed;
	uint64_t quiet_since_ms;
	unsigned unsent;  /* scanned in windows since the last frame */
	uint8_t place;    /* enum place */
	uint8_t live_due; /* enum live_due */
	uint8_t form;     /* enum block_form */
	bool notices;
	bool held;
	bool full;
	bool asked_blind; /* while the source was away */
	bool is_opened;   /* opened() was called */
	bool is_serving;
};

struct subscription *subscription_new(struct topic *topic,
    const struct subscriber_ops *ops, void *arg, struct start start);
/* Leaves everything; topic and stream go with their last one elsewhere. */
void subscription_free(struct subscription **subscription);

/* Puts it into the list that fits its state:
 *   live    topic->ready (nothing to get), hub->runnable, topic->parked
 *   window  hub->runnable, hub->stuck
 *   behind  stream->waiting, or none while it can take nothing
 * and the stream among the hungry when it waits. */
void subscription_settle(struct subscription *subscription);

/* Takes a place (leaving the old one); settle afterwards. */
void subscription_join(struct subscription *subscription, uint64_t number,
    struct entry_id skip_through);
void subscription_enter(
    struct subscription *subscription, struct window *window, uint64_t number);
void subscription_wait(struct subscription *subscription,
    struct entry_id scanned, uint64_t generation);
void subscription_end(struct subscription *subscription);

/* Joins the live chain if that is complete from `scanned` on. */
bool subscription_try_join(struct subscription *subscription);
/* Lets go of its block and keeps only the cursor; settled. */
void subscription_let_go(struct subscription *subscription);

struct entry_id subscription_scanned(const struct subscription *subscription);

#endif
