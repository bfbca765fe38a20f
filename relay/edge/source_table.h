/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_TABLE_H
#define SOURCE_TABLE_H

/*
 * The streams that a source follows: found by the hub's id and by key, walked
 * in turn for sweeps, and standing in queues, first in, first out.
 */

#include "entry_id.h"
#include "view.h"

struct source;
struct source_watch;

enum source_queue {
	SOURCE_QUEUE_READ,    /* something is to be asked */
	SOURCE_QUEUE_CONFIRM, /* brought news a short time ago */
	SOURCE_QUEUES
};

struct source_place {
	struct source_stream *next, *prev;
};

/* One followed stream. Owned by the table; kept past its removal while an
 * answer is under way (is_busy), then freed by whoever gets the answer. There
 * may be as many as clients, most of them idle: kept small. */
struct source_stream {
	struct source *source;
	struct source_watch *watch; /* not the hub's but a watch's own */
	uint64_t id;
	struct entry_id position; /* all up to here was fed */
	uint64_t read_us;         /* when the read under way or last was sent */
	uint64_t proven_us;       /* when the last proof was asked for */
	uint64_t confirm_ms;      /* when it is to be looked at once more */
	uint32_t read_count;      /* COUNT of that read */
	uint32_t mean_bytes;      /* of an entry; 0: not known */
	uint32_t news;            /* reads that brought something … */
	uint32_t news_at_push;    /* … when the last push came */
	uint32_t index;           /* in all[] */
	uint32_t key_length;
	struct source_stream *next_by_id, *next_by_key;
	struct source_place places[SOURCE_QUEUES];
	uint8_t queued; /* bits by enum source_queue: has its place there */

	bool is_positioned : 1;
	bool is_wrong_type : 1;
	bool wants_open : 1;      /* ask XINFO and tell the hub */
	bool wants_read : 1;      /* the mark: something may be new */
	bool was_pushed : 1;      /* … because Redis said so */
	bool needs_proof : 1;     /* the next read must not be a probe */
	bool avoids_probe : 1;    /* … nor any while it is this lively */
	bool is_busy : 1;         /* an answer is under way */
	bool is_removed : 1;      /* unfollowed meanwhile */
	bool read_was_pushed : 1; /* the read under way or last … */
	bool read_is_probe : 1; /* … starts at the position, not before it */
	char key[];
};

static inline struct view
source_stream_key(const struct source_stream *stream)
{
	return view_make(stream->key, stream->key_length);
}

struct source_table {
	struct source_stream **all;
	size_t count, capacity;
	struct source_stream **by_id, **by_key; /* chains */
	size_t buckets; /* a power of two; 0 before the first */
	uint64_t seed;  /* keys come from outside */
	struct source_stream *first[SOURCE_QUEUES], *last[SOURCE_QUEUES];
};

void source_table_init(struct source_table *table, uint64_t seed);
/* Frees every stream; none may be busy. */
void source_table_fini(struct source_table *table);

/* The key is copied; id and key must not be there yet. */
struct source_stream *source_table_add(
    struct source_table *table, uint64_t id, struct view key);
/* Not found any more; freed now, or by the answer under way. */
void source_table_remove(
    struct source_table *table, struct source_stream *stream);
void source_stream_free(struct source_stream *stream);

struct source_stream *source_table_by_id(
    const struct source_table *table, uint64_t id);
struct source_stream *source_table_by_key(
    const struct source_table *table, struct view key);

/* To the end of the queue; nothing when it stands there already. */
void source_table_enter(struct source_table *table, enum source_queue queue,
    struct source_stream *stream);
/* Out of the queue, wherever it stands. */
void source_table_leave(struct source_table *table, enum source_queue queue,
    struct source_stream *stream);
/* The first one, which stays there; NULL when empty. */
struct source_stream *source_table_first(
    const struct source_table *table, enum source_queue queue);

#endif
