/* SPDX-License-Identifier: MIT */
#include "model_redis.h"

#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

void
model_init(struct model_stream *stream, const char *key)
{
	*stream = (struct model_stream){ .generation = 1 };
	snprintf(stream->key, sizeof(stream->key), "%s", key);
}

void
model_fini(struct model_stream *stream)
{
	for (size_t i = 0; i < stream->count; i++)
		free(stream->entries[i].text);
	free(stream->entries);
}

static struct entry_id
next_id(const struct model_stream *stream, uint64_t ms)
{
	if (ms > stream->last_id.ms)
		return (struct entry_id){ ms, 0 };
	return entry_id_after(stream->last_id);
}

static struct model_entry *
add(struct model_stream *stream, uint64_t ms, char kind, char *text)
{
	if (stream->count == stream->capacity) {
		stream->capacity = stream->capacity * 2 + 64;
		stream->entries = xrealloc(stream->entries,
		    stream->capacity * sizeof(*stream->entries));
	}
	struct model_entry *entry = &stream->entries[stream->count];
	*entry = (struct model_entry){ .id = next_id(stream, ms),
		.number = stream->count,
		.generation = stream->generation,
		.kind = kind,
		.text = text,
		.length = strlen(text) };
	stream->count++;
	stream->last_id = entry->id;
	stream->added++;
	stream->length++;
	stream->exists = true;
	return entry;
}

struct model_entry *
model_add(struct model_stream *stream, uint64_t ms, char kind, size_t padding,
    struct entry_id command)
{
	char *text = xmalloc(padding + 64);
	int head = snprintf(
	    text, 64, "{\"n\":%zu,\"k\":\"%c\",\"p\":\"", stream->count, kind);
	memset(text + head, 'x', padding);
	snprintf(text + head + padding, 3, "\"}");
	struct model_entry *entry = add(stream, ms, kind, text);
	entry->command = command;
	return entry;
}

struct model_entry *
model_add_text(
    struct model_stream *stream, uint64_t ms, char kind, const char *text)
{
	return add(stream, ms, kind, xstrdup(text));
}

static bool
is_present(const struct model_entry *entry)
{
	return !entry->is_trimmed && !entry->is_deleted;
}

void
model_trim(struct model_stream *stream, uint64_t keep)
{
	for (size_t i = stream->first; i < stream->count; i++) {
		struct model_entry *entry = &stream->entries[i];
		if (stream->length <= keep)
			return;
		if (!is_present(entry))
			continue;
		entry->is_trimmed = true;
		stream->length--;
	}
}

void
model_delete(struct model_stream *stream, struct entry_id id)
{
	for (size_t i = stream->first; i < stream->count; i++) {
		struct model_entry *entry = &stream->entries[i];
		if (entry_id_compare(entry->id, id) != 0 || !is_present(entry))
			continue;
		entry->is_deleted = true;
		stream->length--;
		if (entry_id_compare(stream->max_deleted, id) < 0)
			stream->max_deleted = id;
	}
}

void
model_drop(struct model_stream *stream)
{
	stream->exists = false;
	stream->generation++;
	stream->last_id = ENTRY_ID_ZERO;
	stream->max_deleted = ENTRY_ID_ZERO;
	stream->added = 0;
	stream->length = 0;
	stream->first = stream->count;
}

/* The same entry again, under a new number; what is gone is gone here too. */
static void
copy_entry(struct model_stream *stream, const struct model_entry *old)
{
	struct model_entry *entry =
	    model_add(stream, old->id.ms, old->kind, 8, old->command);
	entry->id = old->id;
	entry->is_trimmed = old->is_trimmed;
	entry->is_deleted = old->is_deleted;
	stream->last_id = old->id;
	if (!is_present(old))
		stream->length--;
	if (old->is_deleted)
		stream->max_deleted = old->id;
}

/* A new life. The copy knows its last id also where that entry is gone, and
 * how many it had before they were trimmed. From before the first entry there
 * is no copy. */
void
model_rewind(struct model_stream *stream, uint64_t n)
{
	size_t first = stream->first;
	size_t here = stream->count - first;
	size_t end = n < here ? stream->count - n : first;
	model_drop(stream);
	for (size_t i = first; i < end; i++) {
		struct model_entry old = stream->entries[i];
		copy_entry(stream, &old);
	}
}

static const struct model_entry *
first_after(const struct model_stream *stream, struct entry_id after)
{
	for (size_t i = stream->first; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		if (is_present(entry) && entry_id_compare(entry->id, after) > 0)
			return entry;
	}
	return NULL;
}

static const struct model_entry *
first_present(const struct model_stream *stream)
{
	for (size_t i = stream->first; i < stream->count; i++)
		if (is_present(&stream->entries[i]))
			return &stream->entries[i];
	return NULL;
}

static bool
has_entry(const struct model_stream *stream, struct entry_id id)
{
	const struct model_entry *entry =
	    first_after(stream, entry_id_before(id));
	return entry != NULL && entry_id_compare(entry->id, id) == 0;
}

static void
set_gap(const struct model_stream *stream, struct batch *batch,
    enum gap_reason reason, struct entry_id after)
{
	const struct model_entry *next = first_after(stream, after);
	bool is_void = reason == GAP_RECREATED || reason == GAP_REWOUND;
	if (is_void)
		next = first_present(stream);
	batch->has_gap = true;
	batch->gap = (struct gap){ .reason = reason,
		.after = after,
		.through = stream->last_id,
		.resumes_known = next != NULL };
	if (next != NULL) {
		batch->gap.resumes_at = next->id;
		batch->gap.through = entry_id_before(next->id);
	}
	if (is_void) /* from here a client gets all that there is */
		batch->gap.through = ENTRY_ID_ZERO;
}

/* Is what follows `after` provably all that was ever added behind it? */
static void
prove(const struct model_stream *stream, struct entry_id after,
    struct batch *batch)
{
	const struct model_entry *first = first_present(stream);
	const struct model_entry *next = first_after(stream, after);
	bool is_next = next != NULL &&
	    entry_id_compare(next->id, entry_id_after(after)) == 0;
	if (entry_id_is_zero(after)) {
		if (stream->exists && stream->added > stream->length)
			set_gap(stream, batch, GAP_TRIMMED, after);
	} else if (!stream->exists) {
		set_gap(stream, batch, GAP_RECREATED, after);
	} else if (entry_id_compare(stream->last_id, after) == 0 || is_next ||
	    has_entry(stream, after)) {
		return;
	} else if (entry_id_compare(stream->last_id, after) < 0) {
		set_gap(stream, batch, GAP_REWOUND, after);
	} else if (first != NULL && entry_id_compare(first->id, after) < 0) {
		set_gap(stream, batch,
		    entry_id_compare(stream->max_deleted, after) >= 0
			? GAP_DELETED
			: GAP_REWOUND,
		    after);
	} else {
		set_gap(stream, batch,
		    stream->added == stream->length ? GAP_RECREATED
						    : GAP_TRIMMED,
		    after);
	}
}

static struct batch_entry
to_batch(const struct model_entry *entry)
{
	return (struct batch_entry){ .id = entry->id,
		.has_event = true,
		.event = view_make(entry->text, entry->length),
		.command = entry->command };
}

static bool
voids(const struct batch *batch)
{
	return batch->has_gap &&
	    (batch->gap.reason == GAP_RECREATED ||
		batch->gap.reason == GAP_REWOUND);
}

void
model_read(const struct model_stream *stream, struct entry_id after,
    uint64_t since_ms, size_t max_bytes, struct model_read *read_r)
{
	*read_r = (struct model_read){ .reached_tail = true };
	struct batch *batch = &read_r->batch;
	if (since_ms > 0)
		after = entry_id_before((struct entry_id){ since_ms, 0 });
	batch->after = after;
	const struct model_entry *first = first_present(stream);
	if (since_ms == 0)
		prove(stream, after, batch);
	else if (stream->added > stream->length &&
	    (first == NULL || entry_id_compare(first->id, after) > 0))
		set_gap(stream, batch, GAP_TRIMMED, after);
	batch->through = stream->last_id;
	if (voids(batch))
		return;
	size_t bytes = 0;
	read_r->entries = xcalloc(stream->length + 1, sizeof(*read_r->entries));
	batch->entries = read_r->entries;
	for (size_t i = stream->first; i < stream->count; i++) {
		const struct model_entry *entry = &stream->entries[i];
		if (!is_present(entry) ||
		    entry_id_compare(entry->id, after) <= 0)
			continue;
		if (bytes > 0 && bytes + entry->length > max_bytes) {
			read_r->reached_tail = false;
			batch->through = batch->entries[batch->count - 1].id;
			return;
		}
		bytes += entry->length;
		read_r->entries[batch->count++] = to_batch(entry);
	}
}

void
model_read_fini(struct model_read *read)
{
	free(read->entries);
	*read = (struct model_read){ 0 };
}

void
model_info(const struct model_stream *stream, uint64_t redis_now_ms,
    struct stream_info *info_r)
{
	const struct model_entry *first = first_present(stream);
	*info_r = (struct stream_info){ .exists = stream->exists,
		.wrong_type = stream->wrong_type,
		.newest = stream->last_id,
		.deleted = stream->max_deleted,
		.redis_now_ms = redis_now_ms };
	if (first != NULL)
		info_r->oldest = first->id;
}

struct model_entry *
model_find(struct model_stream *stream, uint64_t number)
{
	return number < stream->count ? &stream->entries[number] : NULL;
}
