/* SPDX-License-Identifier: MIT */
#ifndef FAN_H
#define FAN_H

/*
 * The short way of deliver() for the many who stand at the same place of a live
 * chain and are to get the same, up to its end: measured once, written to each,
 * counted once for all. What a write costs besides the kernel's part is mostly
 * what it must fetch into the cache again behind the last one, so this touches
 * the front of each subscription and little else. Private to the hub.
 */

#include "run.h"
#include "subscription.h"

/* On the stack of a flush, for one topic. */
struct fan {
	struct topic *topic;
	struct block *block; /* NULL: nothing is measured */
	struct run run;
	struct entry_id first; /* id of its first frame */
	enum block_form form;
	unsigned served; /* not counted yet */
	/* Who comes next, and what it writes to: fetched behind the write,
	 * both at once. NULL: nobody. */
	const struct subscription *next;
	const char *next_peer;
};

void fan_begin(struct fan *fan, struct topic *topic);

/* Taken from topic->ready, as all of them (hub_check() looks at it): it is
 * live, owes nothing and stands where the others stand. True: it was written
 * to, and is settled. False, with nothing changed: it needs deliver(). */
bool fan_serve(struct fan *fan, struct subscription *subscription);

/* Who was served moves on in the books: at the latest at the end. */
void fan_count(struct fan *fan);

#endif
