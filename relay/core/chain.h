/* SPDX-License-Identifier: MIT */
#ifndef CHAIN_H
#define CHAIN_H

/*
 * A run of a stream as one endpoint sees it: finished frames in blocks, in
 * stream order, complete from the chain's base to its tip. Frames are counted
 * from 0 and keep their number. Those who read are positions: frame numbers.
 * A block is given back when it is the oldest and nobody stands in it, so a
 * chain that everybody has read to the end holds no memory.
 *
 * A live chain grows at its tip; a window (window.h) is a chain that was
 * filled once.
 */

#include "batch.h"
#include "block.h"

struct chain {
	struct block_pool *pool; /* borrowed */
	struct block *first;
	struct block *last;
	uint64_t next;        /* number of the frame that comes next */
	uint64_t end_byte;    /* bytes appended, ever */
	uint64_t floor;       /* frames below are of an earlier life of the
				* stream: ids cannot be compared across */
	struct entry_id tip;  /* scanned up to here */
	uint32_t positions;   /* all that stand in it, at its end included */
	uint32_t at_end;      /* of those: behind the last frame */
	uint32_t listeners;   /* of those: subscriptions, not pins */
	unsigned unsent;      /* entries scanned since sent_number */
	uint64_t sent_number; /* `next` behind the last event or mark */
	uint64_t batch_start; /* `next` when the batch under way began */
};

void chain_init(
    struct chain *chain, struct block_pool *pool, struct entry_id tip);
void chain_fini(struct chain *chain); /* nobody may stand in it */

/* Appends a frame or mark (offset and marks_before are set here; `before` is
 * the tip) and moves the tip to its id. Returns where its bytes go. Somebody
 * must stand in the chain. */
char *chain_append(struct chain *chain, const struct frame *frame);

/* The frame with this number (held, < next) and its block. */
struct frame *chain_frame(
    struct chain *chain, uint64_t number, struct block **block_r);
/* The youngest frame, NULL when the chain holds none. */
struct frame *chain_last(struct chain *chain);

/* Complete from here: the scanned position in front of the oldest frame. */
struct entry_id chain_base(struct chain *chain);
/* Number of the first frame whose id is greater (next when there is none).
 * Only for ids from the base on. */
uint64_t chain_find_after(struct chain *chain, struct entry_id id);
/* True when this very id was scanned on the way to what the chain holds: then
 * it needs no other proof that nothing is missing behind it. */
bool chain_knows(struct chain *chain, struct entry_id id);

/* The blocks that nobody stands in, from the oldest on, go back. */
void chain_trim(struct chain *chain);

#endif
