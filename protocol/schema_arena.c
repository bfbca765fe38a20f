/* SPDX-License-Identifier: MIT */
#include "schema_arena.h"

#include "xmalloc.h"

#include <stdlib.h>

#define CHUNK_BYTES 8192
#define ALIGN_BYTES 16

struct schema_chunk {
	struct schema_chunk *next;
	size_t used;
	size_t size;
	_Alignas(ALIGN_BYTES) char bytes[];
};

static struct schema_chunk *
add_chunk(struct schema_arena *arena, size_t needed)
{
	size_t size = needed > CHUNK_BYTES ? needed : CHUNK_BYTES;
	struct schema_chunk *chunk = xcalloc(1, sizeof(*chunk) + size);
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *
schema_arena_get(struct schema_arena *arena, size_t size)
{
	size_t needed = (size + ALIGN_BYTES - 1) & ~(size_t)(ALIGN_BYTES - 1);
	struct schema_chunk *chunk = arena->chunks;
	if (!chunk || chunk->size - chunk->used < needed)
		chunk = add_chunk(arena, needed);
	void *place = chunk->bytes + chunk->used;
	chunk->used += needed;
	return place;
}

char *
schema_arena_text(struct schema_arena *arena, struct view text)
{
	char *copy = schema_arena_get(arena, text.len + 1);
	if (text.len > 0)
		memcpy(copy, text.data, text.len);
	return copy;
}

void
schema_arena_fini(struct schema_arena *arena)
{
	while (arena->chunks) {
		struct schema_chunk *chunk = arena->chunks;
		arena->chunks = chunk->next;
		free(chunk);
	}
}
