/* SPDX-License-Identifier: MIT */
#include "position.h"

#include <assert.h>

/* Counts the position where it stands. */
static void
stand(struct position *position)
{
	if (position_is_at_end(position)) {
		position->block = NULL;
		position->chain->at_end++;
		return;
	}
	chain_frame(position->chain, position->number, &position->block);
	position->block->positions++;
}

/* Takes it out of that count; true when its block became empty. */
static bool
unstand(struct position *position)
{
	if (position_is_at_end(position)) {
		assert(position->chain->at_end > 0);
		position->chain->at_end--;
		return false;
	}
	struct block *block;
	position_frame(position, &block);
	assert(block->positions > 0);
	position->block = NULL;
	return --block->positions == 0;
}

void
position_enter(struct position *position, struct chain *chain, uint64_t number,
    bool is_listener)
{
	assert(position->chain == NULL && number <= chain->next);
	*position = (struct position){
		.chain = chain, .number = number, .is_listener = is_listener
	};
	chain->positions++;
	if (is_listener) {
		chain->listeners++;
		chain->pool->accepted += chain->next - number;
	}
	stand(position);
}

void
position_leave(struct position *position)
{
	struct chain *chain = position->chain;
	if (chain == NULL)
		return;
	bool is_empty = unstand(position);
	chain->positions--;
	if (position->is_listener) {
		chain->listeners--;
		chain->pool->left += chain->next - position->number;
	}
	*position = (struct position){ 0 };
	if (is_empty)
		chain_trim(chain);
}

void
position_move(struct position *position, uint64_t number)
{
	struct block *block;
	position_frame(position, &block);
	assert(number >= position->number && number <= position->chain->next);
	if (number < block_end(block)) {
		position->number = number;
		return;
	}
	bool is_empty = unstand(position);
	position->number = number;
	stand(position);
	if (is_empty)
		chain_trim(position->chain);
}

struct frame *
position_frame(struct position *position, struct block **block_r)
{
	assert(!position_is_at_end(position));
	if (position->block == NULL)
		chain_frame(
		    position->chain, position->number, &position->block);
	*block_r = position->block;
	return block_frame(position->block,
	    (uint32_t)(position->number - position->block->first_number));
}

struct entry_id
position_scanned(struct position *position)
{
	struct block *block;
	if (position_is_at_end(position))
		return position->chain->tip;
	return position_frame(position, &block)->before;
}

uint64_t
position_byte(struct position *position)
{
	struct block *block;
	if (position_is_at_end(position))
		return position->chain->end_byte;
	struct frame *frame = position_frame(position, &block);
	return block->first_byte + frame->offset +
	    frame->marks_before * FRAME_MARK_BYTES;
}
