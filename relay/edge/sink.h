/* SPDX-License-Identifier: MIT */
#ifndef SINK_H
#define SINK_H

/*
 * Commands out: de-duplication and XADD in one script on a connection of its
 * own, with deadlines and a bound on what is under way. Late answers carry the
 * session's number, never a pointer. wire.md sections 4 and 6.
 */

#include "dead_letter.h"
#include "judge.h"
#include "redis_link.h"
#include "session.h"

struct sink;

struct sink_options {
	struct view prefix;        /* "relay:" */
	struct view stream;        /* commands.stream, "relay:commands" */
	struct view contract;      /* "name/version" */
	struct view node;          /* unique text of this process */
	unsigned timeout_ms;       /* commands.timeout_ms, 2000 */
	unsigned max_inflight;     /* 10,000 */
	size_t max_inflight_bytes; /* 64 MiB */
	uint64_t max_backlog;      /* 0 = off */
	unsigned dedup_seconds;    /* 900 */
};

/* The answers go to session_answer(env, …) of this env. */
struct sink *sink_new(struct uv_loop_s *loop, const struct redis_target *target,
    const struct sink_options *options, struct stats *stats);
/* From now on by these; prefix, stream and node stay what they are. */
void sink_reload(struct sink *sink, const struct sink_options *options);
void sink_attach(struct sink *sink, struct session_env *env);
extern const struct sink_ops sink_session_ops; /* arg: struct sink * */
void sink_start(struct sink *sink);
void sink_free(struct sink **sink);
bool sink_is_up(const struct sink *sink);
/* The connection for what clients wait for; for commands of others too. */
struct redis_link *sink_link(struct sink *sink);
size_t sink_inflight(const struct sink *sink);

/* A refused event as an entry of the dead-letter stream: one per (stream, id)
 * over all workers and nodes. arg: struct sink *. */
void sink_dead_letter(void *arg, const struct refused_entry *refused);
/* Who is told to read no more while too many of them are under way. */
void sink_on_crowd(struct sink *sink, dead_letter_crowd_fn *crowd, void *arg);

/* XADD on the canary stream of this node (capped, gone an hour after the last)
 * with the nonce in the field `event`; the answer says whether Redis took it.
 * -1: Redis is away, no answer follows. */
int sink_canary(struct sink *sink, struct view key, struct view nonce,
    redis_answer_fn *answer, void *arg);

#endif
