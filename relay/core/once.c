/* SPDX-License-Identifier: MIT */
#include "once.h"

#include "json.h"
#include "xmalloc.h"

#include <pthread.h>
#include <stdlib.h>

#define SETS 16384u /* of WAYS entries each; a power of two */
#define WAYS 4u

struct once {
	pthread_mutex_t lock; /* asked for what breaks the contract only */
	uint64_t tags[SETS][WAYS];
	uint8_t next[SETS]; /* which way is overwritten */
};

struct once *
once_new(void)
{
	struct once *once = xcalloc(1, sizeof(*once));
	pthread_mutex_init(&once->lock, NULL);
	return once;
}

void
once_free(struct once **once)
{
	if (!*once)
		return;
	pthread_mutex_destroy(&(*once)->lock);
	free(*once);
	*once = NULL;
}

static uint64_t
mix(uint64_t value)
{
	value ^= value >> 32;
	value *= UINT64_C(0xd6e8feb86659fd93);
	value ^= value >> 32;
	value *= UINT64_C(0xd6e8feb86659fd93);
	return value ^ value >> 32;
}

static uint64_t
tag_of(struct view stream, struct entry_id id)
{
	uint64_t tag = mix(json_hash(stream) + UINT64_C(0x9e3779b97f4a7c15));
	tag = mix(tag ^ id.ms);
	tag = mix(tag + id.seq);
	return tag ? tag : 1; /* 0: free */
}

static bool
has(const uint64_t *ways, uint64_t tag)
{
	for (unsigned i = 0; i < WAYS; i++)
		if (ways[i] == tag)
			return true;
	return false;
}

bool
once_take(struct once *once, struct view stream, struct entry_id id)
{
	uint64_t tag = tag_of(stream, id);
	size_t set = tag % SETS;
	pthread_mutex_lock(&once->lock);
	bool is_first = !has(once->tags[set], tag);
	if (is_first)
		once->tags[set][once->next[set]++ % WAYS] = tag;
	pthread_mutex_unlock(&once->lock);
	return is_first;
}
