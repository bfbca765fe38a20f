/* SPDX-License-Identifier: MIT */
#ifndef SINK_RIG_H
#define SINK_RIG_H

/*
 * A sink on a loop of its own with a private redis-server, and the answers that
 * it gave. It takes the place of session_answer, so one test program includes
 * it once, and no sessions are there.
 */

#include "redis_fixture.h"
#include "sink.h"
#include "stats.h"

#include <hiredis/hiredis.h>
#include <uv.h>

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define RIG_ANSWERS 64

struct rig_answer {
	uint64_t session_id;
	uint64_t ticket;
	enum sink_outcome outcome;
	struct entry_id id, from;
	char session[64];
};

struct rig {
	struct redis_fixture redis;
	struct redis_target target;
	uv_loop_t loop;
	struct stats stats;
	struct sink *sink;
	struct rig_answer answers[RIG_ANSWERS];
	size_t count;
	struct entry_id asked; /* whose owner was told last … */
	bool is_moved;
	unsigned told; /* … and how often */
};

/* The env that the sink knows is the rig; nobody looks into it. */
void
session_answer(struct session_env *env, uint64_t session_id, uint64_t ticket,
    const struct sink_answer *answer, uint64_t now_ms)
{
	struct rig *rig = (struct rig *)(void *)env;
	assert_true(rig->count < RIG_ANSWERS);
	assert_true(now_ms > 0);
	struct rig_answer *kept = &rig->answers[rig->count++];
	*kept = (struct rig_answer){
		.session_id = session_id,
		.ticket = ticket,
		.outcome = answer->outcome,
		.id = answer->id,
		.from = answer->from,
	};
	snprintf(kept->session, sizeof kept->session, "%.*s",
	    (int)answer->session.len,
	    answer->session.data ? answer->session.data : "");
}

void
session_owner_told(struct session_env *env, uint64_t session_id,
    struct entry_id command, bool is_moved, uint64_t now_ms)
{
	struct rig *rig = (struct rig *)(void *)env;
	assert_int_equal(session_id, 7);
	assert_true(now_ms > 0);
	rig->asked = command;
	rig->is_moved = is_moved;
	rig->told++;
}

static const struct sink_options rig_options = {
	.prefix = { "relay:", 6 },
	.stream = { "relay:commands", 14 },
	.contract = { "fleet-rlm/3", 11 },
	.node = { "n1", 2 },
	.timeout_ms = 2000,
	.max_inflight = 100,
	.max_inflight_bytes = 1 << 20,
	.dedup_seconds = 900,
};

/* Ten seconds from now, more where a sanitizer makes all slower. */
static inline uint64_t
rig_deadline(void)
{
	const char *slow = getenv("RELAY_TEST_SLOW");
	uint64_t factor = slow ? strtoull(slow, NULL, 10) : 1;
	return uv_hrtime() + (factor > 1 ? factor : 1) * 10000000000u;
}

/* Turns the loop until the condition holds, or it is past the deadline. */
#define rig_wait(rig, condition)                                    \
	do {                                                        \
		uint64_t until_ = rig_deadline();                   \
		while (!(condition)) {                              \
			rig_turn(rig);                              \
			if (uv_hrtime() > until_)                   \
				fail_msg("waited for " #condition); \
		}                                                   \
	} while (0)

static inline void
rig_woken(uv_timer_t *timer)
{
	(void)timer;
}

/* One turn of the loop, which sleeps a millisecond at most. */
static inline void
rig_turn(struct rig *rig)
{
	uv_timer_t timer;
	uv_timer_init(&rig->loop, &timer);
	uv_timer_start(&timer, rig_woken, 1, 0);
	uv_run(&rig->loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&rig->loop, UV_RUN_NOWAIT);
}

static inline void
rig_open(struct rig *rig, const struct sink_options *options,
    const char *redis_options)
{
	struct error err = { 0 };
	if (!redis_fixture_available()) {
		print_message("no redis-server on this machine: skipped\n");
		skip();
	}
	signal(SIGPIPE, SIG_IGN);
	memset(rig, 0, sizeof *rig);
	redis_fixture_start(&rig->redis, redis_options);
	assert_int_equal(
	    redis_target_parse(&rig->target, view_of(rig->redis.url), &err), 0);
	uv_loop_init(&rig->loop);
	rig->sink = sink_new(&rig->loop, &rig->target, options, &rig->stats);
	sink_attach(rig->sink, (struct session_env *)(void *)rig);
	sink_start(rig->sink);
	rig_wait(rig, sink_is_up(rig->sink));
}

static inline void
rig_close(struct rig *rig)
{
	sink_free(&rig->sink);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&rig->loop), 0);
	redis_target_fini(&rig->target);
	redis_fixture_stop(&rig->redis);
}

/* A message of tenant t, user u, session s1 on connection c1. */
static inline struct command
rig_command(const char *frame)
{
	return (struct command){
		.session_id = 7,
		.ticket = 1,
		.connection = view_of("c1"),
		.frame = view_of(frame),
		.type = view_of("message"),
		.tenant = view_of("t"),
		.user = view_of("u"),
		.session = view_of("s1"),
		.events = view_of("relay:events:{t/u/s1}"),
		.traceparent = view_of("00-1-2-01"),
		.dedup = true,
		.from = { 5, 6 },
	};
}

/* Why it is not taken. */
static inline enum sink_outcome
rig_refusal(struct rig *rig, const struct command *command)
{
	enum sink_outcome outcome = SINK_STORED;
	assert_int_equal(
	    sink_session_ops.submit(rig->sink, command, &outcome), -1);
	return outcome;
}

static inline void
rig_submit_only(struct rig *rig, const struct command *command)
{
	enum sink_outcome outcome;
	assert_int_equal(
	    sink_session_ops.submit(rig->sink, command, &outcome), 0);
}

/* Submits and waits for the answer. */
static inline const struct rig_answer *
rig_submit(struct rig *rig, const struct command *command)
{
	size_t before = rig->count;
	rig_submit_only(rig, command);
	assert_int_equal(rig->count, before);
	rig_wait(rig, rig->count > before);
	return &rig->answers[before];
}

/* Waits until what was sent before on the sink's connection is done. */
static inline void
rig_settled(void *arg, const struct redis_value *answer)
{
	assert_non_null(answer);
	*(bool *)arg = true;
}

static inline void
rig_settle(struct rig *rig)
{
	bool done = false;
	assert_int_equal(sink_canary(rig->sink, view_of("relay:canary:n1"),
			     view_of("x"), rig_settled, &done),
	    0);
	rig_wait(rig, done);
}

static inline long long
rig_number(struct rig *rig, const char *command, const char *key)
{
	redisReply *reply = redis_fixture_ask(&rig->redis, command, key);
	long long number = reply->integer;
	assert_int_equal(reply->type, REDIS_REPLY_INTEGER);
	freeReplyObject(reply);
	return number;
}

/* The value of a field of the newest entry; "" when it has none. */
static inline void
rig_field(struct rig *rig, const char *stream, const char *field, char *value,
    size_t size)
{
	redisReply *reply =
	    redis_fixture_ask(&rig->redis, "XREVRANGE %s + - COUNT 1", stream);
	value[0] = '\0';
	assert_int_equal(reply->elements, 1);
	redisReply *fields = reply->element[0]->element[1];
	for (size_t i = 0; i + 1 < fields->elements; i += 2)
		if (strcmp(fields->element[i]->str, field) == 0)
			snprintf(
			    value, size, "%s", fields->element[i + 1]->str);
	freeReplyObject(reply);
}

#endif
