/* SPDX-License-Identifier: MIT */
#include "follower.h"

#include "bundled.h"
#include "clock.h"
#include "hub.h"
#include "judge.h"
#include "load_stamp.h"
#include "quiet_subscriber.h"
#include "source.h"
#include "xmalloc.h"

#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS   100
#define STALL_MS  30000
#define SETTLE_MS 3000 /* streams that were opened are read once more */

struct follow_subscriber {
	struct follower *follower;
	struct load_conn conn; /* without a socket: counts what it is given */
	struct subscription *subscription;
};

_Noreturn void
follow_die(const char *what, const char *why)
{
	fprintf(stderr, "bench_follow: %s: %s\n", what, why);
	exit(1);
}

/* --- what the hub tells a subscriber --- */

static enum hub_write
on_write(void *arg, struct view frames, size_t frame_count)
{
	struct follow_subscriber *subscriber = arg;
	(void)frame_count;
	long used =
	    load_conn_take(&subscriber->conn, &subscriber->follower->site,
		(const unsigned char *)frames.data, frames.len);
	if (used != (long)frames.len)
		follow_die("delivery", "not whole frames");
	return HUB_WRITE_OK;
}

static enum hub_write
on_live(void *arg, struct entry_id cursor, uint64_t replayed)
{
	struct follow_subscriber *subscriber = arg;
	(void)cursor;
	(void)replayed;
	subscriber->follower->live++;
	return HUB_WRITE_OK;
}

static enum hub_write
on_gap(void *arg, const struct gap *gap)
{
	(void)arg;
	(void)gap;
	follow_die("delivery", "a gap");
}

static void
on_unusable(void *arg)
{
	(void)arg;
	follow_die("a stream", "is unusable");
}

static const struct subscriber_ops subscriber_ops = {
	.write = on_write,
	.opened = quiet_opened,
	.live = on_live,
	.gap = on_gap,
	.cursor = quiet_cursor,
	.unusable = on_unusable,
};

/* --- the loop, as a worker has it --- */

static void
flush(struct follower *follower)
{
	if (hub_is_dirty(follower->hub))
		hub_flush(follower->hub, clock_mono_ms());
}

static void
on_check(uv_check_t *check)
{
	flush(check->data);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	flush(prepare->data);
}

static void
on_tick(uv_timer_t *tick)
{
	struct follower *follower = tick->data;
	hub_tick(follower->hub, clock_mono_ms());
}

static void
on_producer(uv_poll_t *poll, int status, int events)
{
	struct follower *follower = poll->data;
	(void)status;
	(void)events;
	follower->phase =
	    load_producer_phase(follower->producer, &follower->err);
	if (follower->phase == LOAD_FAILED)
		follow_die(follower->err.where, follower->err.message);
}

static void
on_up(void *arg)
{
	(void)arg;
}

static void
on_down(void *arg, const char *reason)
{
	(void)arg;
	follow_die("Redis", reason);
}

static void
on_dead_letter(void *arg, const struct refused_entry *entry)
{
	(void)arg;
	follow_die("an event was refused", entry->code);
}

static void
run_for(struct follower *follower, uint64_t ms)
{
	uint64_t until_ms = clock_mono_ms() + ms;
	while (clock_mono_ms() < until_ms)
		uv_run(&follower->loop, UV_RUN_ONCE);
}

/* Until *counter is at least `wanted`; nothing new for long is the end. */
static void
run_until(struct follower *follower, const char *what,
    uint64_t (*count)(const struct follower *), uint64_t wanted)
{
	uint64_t seen = 0;
	uint64_t progress_ms = clock_mono_ms();
	while (count(follower) < wanted) {
		uv_run(&follower->loop, UV_RUN_ONCE);
		if (count(follower) != seen)
			progress_ms = clock_mono_ms();
		seen = count(follower);
		if (clock_mono_ms() - progress_ms > STALL_MS)
			follow_die(what, "nothing came any more");
	}
}

static uint64_t
count_live(const struct follower *follower)
{
	return follower->live;
}

static uint64_t
count_events(const struct follower *follower)
{
	return follower->tally.events + follower->tally.missing;
}

static uint64_t
count_phase(const struct follower *follower)
{
	return follower->phase;
}

/* --- the steps --- */

static void
open_loop(struct follower *follower)
{
	uv_loop_init(&follower->loop);
	uv_check_init(&follower->loop, &follower->check);
	uv_prepare_init(&follower->loop, &follower->prepare);
	uv_timer_init(&follower->loop, &follower->tick);
	follower->check.data = follower;
	follower->prepare.data = follower;
	follower->tick.data = follower;
	uv_check_start(&follower->check, on_check);
	uv_prepare_start(&follower->prepare, on_prepare);
	uv_timer_start(&follower->tick, on_tick, TICK_MS, TICK_MS);
}

static void
open_core(struct follower *follower)
{
	static const struct judge_options judge = { .mode = JUDGE_ENFORCE,
		.max_depth = 64,
		.max_event_bytes = 4 << 20 };
	static const struct hub_options hub = { .subscriber_bytes = 1 << 20,
		.total_bytes = 256 << 20,
		.run_bytes = 64 << 10,
		.window_bytes = 256 << 10,
		.windows_in_flight = 64 };
	static const struct source_events events = { on_up, on_down, on_up };
	const struct source_options source = { .pace_max_us = 1000,
		.sweep_ms = 30000,
		.poll_ms = 50,
		.command_ms = 30000,
		.tracking = true,
		.broadcast_prefix = view_of("relay:"),
		.safeguard_sweep = true,
		.safeguard_rearm = true };
	char path[PATH_MAX];
	bundled_contract(path, sizeof(path));
	follower->contract = contract_load(path, &follower->err);
	if (!follower->contract)
		follow_die(follower->err.where, follower->err.message);
	follower->judge = judge_new(follower->contract, &judge,
	    &follower->stats, on_dead_letter, follower);
	follower->source = source_new(&follower->loop, &follower->target,
	    &source, &follower->stats, &events, follower);
	follower->hub = hub_new(&hub, follower->contract, follower->judge,
	    &follower->stats, &source_hub_ops, follower->source);
	source_attach(follower->source, follower->hub);
	hub_source_down(follower->hub);
	source_start(follower->source);
}

/* One event is in each stream before it is followed. */
static void
start_producer(struct follower *follower)
{
	follower->producer =
	    load_producer_start(&follower->plan, &follower->err);
	if (!follower->producer)
		follow_die(follower->err.where, follower->err.message);
	uv_poll_init(&follower->loop, &follower->news,
	    load_producer_fd(follower->producer));
	follower->news.data = follower;
	uv_poll_start(&follower->news, UV_READABLE, on_producer);
	run_until(follower, "filling", count_phase, LOAD_PROBING);
}

/* The producer stays where the program was started. */
static void
keep_to_core(const struct follower *follower)
{
	cpu_set_t cores;
	if (follower->core < 0)
		return;
	CPU_ZERO(&cores);
	CPU_SET((size_t)follower->core, &cores);
	if (sched_setaffinity(0, sizeof(cores), &cores) != 0)
		follow_die("--core", "there is no such core");
}

/* The view that a client of the bench subscribes to. */
static size_t
find_endpoint(const struct contract *contract)
{
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		if (contract->endpoints[i].session_query)
			return i;
	}
	follow_die(
	    "the contract", "has no endpoint with a session in the query");
}

static void
follow_all(struct follower *follower)
{
	struct buf key;
	size_t endpoint = find_endpoint(follower->contract);
	buf_init(&key, 0);
	follower->subscribers =
	    xcalloc(follower->plan.streams, sizeof(*follower->subscribers));
	for (unsigned i = 0; i < follower->plan.streams; i++) {
		struct follow_subscriber *subscriber =
		    &follower->subscribers[i];
		uint64_t last = load_plan_last(&follower->plan, i);
		subscriber->follower = follower;
		subscriber->conn = (struct load_conn){ .fd = -1,
			.stream = i,
			.next = (uint32_t)follower->plan.prefill + 1,
			.last = (uint32_t)last,
			.prefill = (uint32_t)follower->plan.prefill };
		follower->expected += last - follower->plan.prefill;
		buf_clear(&key);
		buf_addf(&key, "relay:events:{default/anonymous/bench-%s-%u}",
		    follower->run, i);
		subscriber->subscription =
		    hub_subscribe(follower->hub, buf_view(&key), endpoint,
			(struct start){ .kind = START_LIVE }, true, false,
			&subscriber_ops, subscriber, clock_mono_ms());
	}
	buf_fini(&key);
	run_until(follower, "following", count_live, follower->plan.streams);
}

void
follower_start(struct follower *follower, struct follow_figures *figures)
{
	open_loop(follower);
	open_core(follower);
	start_producer(follower);
	keep_to_core(follower);
	uint64_t began_us = clock_mono_us();
	follow_all(follower);
	figures->follow_us = clock_mono_us() - began_us;
	snprintf(figures->wakeup, sizeof(figures->wakeup), "%s",
	    source_wakeup(follower->source));
}

static uint64_t
own_cpu_us(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static uint64_t
redis_cpu_us(const struct follower *follower)
{
	struct load_cost cost;
	if (load_process_cost(&follower->redis_pids, &cost) != 0)
		follow_die("--redis-pid", "no such process");
	return cost.cpu_us;
}

void
follower_idle(struct follower *follower, struct follow_figures *figures)
{
	run_for(follower, SETTLE_MS);
	uint64_t began_us = clock_mono_us();
	uint64_t cpu_us = own_cpu_us();
	uint64_t redis_us = redis_cpu_us(follower);
	uint64_t reads = stat_get(&follower->stats, source_reads);
	run_for(follower, follower->plan.idle_seconds * 1000ull);
	figures->idle_us = clock_mono_us() - began_us;
	figures->idle_cpu_us = own_cpu_us() - cpu_us;
	figures->idle_redis_us = redis_cpu_us(follower) - redis_us;
	figures->idle_reads = stat_get(&follower->stats, source_reads) - reads;
}

void
follower_traffic(struct follower *follower, struct follow_figures *figures)
{
	uint64_t began_us = clock_mono_us();
	uint64_t cpu_us = own_cpu_us();
	uint64_t redis_us = redis_cpu_us(follower);
	load_producer_run(follower->producer);
	run_until(follower, "traffic", count_events, follower->expected);
	figures->traffic_us = clock_mono_us() - began_us;
	figures->cpu_us = own_cpu_us() - cpu_us;
	figures->redis_us = redis_cpu_us(follower) - redis_us;
	run_for(follower, TICK_MS); /* something may come twice */
}

void
follower_end(struct follower *follower)
{
	for (unsigned i = 0; i < follower->plan.streams; i++)
		hub_unsubscribe(
		    follower->hub, &follower->subscribers[i].subscription);
	source_free(&follower->source);
	hub_free(&follower->hub);
	judge_free(&follower->judge);
	contract_free(&follower->contract);
	uv_poll_stop(&follower->news);
	load_producer_stop(&follower->producer);
	redis_target_fini(&follower->target);
	free(follower->subscribers);
}
