/* SPDX-License-Identifier: MIT */
#ifndef FOLLOWER_H
#define FOLLOWER_H

/*
 * The relay's source, judge and hub on one loop, as a worker has them, with one
 * subscriber a stream that counts what it is given; and a producer beside. What
 * goes wrong ends the program: it is a measurement.
 */

#include "load_conn.h"
#include "load_process.h"
#include "load_producer.h"
#include "redis_link.h"
#include "stats.h"

#include <uv.h>

struct follow_subscriber;

/* The plan, the target and the ids of Redis are filled in before the start. */
struct follower {
	struct load_plan plan;
	struct load_pids redis_pids;
	int core; /* to be kept to once the producer runs; -1: any */
	char run[32];
	uv_loop_t loop;
	uv_check_t check;
	uv_prepare_t prepare;
	uv_timer_t tick;
	uv_poll_t news; /* of the producer */
	struct redis_target target;
	struct contract *contract;
	struct judge *judge;
	struct source *source;
	struct hub *hub;
	struct stats stats;
	struct load_producer *producer;
	enum load_phase phase;
	struct error err;
	struct load_tally tally;
	struct load_site site;
	struct follow_subscriber *subscribers; /* one a stream */
	unsigned live;
	uint64_t expected;
};

/* What was measured; times in us. */
struct follow_figures {
	char wakeup[16]; /* of the source */
	uint64_t follow_us;
	uint64_t idle_us, idle_cpu_us, idle_redis_us, idle_reads;
	uint64_t traffic_us, cpu_us, redis_us;
};

_Noreturn void follow_die(const char *what, const char *why);

/* Fills the streams and follows all of them; figures: follow_us. */
void follower_start(struct follower *follower, struct follow_figures *figures);
/* Nothing happens for plan.idle_seconds. */
void follower_idle(struct follower *follower, struct follow_figures *figures);
/* All events of the plan; returns when each is there, once and in order or
 * counted as missing. */
void follower_traffic(
    struct follower *follower, struct follow_figures *figures);
void follower_end(struct follower *follower);

#endif
