/* SPDX-License-Identifier: MIT */
#include "block.h"

#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

#define POOL_FREE_MAX 64 /* kept for the next; the rest is freed */
#define POOL_CAPACITY ((uint32_t)(BLOCK_BYTES - sizeof(struct block)))

void
block_pool_init(struct block_pool *pool)
{
	*pool = (struct block_pool){ 0 };
}

void
block_pool_fini(struct block_pool *pool)
{
	assert(pool->blocks == 0 && pool->bytes == 0);
	while (pool->free != NULL) {
		struct block *block = pool->free;
		pool->free = block->next;
		free(block);
	}
	pool->free_count = 0;
}

static uint32_t
capacity_for(size_t length)
{
	size_t need = length + sizeof(struct frame);
	if (need <= POOL_CAPACITY)
		return POOL_CAPACITY;
	assert(need < UINT32_MAX - 64);
	return (uint32_t)((need + 15) & ~(size_t)15);
}

static struct block *
take_free(struct block_pool *pool)
{
	struct block *block = pool->free;
	pool->free = block->next;
	pool->free_count--;
	return block;
}

static struct block *
get(struct block_pool *pool, uint32_t capacity)
{
	bool reuse = capacity == POOL_CAPACITY && pool->free != NULL;
	struct block *block =
	    reuse ? take_free(pool) : xmalloc(sizeof(*block) + capacity);
	*block = (struct block){ .capacity = capacity,
		.serial = ++pool->last_serial };
	pool->blocks++;
	pool->bytes += sizeof(*block) + capacity;
	return block;
}

struct block *
block_get(struct block_pool *pool, size_t length)
{
	return get(pool, capacity_for(length));
}

struct block *
block_get_twin(struct block_pool *pool, const struct block *block)
{
	struct block *twin = get(pool, block->capacity);
	twin->first_number = block->first_number;
	pool->twins++;
	return twin;
}

void
block_drop_twins(struct block_pool *pool, struct block *block)
{
	for (size_t form = 0; form < FORM_COUNT; form++) {
		if (block->twins[form] == NULL)
			continue;
		pool->twins--;
		block_put(pool, &block->twins[form]);
	}
}

void
block_put(struct block_pool *pool, struct block **block)
{
	struct block *old = *block;
	*block = NULL;
	block_drop_twins(pool, old);
	assert(pool->blocks > 0 && old->positions == 0);
	pool->blocks--;
	pool->bytes -= sizeof(*old) + old->capacity;
	if (old->capacity != POOL_CAPACITY ||
	    pool->free_count == POOL_FREE_MAX) {
		free(old);
		return;
	}
	old->next = pool->free;
	pool->free = old;
	pool->free_count++;
}

bool
block_fits(const struct block *block, size_t length)
{
	size_t index = ((size_t)block->count + 1) * sizeof(struct frame);
	return block->used + length + index <= block->capacity;
}
