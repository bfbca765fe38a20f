/* SPDX-License-Identifier: MIT */
#ifndef BLOCK_H
#define BLOCK_H

/*
 * Contiguous memory that holds finished WebSocket frames, and an index of
 * them: bytes grow from the front, index entries from the back, so that a
 * block is bounded whatever is put into it. Blocks come from a pool, about
 * 64 KiB each; a frame that is larger gets a block of its own.
 */

#include "entry_id.h"

#include <stdint.h>

enum frame_kind {
	FRAME_DATA,
	FRAME_DIRECT, /* only for the subscriber that owns `command` */
	FRAME_GAP,    /* no bytes: a notice for those who know notices */
	FRAME_CURSOR  /* no bytes: likewise */
};

struct frame {
	struct entry_id id;      /* of its entry; of a gap: its `through` */
	struct entry_id before;  /* all up to here was scanned before it */
	struct entry_id command; /* the entry's; of a gap: its resumes_at */
	uint32_t offset;         /* of its first byte in the block */
	uint32_t length;
	uint32_t marks_before; /* frames without bytes before it, here */
	uint8_t kind;          /* enum frame_kind */
	uint8_t reason;        /* gap: enum gap_reason */
	bool is_terminal;
	bool resumes_known; /* gap */
};

/* Of a block with its head, unless a frame needs more. */
#define BLOCK_BYTES 65536

/* What a mark weighs in the budgets: its place in the index. */
#define FRAME_MARK_BYTES sizeof(struct frame)

/* How a subscriber wants its frames. */
enum block_form {
	FORM_PLAIN,
	FORM_NARROW, /* compressed, with a window of 2^9 bytes */
	FORM_WIDE,   /* … of 2^12 */
	FORM_COUNT
};

/* Owned by one chain, by the block whose twin it is, or by the pool while it is
 * free. */
struct block {
	struct block *next; /* younger, in the chain */
	struct block *prev;
	struct block *twins[FORM_COUNT]; /* twin.h; NULL: not asked for */
	uint64_t serial;                 /* unique in the pool, for ever */
	uint64_t first_number; /* of its first frame, counted in its chain */
	uint64_t first_byte;   /* bytes of the chain before it, ever */
	size_t positions;      /* how many stand on one of its frames */
	uint32_t capacity;     /* of bytes[] */
	uint32_t used;         /* bytes of frames */
	uint32_t count;        /* frames */
	uint32_t marks;
	_Alignas(16) char bytes[];
};

struct block_pool {
	struct block *free;
	size_t free_count;
	uint64_t last_serial;
	size_t blocks;     /* in use */
	size_t bytes;      /* of blocks in use */
	size_t twins;      /* of the blocks */
	uint64_t accepted; /* frames that became some listener's to get … */
	uint64_t left;     /* … and those in front of it when it left */
};

void block_pool_init(struct block_pool *pool);
void block_pool_fini(struct block_pool *pool); /* no block may be in use */

/* An empty block with room for a frame of `length` bytes at least. */
struct block *block_get(struct block_pool *pool, size_t length);
/* An empty one for the same frames; the caller makes it known to `block`. */
struct block *block_get_twin(
    struct block_pool *pool, const struct block *block);
void block_drop_twins(struct block_pool *pool, struct block *block);
/* Its twins go too. */
void block_put(struct block_pool *pool, struct block **block);

bool block_fits(const struct block *block, size_t length);

/* The frame at `index` (< count). Good as long as the block is. */
static inline struct frame *
block_frame(struct block *block, uint32_t index)
{
	return (struct frame *)(void *)(block->bytes + block->capacity) -
	    (index + 1);
}

/* The number behind its last frame. */
static inline uint64_t
block_end(const struct block *block)
{
	return block->first_number + block->count;
}

#endif
