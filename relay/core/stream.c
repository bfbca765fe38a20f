/* SPDX-License-Identifier: MIT */
#include "stream.h"

#include "hub_parts.h"
#include "json.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

#define MAP_FIRST_BUCKETS 64

void
stream_map_init(struct stream_map *map)
{
	map->buckets = MAP_FIRST_BUCKETS;
	map->count = 0;
	map->by_id = xcalloc(map->buckets, sizeof(*map->by_id));
	map->by_key = xcalloc(map->buckets, sizeof(*map->by_key));
}

void
stream_map_fini(struct stream_map *map)
{
	assert(map->count == 0);
	free(map->by_id);
	free(map->by_key);
	*map = (struct stream_map){ 0 };
}

struct stream *
stream_map_by_id(const struct stream_map *map, uint64_t id)
{
	struct stream *stream = map->by_id[id & (map->buckets - 1)];
	while (stream != NULL && stream->id != id)
		stream = stream->next_by_id;
	return stream;
}

struct view
stream_key_view(const struct stream *stream)
{
	const char *key = (const char *)&stream->topics[stream->endpoints];
	return view_make(key, stream->key_length);
}

struct stream *
stream_map_by_key(const struct stream_map *map, struct view key)
{
	uint32_t hash = json_hash(key);
	struct stream *stream = map->by_key[hash & (map->buckets - 1)];
	while (stream != NULL &&
	    (stream->key_hash != hash ||
		!view_equal(stream_key_view(stream), key)))
		stream = stream->next_by_key;
	return stream;
}

void
stream_map_age(struct stream_map *map)
{
	for (size_t i = 0; i < map->buckets; i++)
		for (struct stream *stream = map->by_id[i]; stream != NULL;
		     stream = stream->next_by_id)
			if (stream->judged != NULL)
				judged_age(stream->judged);
}

static void
insert(struct stream_map *map, struct stream *stream)
{
	struct stream **by_id = &map->by_id[stream->id & (map->buckets - 1)];
	struct stream **by_key =
	    &map->by_key[stream->key_hash & (map->buckets - 1)];
	stream->next_by_id = *by_id;
	stream->next_by_key = *by_key;
	*by_id = stream;
	*by_key = stream;
}

static void
double_buckets(struct stream_map *map)
{
	struct stream_map old = *map;
	map->buckets *= 2;
	map->by_id = xcalloc(map->buckets, sizeof(*map->by_id));
	map->by_key = xcalloc(map->buckets, sizeof(*map->by_key));
	for (size_t i = 0; i < old.buckets; i++) {
		struct stream *stream = old.by_id[i];
		while (stream != NULL) {
			struct stream *next = stream->next_by_id;
			insert(map, stream);
			stream = next;
		}
	}
	free(old.by_id);
	free(old.by_key);
}

void
stream_map_add(struct stream_map *map, struct stream *stream)
{
	if (map->count == map->buckets)
		double_buckets(map);
	insert(map, stream);
	map->count++;
}

void
stream_map_remove(struct stream_map *map, struct stream *stream)
{
	struct stream **at = &map->by_id[stream->id & (map->buckets - 1)];
	while (*at != stream)
		at = &(*at)->next_by_id;
	*at = stream->next_by_id;
	at = &map->by_key[stream->key_hash & (map->buckets - 1)];
	while (*at != stream)
		at = &(*at)->next_by_key;
	*at = stream->next_by_key;
	map->count--;
}

static void
remember_judged(struct stream *stream)
{
	struct judged known = judged_memo_find(
	    &stream->hub->judged, stream->key_hash, stream->key_length);
	if (entry_id_is_zero(judged_last(&known)))
		return;
	stream->judged = xmalloc(sizeof(*stream->judged));
	*stream->judged = known;
}

void
stream_was_judged(
    struct stream *stream, struct entry_id after, struct entry_id through)
{
	if (entry_id_compare(after, through) >= 0)
		return;
	if (stream->judged == NULL)
		stream->judged = xcalloc(1, sizeof(*stream->judged));
	judged_add(stream->judged, after, through);
}

void
stream_forget_judged(struct stream *stream)
{
	free(stream->judged);
	stream->judged = NULL;
}

struct stream *
stream_new(struct hub *hub, uint64_t id, struct view key)
{
	size_t endpoints = hub->contract->endpoint_count;
	size_t topics = endpoints * sizeof(struct topic *);
	struct stream *stream = xcalloc(1, sizeof(*stream) + topics + key.len);
	stream->hub = hub;
	stream->id = id;
	stream->generation = 1;
	stream->key_hash = json_hash(key);
	assert(key.len <= UINT16_MAX && endpoints <= UINT8_MAX);
	stream->key_length = (uint16_t)key.len;
	stream->endpoints = (uint8_t)endpoints;
	memcpy(&stream->topics[endpoints], key.data, key.len);
	remember_judged(stream);
	list_init(&stream->opening);
	list_init(&stream->beyond);
	list_init(&stream->waiting);
	list_init(&stream->hungry);
	return stream;
}

void
stream_free(struct stream **stream)
{
	struct stream *old = *stream;
	*stream = NULL;
	assert(old->topic_count == 0);
	assert(list_is_empty(&old->opening) && list_is_empty(&old->waiting));
	list_remove(&old->hungry);
	free(old->fetch);
	if (old->judged != NULL)
		judged_memo_keep(&old->hub->judged, old->key_hash,
		    old->key_length, old->judged);
	free(old->judged);
	free(old);
}

struct topic *
stream_topic(struct stream *stream, size_t endpoint)
{
	if (stream->topics[endpoint] != NULL)
		return stream->topics[endpoint];
	struct topic *topic = xcalloc(1, sizeof(*topic));
	topic->stream = stream;
	topic->endpoint = (uint32_t)endpoint;
	topic->check_byte = UINT64_MAX;
	chain_init(&topic->chain, &stream->hub->pool, stream->tail);
	list_init(&topic->members);
	list_init(&topic->ready);
	list_init(&topic->parked);
	list_init(&topic->dirty);
	list_init(&topic->loaded);
	list_init(&topic->quiet);
	stream->topics[endpoint] = topic;
	stream->topic_count++;
	return topic;
}

void
topic_free(struct topic **topic)
{
	struct topic *old = *topic;
	*topic = NULL;
	assert(old->member_count == 0 && list_is_empty(&old->members));
	assert(list_is_empty(&old->ready) && list_is_empty(&old->parked));
	if (topic_pin(old) != NULL)
		position_leave(topic_pin(old));
	chain_fini(&old->chain);
	list_remove(&old->dirty);
	list_remove(&old->loaded);
	list_remove(&old->quiet);
	old->stream->topics[old->endpoint] = NULL;
	old->stream->topic_count--;
	free(old);
}

void
topic_is_dirty(struct topic *topic)
{
	struct hub *hub = topic->stream->hub;
	if (list_is_empty(&topic->dirty))
		list_add_tail(&hub->dirty, &topic->dirty);
	if (list_is_empty(&topic->loaded))
		list_add_tail(&hub->loaded, &topic->loaded);
}
