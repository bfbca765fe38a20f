/* SPDX-License-Identifier: MIT */
#include "chain.h"

#include <assert.h>

void
chain_init(struct chain *chain, struct block_pool *pool, struct entry_id tip)
{
	*chain = (struct chain){ .pool = pool, .tip = tip };
}

void
chain_fini(struct chain *chain)
{
	assert(chain->positions == 0);
	chain_trim(chain);
	assert(chain->first == NULL);
}

static struct block *
grow(struct chain *chain, size_t length)
{
	struct block *block = block_get(chain->pool, length);
	block->first_number = chain->next;
	block->first_byte = chain->end_byte;
	block->prev = chain->last;
	if (chain->last != NULL)
		chain->last->next = block;
	else
		chain->first = block;
	chain->last = block;
	return block;
}

char *
chain_append(struct chain *chain, const struct frame *frame)
{
	assert(chain->positions > 0);
	struct block *block = chain->last;
	if (block == NULL || !block_fits(block, frame->length))
		block = grow(chain, frame->length);
	struct frame *added = block_frame(block, block->count++);
	*added = *frame;
	added->before = chain->tip;
	added->offset = block->used;
	added->marks_before = block->marks;
	block->used += frame->length;
	block->marks += frame->length == 0;
	chain->end_byte +=
	    frame->length == 0 ? FRAME_MARK_BYTES : frame->length;
	chain->tip = frame->id;
	chain->next++;
	block->positions += chain->at_end;
	chain->at_end = 0;
	chain->pool->accepted += chain->listeners;
	return block->bytes + added->offset;
}

struct frame *
chain_frame(struct chain *chain, uint64_t number, struct block **block_r)
{
	assert(number < chain->next);
	struct block *block = chain->last;
	while (block->first_number > number) {
		block = block->prev;
		assert(block != NULL);
	}
	*block_r = block;
	return block_frame(block, (uint32_t)(number - block->first_number));
}

struct frame *
chain_last(struct chain *chain)
{
	if (chain->last == NULL)
		return NULL;
	return block_frame(chain->last, chain->last->count - 1);
}

/* Number of the oldest frame whose id can be compared. */
static uint64_t
base_number(const struct chain *chain)
{
	uint64_t first =
	    chain->first == NULL ? chain->next : chain->first->first_number;
	return first > chain->floor ? first : chain->floor;
}

/* What was scanned in front of the frame with this number. */
static struct entry_id
scanned_before(struct chain *chain, uint64_t number)
{
	struct block *block;
	if (number == chain->next)
		return chain->tip;
	return chain_frame(chain, number, &block)->before;
}

struct entry_id
chain_base(struct chain *chain)
{
	return scanned_before(chain, base_number(chain));
}

uint64_t
chain_find_after(struct chain *chain, struct entry_id id)
{
	uint64_t low = base_number(chain);
	uint64_t high = chain->next;
	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct block *block;
		struct frame *frame = chain_frame(chain, middle, &block);
		if (entry_id_compare(frame->id, id) > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool
chain_knows(struct chain *chain, struct entry_id id)
{
	if (entry_id_compare(id, chain_base(chain)) < 0)
		return false;
	uint64_t number = chain_find_after(chain, id);
	if (entry_id_compare(scanned_before(chain, number), id) == 0)
		return true;
	if (number == base_number(chain))
		return false;
	struct block *block;
	return entry_id_compare(
		   chain_frame(chain, number - 1, &block)->id, id) == 0;
}

void
chain_trim(struct chain *chain)
{
	while (chain->first != NULL && chain->first->positions == 0) {
		struct block *block = chain->first;
		chain->first = block->next;
		if (chain->first != NULL)
			chain->first->prev = NULL;
		else
			chain->last = NULL;
		block_put(chain->pool, &block);
	}
}
