/* SPDX-License-Identifier: MIT */
#ifndef CONNECTION_REDIS_H
#define CONNECTION_REDIS_H

/*
 * Redis for fuzz_connection, in memory: what the hub asks of the source and
 * sessions of the sink waits until the script has it answered. Streams are made
 * by who follows them.
 */

#include "judge.h"
#include "model_redis.h"
#include "session.h"

#define FAKE_REDIS_MS 1700000000000u /* Redis's clock at 0 */
#define FAKE_COMMANDS 32             /* under way at once */

struct fake_stream {
	struct fake_stream *next;
	struct view key;
	struct model_stream model;
};

struct fake_followed {
	struct fake_followed *next;
	uint64_t stream_id;
	struct fake_stream *stream;
	struct entry_id position;
	bool is_open;
	bool has_position; /* was open once */
};

struct fake_request {
	struct fake_request *next;
	bool is_fetch; /* else: look at it */
	bool is_read;  /* Redis has answered; the answer is on its way */
	uint64_t stream_id;
	uint64_t window_id;
	struct entry_id after;
	uint64_t since_ms;
	size_t max_bytes;
	struct model_read read;
};

struct fake_command {
	uint64_t session_id;
	uint64_t ticket;
};

/* Whose is it? Asked by a session. */
struct fake_question {
	uint64_t session_id;
	struct entry_id command;
};

struct fake_redis {
	struct hub *hub;
	struct session_env *env;
	/* By the laxest mode and by the strictest. */
	struct judge *judges[2];
	size_t endpoints;
	struct fake_stream *streams;
	struct fake_followed *followed;
	struct fake_request *requests; /* oldest first */
	struct fake_command commands[FAKE_COMMANDS];
	size_t command_count;
	struct fake_question questions[FAKE_COMMANDS];
	size_t question_count;
	struct entry_id last_command;
	uint64_t now_ms;
	bool is_up;
};

extern const struct hub_source_ops fake_source_ops;
extern const struct sink_ops fake_sink_ops;

/* Down. hub and env are set by the owner; the judges are its too. */
void fake_redis_fini(struct fake_redis *redis);

/* The n-th of the streams that anybody asked for, or NULL. */
struct fake_stream *fake_redis_stream(struct fake_redis *redis, size_t n);
/* By its key, made if there is none. */
struct fake_stream *fake_redis_find(struct fake_redis *redis, struct view key);
/* XADD. The entry's kind says who must get it, whatever the mode: bit n for
 * endpoint n. */
void fake_redis_add(struct fake_redis *redis, struct fake_stream *stream,
    const char *event, struct entry_id command);
/* DEL, so that no id of the life before comes again. */
void fake_redis_drop(struct fake_redis *redis, struct fake_stream *stream);

/* Redis reads for the n-th request; its answer arrives. */
void fake_redis_read(struct fake_redis *redis, size_t n);
void fake_redis_answer(struct fake_redis *redis, size_t n);
/* News of a stream, about max_bytes. False: there are none. */
bool fake_redis_feed(
    struct fake_redis *redis, struct fake_stream *stream, size_t max_bytes);
/* The n-th command is answered. */
void fake_redis_settle_command(
    struct fake_redis *redis, size_t n, struct sink_answer answer);
/* The oldest question is answered. */
void fake_redis_tell_owner(struct fake_redis *redis, bool has_moved);
/* An answer that its id makes: stored. */
struct sink_answer fake_redis_stored(struct fake_redis *redis);
void fake_redis_down(struct fake_redis *redis);
void fake_redis_up(struct fake_redis *redis);
/* All that it has to say. False: nothing. */
bool fake_redis_say_all(struct fake_redis *redis);

#endif
