/* SPDX-License-Identifier: MIT */
#ifndef RUN_H
#define RUN_H

/*
 * What one write can carry: the longest row of frames in a block that stand
 * together in memory and are all meant for one subscription. It ends at a
 * notice that it must get, at an answer to somebody else, at the block's end
 * or when it is long enough. Private to the hub.
 */

#include "block.h"

struct subscription;

struct run {
	/* What it was measured for; the next one in the same place takes it as
	 * it is, if no frame in it depends on who reads. */
	uint64_t serial; /* the block's; 0: never */
	uint64_t number; /* of its first frame */
	uint32_t count;  /* frames that the block held */
	bool notices;
	bool is_shared;

	uint64_t end; /* number behind its last frame */
	const char *data;
	size_t bytes;
	size_t frames;  /* with bytes: events */
	unsigned marks; /* without, passed over silently … */
	unsigned gaps;  /* … of those: refusals, neighbours counted once */
	bool has_ends;  /* a terminal or direct frame is among them */
};

/* Measures from the frame `number` of `block` on into *run, or leaves the run
 * that is there if it fits. */
void run_measure(struct run *run, struct block *block, uint64_t number,
    const struct subscription *subscription);

/* Tells the subscriber of each terminal and direct frame in the run. */
void run_tell_ends(const struct run *run, struct block *block,
    const struct subscription *subscription);

#endif
