/* SPDX-License-Identifier: MIT */
#ifndef POSITION_H
#define POSITION_H

/*
 * A place in a chain: in front of one of its frames, or behind the last. It
 * keeps that frame's block alive and everything younger. Standing behind the
 * last frame keeps nothing, and costs nothing when the chain grows: the block
 * of the next frame inherits the count, and the position finds its block when
 * it is looked at.
 */

#include "chain.h"

/* Embedded in its owner; all zero stands nowhere. */
struct position {
	struct chain *chain; /* NULL: nowhere */
	struct block *block; /* NULL: at the end, or not looked up yet */
	uint64_t number;
	bool is_listener; /* its frames are owed to someone */
};

void position_enter(struct position *position, struct chain *chain,
    uint64_t number, bool is_listener);
void position_leave(struct position *position); /* nowhere is fine */
/* Forward, to chain->next at most. Blocks behind it may go. */
void position_move(struct position *position, uint64_t number);

static inline bool
position_is_at_end(const struct position *position)
{
	return position->number == position->chain->next;
}

/* The frame in front of which it stands, and its block; not at the end. */
struct frame *position_frame(struct position *position, struct block **block_r);

/* Everything up to here lies behind it. */
struct entry_id position_scanned(struct position *position);
/* Bytes of the chain in front of it, ever (comparable to end_byte). */
uint64_t position_byte(struct position *position);

#endif
