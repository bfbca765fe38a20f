/* SPDX-License-Identifier: MIT */
#ifndef MODEL_REDIS_H
#define MODEL_REDIS_H

/*
 * Redis streams in memory, as far as the hub's tests need them: entries that
 * are added, trimmed, deleted, and keys that vanish and come back; and the
 * reads that a source makes of them, with the proof of continuity. Nothing is
 * ever forgotten: what is gone is only marked, so that a test can say later
 * what should have arrived.
 */

#include "batch.h"

struct model_entry {
	struct entry_id id;
	struct entry_id command;
	uint64_t number;     /* unique in the stream, also in the text */
	unsigned generation; /* of the stream when it was added */
	char kind;           /* see model_add */
	bool is_trimmed;
	bool is_deleted;
	char *text;
	size_t length;
};

struct model_stream {
	char key[32];
	bool exists;
	bool wrong_type;
	unsigned generation;
	struct entry_id last_id;
	struct entry_id max_deleted;
	uint64_t added;              /* entries-added of this generation */
	uint64_t length;             /* present */
	struct model_entry *entries; /* all, ever, in the order of adding */
	size_t count;
	size_t capacity;
	size_t first; /* index of the first of this generation */
};

void model_init(struct model_stream *stream, const char *key);
void model_fini(struct model_stream *stream);

/* Adds {"n":…,"k":"<kind>","p":"xxx"} with `padding` bytes of p. The kinds
 * tell the stand-in judge (fake_judge.h) what to say. */
struct model_entry *model_add(struct model_stream *stream, uint64_t ms,
    char kind, size_t padding, struct entry_id command);
/* Adds these very bytes. */
struct model_entry *model_add_text(
    struct model_stream *stream, uint64_t ms, char kind, const char *text);
void model_trim(struct model_stream *stream, uint64_t keep);
void model_delete(struct model_stream *stream, struct entry_id id);
void model_drop(struct model_stream *stream); /* DEL key */
/* The last n entries are lost, as by a restore from an older copy. */
void model_rewind(struct model_stream *stream, uint64_t n);

/* A read that has been made; its answer may arrive later. */
struct model_read {
	struct batch batch;
	struct batch_entry *entries;
	bool reached_tail;
};
/* Entries after `after` (or since_ms), as many as weigh about max_bytes. */
void model_read(const struct model_stream *stream, struct entry_id after,
    uint64_t since_ms, size_t max_bytes, struct model_read *read_r);
void model_read_fini(struct model_read *read);

void model_info(const struct model_stream *stream, uint64_t redis_now_ms,
    struct stream_info *info_r);
/* By its number; NULL when there was never one. */
struct model_entry *model_find(struct model_stream *stream, uint64_t number);

#endif
