/* SPDX-License-Identifier: MIT */
#ifndef WINDOW_H
#define WINDOW_H

/*
 * Parts of a stream that were read again for those behind. Requests are
 * collected for a turn; of each stream at most one read is under way, from the
 * lowest cursor that waits; its answer becomes a window for each topic with
 * somebody whose cursor lies in it, and all of those are served from it.
 *
 * Who is fast gets the next window read ahead: Redis reads while this one is
 * judged and sent. One that is not fast never has more than one.
 *
 * While the read is under way the live chain is pinned at its tail: a window
 * that reached so far ends there, where the chain has begun to be kept, and
 * whoever has read it to its end joins. What was read beyond is left to the
 * live feed: should Redis lose it again, the feed would not know that anybody
 * had it. Private to the hub.
 */

#include "chain.h"
#include "list.h"
#include "position.h"

struct hub;
struct stream;
struct subscription;
struct topic;

/* Owned by the hub; lives as long as somebody stands in it or it is kept. */
struct window {
	struct topic *topic;
	struct chain chain;
	struct entry_id after;   /* it was read from here */
	struct entry_id first;   /* its first entry, as read; 0-0: none */
	struct entry_id through; /* scanned by those who leave at its end */
	struct entry_id fed;     /* up to here the live feed had met it all */
	uint32_t generation;     /* the stream's when it was read */
	uint64_t read_ms;        /* and when that was */
	bool reached_tail;
	bool was_entered;
	bool has_fast;        /* one of those was soon through the one before */
	bool is_shared;       /* … by more than one */
	struct position keep; /* at its beginning, see keep.h */
	struct position pin;  /* in the live chain, if it reached the tail */
	struct list link;     /* in hub->windows */
};

/* Somebody waits: the stream asks for a window with the next flush. */
void window_want(struct stream *stream);
/* As much as above, but not before the next tick. */
void window_want_later(struct stream *stream);
/* What waited for the tick is wanted now. */
void windows_unpause(struct hub *hub);

/* Asks for what is wanted, as far as the bounds allow. */
void windows_ask(struct hub *hub);
/* Behind this one, if its reader is fast and nobody else waits for a read. */
void window_read_ahead(struct window *window);
/* Forgets the read that is under way. */
void window_cancel(struct stream *stream);

/* The subscription takes a place in it; settle afterwards. */
void window_enter(
    struct window *window, struct subscription *subscription, uint64_t number);
/* Whoever is through it now was fast. */
bool window_was_fast(const struct window *window);

/* Frees it if nobody stands in it. */
void window_release(struct window *window);
/* Keeps it, and the live chain behind it, while places change. */
void window_hold(struct window *window, struct position *hold);
void window_unhold(struct window *window, struct position *hold);
/* All who stand in it keep only their cursors; it is gone. */
void window_evict(struct window *window);

#endif
