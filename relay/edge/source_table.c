/* SPDX-License-Identifier: MIT */
#include "source_table.h"

#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

void
source_table_init(struct source_table *table, uint64_t seed)
{
	memset(table, 0, sizeof(*table));
	table->seed = seed;
}

void
source_stream_free(struct source_stream *stream)
{
	free(stream);
}

void
source_table_fini(struct source_table *table)
{
	for (size_t i = 0; i < table->count; i++) {
		assert(!table->all[i]->is_busy);
		source_stream_free(table->all[i]);
	}
	free(table->all);
	free(table->by_id);
	free(table->by_key);
	memset(table, 0, sizeof(*table));
}

/* The finishing step of MurmurHash3. */
static uint64_t
mix(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= 0xff51afd7ed558ccdULL;
	hash ^= hash >> 33;
	hash *= 0xc4ceb9fe1a85ec53ULL;
	return hash ^ hash >> 33;
}

static struct source_stream **
id_bucket(const struct source_table *table, uint64_t id)
{
	return &table->by_id[mix(id) & (table->buckets - 1)];
}

static struct source_stream **
key_bucket(const struct source_table *table, struct view key)
{
	uint64_t hash = table->seed;

	for (size_t i = 0; i < key.len; i++)
		hash = (hash ^ (unsigned char)key.data[i]) * 0x100000001b3ULL;
	return &table->by_key[mix(hash) & (table->buckets - 1)];
}

static void
link_stream(struct source_table *table, struct source_stream *stream)
{
	struct source_stream **bucket = id_bucket(table, stream->id);

	stream->next_by_id = *bucket;
	*bucket = stream;
	bucket = key_bucket(table, source_stream_key(stream));
	stream->next_by_key = *bucket;
	*bucket = stream;
}

static void
grow(struct source_table *table)
{
	table->buckets = table->buckets > 0 ? table->buckets * 2 : 64;
	free(table->by_id);
	free(table->by_key);
	table->by_id = xcalloc(table->buckets, sizeof(struct source_stream *));
	table->by_key = xcalloc(table->buckets, sizeof(struct source_stream *));
	for (size_t i = 0; i < table->count; i++)
		link_stream(table, table->all[i]);
}

static void
append(struct source_table *table, struct source_stream *stream)
{
	if (table->count == table->capacity) {
		table->capacity =
		    table->capacity > 0 ? table->capacity * 2 : 64;
		table->all = xrealloc(
		    table->all, table->capacity * sizeof(table->all[0]));
	}
	stream->index = (uint32_t)table->count;
	table->all[table->count++] = stream;
}

struct source_stream *
source_table_add(struct source_table *table, uint64_t id, struct view key)
{
	struct source_stream *stream = xcalloc(1, sizeof(*stream) + key.len);

	assert(key.len <= UINT32_MAX && table->count < UINT32_MAX);
	stream->id = id;
	stream->key_length = (uint32_t)key.len;
	memcpy(stream->key, key.data, key.len);
	if (table->count == table->buckets)
		grow(table);
	assert(source_table_by_id(table, id) == NULL);
	append(table, stream);
	link_stream(table, stream);
	return stream;
}

static void
unlink_stream(struct source_table *table, struct source_stream *stream)
{
	struct source_stream **at = id_bucket(table, stream->id);

	while (*at != stream)
		at = &(*at)->next_by_id;
	*at = stream->next_by_id;
	at = key_bucket(table, source_stream_key(stream));
	while (*at != stream)
		at = &(*at)->next_by_key;
	*at = stream->next_by_key;
}

void
source_table_remove(struct source_table *table, struct source_stream *stream)
{
	struct source_stream *last = table->all[table->count - 1];

	source_table_leave(table, SOURCE_QUEUE_READ, stream);
	source_table_leave(table, SOURCE_QUEUE_CONFIRM, stream);
	unlink_stream(table, stream);
	table->all[stream->index] = last;
	last->index = stream->index;
	table->count--;
	stream->is_removed = true;
	if (!stream->is_busy)
		source_stream_free(stream);
}

struct source_stream *
source_table_by_id(const struct source_table *table, uint64_t id)
{
	struct source_stream *stream =
	    table->buckets > 0 ? *id_bucket(table, id) : NULL;

	while (stream != NULL && stream->id != id)
		stream = stream->next_by_id;
	return stream;
}

struct source_stream *
source_table_by_key(const struct source_table *table, struct view key)
{
	struct source_stream *stream =
	    table->buckets > 0 ? *key_bucket(table, key) : NULL;

	while (stream != NULL && !view_equal(source_stream_key(stream), key))
		stream = stream->next_by_key;
	return stream;
}

static bool
stands_in(const struct source_stream *stream, enum source_queue queue)
{
	return (stream->queued >> queue & 1) != 0;
}

void
source_table_enter(struct source_table *table, enum source_queue queue,
    struct source_stream *stream)
{
	struct source_stream *last = table->last[queue];
	struct source_place *place = &stream->places[queue];

	if (stands_in(stream, queue))
		return;
	stream->queued |= (uint8_t)(1u << queue);
	*place = (struct source_place){ .prev = last };
	if (last != NULL)
		last->places[queue].next = stream;
	else
		table->first[queue] = stream;
	table->last[queue] = stream;
}

void
source_table_leave(struct source_table *table, enum source_queue queue,
    struct source_stream *stream)
{
	struct source_place *place = &stream->places[queue];

	if (!stands_in(stream, queue))
		return;
	stream->queued &= (uint8_t) ~(1u << queue);
	if (place->prev != NULL)
		place->prev->places[queue].next = place->next;
	else
		table->first[queue] = place->next;
	if (place->next != NULL)
		place->next->places[queue].prev = place->prev;
	else
		table->last[queue] = place->prev;
}

struct source_stream *
source_table_first(const struct source_table *table, enum source_queue queue)
{
	return table->first[queue];
}
