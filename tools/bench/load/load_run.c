/* SPDX-License-Identifier: MIT */
#include "load_run.h"

#include "buf.h"
#include "load_conn.h"
#include "load_dial.h"
#include "load_producer.h"
#include "load_request.h"
#include "load_stamp.h"
#include "xmalloc.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define READY_MAX   1024
#define TICK_MS     50
#define PRODUCER_ID UINT64_MAX
#define SECOND_NS   1000000000ull
#define LINGER_NS   100000000ull /* something may come twice at the end */

enum step {
	STEP_FILLING,
	STEP_CONNECTING,
	STEP_PROBING,
	STEP_SETTLING, /* late probes may still be on their way */
	STEP_RUNNING,
	STEP_HOLDING,
	STEP_OVER,
};

struct run {
	const struct load_plan *plan;
	struct load_outcome *outcome;
	struct error *err;
	struct load_producer *producer; /* NULL: the server makes the events */
	struct load_conn *conns;
	struct load_site site;
	struct load_url url;
	struct sockaddr_storage address;
	unsigned *per_stream; /* connections, by stream */
	struct buf request;
	int epoll;
	enum step step;
	unsigned dialled;
	uint64_t now_ns;
	uint64_t began_ns;
	uint64_t step_ns;     /* when the step began */
	uint64_t progress_ns; /* when something came last */
	uint64_t seen;        /* events and probes by then */
	uint64_t granted;     /* bursts */
	uint64_t granted_deliveries;
	uint64_t own_cpu_us; /* at the start of the events */
	bool has_failed;
};

/* --- steps --- */

static void
enter(struct run *run, enum step step)
{
	run->step = step;
	run->step_ns = run->now_ns;
	run->progress_ns = run->now_ns;
}

static void
measure(struct run *run, struct load_cost *cost_r)
{
	if (run->plan->pids.count == 0)
		return;
	if (load_process_cost(&run->plan->pids, cost_r) != 0) {
		run->outcome->has_cost = false;
		run->outcome->gave_up = "the server's process is gone";
		enter(run, STEP_OVER);
	}
}

static void
give_up(struct run *run, const char *why)
{
	run->outcome->gave_up = why;
	enter(run, STEP_OVER);
}

static uint64_t
own_cpu_us(void)
{
	struct timespec used;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

static void
begin_hold(struct run *run)
{
	measure(run, &run->outcome->traffic);
	run->outcome->traffic_us = (run->now_ns - run->step_ns) / 1000;
	run->outcome->began_us = run->step_ns / 1000;
	run->outcome->own_cpu_us = own_cpu_us() - run->own_cpu_us;
	if (run->step != STEP_OVER)
		enter(run, STEP_HOLDING);
}

static void
begin_traffic(struct run *run)
{
	measure(run, &run->outcome->open);
	if (run->step == STEP_OVER)
		return;
	run->own_cpu_us = own_cpu_us();
	enter(run, STEP_RUNNING);
	if (run->producer)
		load_producer_run(run->producer);
}

/* With a prefill the events come by themselves, from the first upgrade on:
 * then the connecting belongs to the traffic. */
static void
begin_connecting(struct run *run)
{
	measure(run, &run->outcome->before);
	run->outcome->open = run->outcome->before;
	run->own_cpu_us = own_cpu_us();
	if (run->step != STEP_OVER)
		enter(run, STEP_CONNECTING);
}

static void
begin_settling(struct run *run)
{
	load_producer_rest(run->producer);
	enter(run, STEP_SETTLING);
}

static void
end_connecting(struct run *run)
{
	run->outcome->connect_us = (run->now_ns - run->step_ns) / 1000;
	if (run->outcome->tally.refused) {
		give_up(run, "connections were refused");
	} else if (run->plan->prefill) {
		uint64_t began_ns = run->step_ns;
		enter(run, STEP_RUNNING);
		run->step_ns = began_ns;
		load_producer_run(run->producer);
	} else if (run->producer && run->plan->events) {
		enter(run, STEP_PROBING);
		load_producer_probe(run->producer);
	} else {
		begin_traffic(run);
	}
}

static bool
is_all_there(const struct run *run)
{
	const struct load_tally *tally = &run->outcome->tally;
	return tally->events + tally->missing >= run->outcome->expected;
}

static uint64_t
settle_ns(const struct run *run)
{
	uint64_t idle_ns = run->plan->idle_seconds * SECOND_NS;
	return idle_ns > SECOND_NS / 2 ? idle_ns : SECOND_NS / 2;
}

/* A server that makes its events itself begins when it likes. */
static void
await_the_first(struct run *run)
{
	if (run->step == STEP_RUNNING && !run->producer &&
	    run->outcome->tally.events == 0)
		run->step_ns = run->now_ns;
}

static void
advance(struct run *run)
{
	const struct load_tally *tally = &run->outcome->tally;
	const unsigned all = run->plan->subscribers;
	uint64_t since_ns = run->now_ns - run->step_ns;
	if (run->step == STEP_CONNECTING &&
	    tally->opened + tally->refused == all)
		end_connecting(run);
	else if (run->step == STEP_PROBING && tally->ready == all)
		begin_settling(run);
	else if (run->step == STEP_SETTLING && since_ns > settle_ns(run))
		begin_traffic(run);
	else if (run->step == STEP_RUNNING && is_all_there(run))
		begin_hold(run);
	else if (run->step == STEP_HOLDING &&
	    since_ns >= run->plan->hold_seconds * SECOND_NS + LINGER_NS) {
		measure(run, &run->outcome->held);
		enter(run, STEP_OVER);
	}
}

/* --- the producer --- */

static void
grant(struct run *run)
{
	unsigned stream = load_plan_stream(run->plan, run->granted);
	run->granted++;
	run->granted_deliveries +=
	    (uint64_t)run->per_stream[stream] * run->plan->burst;
	load_producer_credit(run->producer);
}

/* Keeps `window` bursts under way. */
static void
grant_more(struct run *run)
{
	const struct load_plan *plan = run->plan;
	const struct load_tally *tally = &run->outcome->tally;
	uint64_t burst = (uint64_t)run->per_stream[0] * plan->burst;
	if (run->step != STEP_RUNNING || plan->rate || run->granted == 0)
		return;
	uint64_t old = plan->prefill * plan->subscribers;
	uint64_t fresh = tally->events + tally->missing;
	fresh = fresh > old ? fresh - old : 0;
	while (run->granted < plan->events / plan->burst &&
	    run->granted_deliveries <= fresh + (plan->window - 1) * burst)
		grant(run);
}

static void
hear_producer(struct run *run)
{
	switch (load_producer_phase(run->producer, run->err)) {
	case LOAD_FILLING:
	case LOAD_RESTING:
		return;
	case LOAD_PROBING:
		if (run->step == STEP_FILLING)
			begin_connecting(run);
		return;
	case LOAD_RUNNING:
		if (run->plan->rate == 0 && run->plan->events &&
		    run->granted == 0)
			grant(run);
		return;
	case LOAD_DONE:
		return;
	case LOAD_FAILED:
		run->has_failed = true;
		enter(run, STEP_OVER);
		return;
	}
}

/* --- the connections --- */

static void
watch(struct run *run, int operation, unsigned index, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u64 = index };
	epoll_ctl(run->epoll, operation, run->conns[index].fd, &event);
}

static void
dial_more(struct run *run)
{
	const struct load_tally *tally = &run->outcome->tally;
	if (run->step != STEP_CONNECTING)
		return;
	while (run->dialled < run->plan->subscribers &&
	    run->dialled - tally->opened - tally->refused <
		run->plan->connecting_max) {
		unsigned index = run->dialled;
		struct load_conn *conn = &run->conns[index];
		if (load_conn_dial(conn, &run->site, index) != 0) {
			error_set(run->err, run->plan->url, "connection %u: %s",
			    index + 1, strerror(errno));
			run->has_failed = true;
			enter(run, STEP_OVER);
			return;
		}
		watch(run, EPOLL_CTL_ADD, index, EPOLLOUT);
		run->dialled++;
	}
}

static void
serve_conn(struct run *run, unsigned index)
{
	struct load_conn *conn = &run->conns[index];
	if (conn->state == LOAD_CONNECTING) {
		load_request_build(
		    &run->request, run->plan, &run->url, conn->stream);
		if (load_conn_request(conn, &run->site, run->request.data) == 0)
			watch(run, EPOLL_CTL_MOD, index, EPOLLIN);
	} else if (conn->fd >= 0) {
		load_conn_read(conn, &run->site);
	}
}

/* --- the loop --- */

static void
watch_the_clock(struct run *run)
{
	const struct load_tally *tally = &run->outcome->tally;
	uint64_t seen = tally->events + tally->missing + tally->opened +
	    (run->step == STEP_PROBING ? tally->ready : 0);
	if (seen != run->seen || run->step == STEP_HOLDING ||
	    run->step == STEP_SETTLING)
		run->progress_ns = run->now_ns;
	run->seen = seen;
	if (run->step == STEP_OVER)
		return;
	if (run->now_ns - run->progress_ns >
	    run->plan->stall_seconds * SECOND_NS)
		give_up(run,
		    run->step == STEP_CONNECTING ? "not all could connect"
			: run->step == STEP_PROBING
			? "not every connection gets its stream's events"
			: "nothing came any more");
	else if (run->now_ns - run->began_ns >
	    run->plan->limit_seconds * SECOND_NS)
		give_up(run, "the time is up");
}

static void
turn(struct run *run)
{
	struct epoll_event ready[READY_MAX];
	int count = epoll_wait(run->epoll, ready, READY_MAX, TICK_MS);
	run->now_ns = load_now_ns();
	await_the_first(run);
	for (int i = 0; i < count; i++) {
		if (ready[i].data.u64 == PRODUCER_ID)
			hear_producer(run);
		else
			serve_conn(run, (unsigned)ready[i].data.u64);
	}
	run->now_ns = load_now_ns();
	dial_more(run);
	grant_more(run);
	advance(run);
	watch_the_clock(run);
}

/* --- beginning and end --- */

static int
resolve(struct run *run)
{
	char service[8];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	if (load_url_parse(&run->url, run->plan->url, "ws", run->err) != 0)
		return -1;
	snprintf(service, sizeof(service), "%u", run->url.port);
	int rc = getaddrinfo(run->url.host, service, &hints, &list);
	if (rc != 0)
		return error_set(
		    run->err, run->url.host, "%s", gai_strerror(rc));
	memcpy(&run->address, list->ai_addr, list->ai_addrlen);
	run->site.address = (const struct sockaddr *)&run->address;
	run->site.address_len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static int
raise_descriptors(const struct run *run)
{
	struct rlimit limit;
	rlim_t wanted = run->plan->subscribers + 32;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= wanted)
		return 0;
	return error_set(run->err, "--subscribers",
	    "%u connections need %llu descriptors, the limit is %llu",
	    run->plan->subscribers, (unsigned long long)wanted,
	    (unsigned long long)limit.rlim_cur);
}

static void
make_conns(struct run *run)
{
	const struct load_plan *plan = run->plan;
	run->conns = xcalloc(plan->subscribers, sizeof(*run->conns));
	run->per_stream = xcalloc(plan->streams, sizeof(*run->per_stream));
	for (unsigned i = 0; i < plan->subscribers; i++) {
		unsigned stream = i % plan->streams;
		uint64_t last = load_plan_last(plan, stream);
		run->conns[i] = (struct load_conn){ .fd = -1,
			.stream = stream,
			.next = 1,
			.last = (uint32_t)last,
			.prefill = (uint32_t)plan->prefill };
		run->outcome->expected += last;
		run->per_stream[stream]++;
	}
}

static int
start_producer(struct run *run)
{
	run->producer = load_producer_start(run->plan, run->err);
	if (!run->producer)
		return -1;
	struct epoll_event event = { .events = EPOLLIN,
		.data.u64 = PRODUCER_ID };
	epoll_ctl(
	    run->epoll, EPOLL_CTL_ADD, load_producer_fd(run->producer), &event);
	return 0;
}

static int
begin(struct run *run)
{
	buf_init(&run->request, 0);
	run->outcome->has_cost = run->plan->pids.count > 0;
	run->epoll = epoll_create1(EPOLL_CLOEXEC);
	run->site.hello = run->plan->hello;
	run->site.tally = &run->outcome->tally;
	run->site.buffer = xmalloc(LOAD_BUFFER_BYTES);
	if (run->plan->deflate)
		run->site.inflate = load_inflate_new();
	run->outcome->tally.slices.slice_ns = run->plan->slice_ms * 1000000ull;
	if (resolve(run) != 0 || raise_descriptors(run) != 0)
		return -1;
	make_conns(run);
	run->began_ns = run->now_ns = load_now_ns();
	enter(run, STEP_FILLING);
	if (run->plan->has_producer)
		return start_producer(run);
	begin_connecting(run);
	return 0;
}

static void
end(struct run *run)
{
	for (unsigned i = 0; i < run->plan->subscribers && run->conns; i++)
		load_conn_close(&run->conns[i]);
	if (run->producer)
		run->outcome->published =
		    load_producer_published(run->producer);
	load_producer_stop(&run->producer);
	if (run->site.inflate)
		run->outcome->inflated = load_inflate_count(run->site.inflate);
	load_inflate_free(&run->site.inflate);
	close(run->epoll);
	load_url_fini(&run->url);
	buf_fini(&run->request);
	free(run->site.buffer);
	free(run->conns);
	free(run->per_stream);
}

int
load_run(const struct load_plan *plan, struct load_outcome *outcome_r,
    struct error *err)
{
	struct run run = { .plan = plan, .outcome = outcome_r, .err = err };
	memset(outcome_r, 0, sizeof(*outcome_r));
	int rc = begin(&run);
	while (rc == 0 && run.step != STEP_OVER)
		turn(&run);
	end(&run);
	return rc == 0 && !run.has_failed ? 0 : -1;
}

bool
load_outcome_is_good(
    const struct load_plan *plan, const struct load_outcome *outcome)
{
	const struct load_tally *tally = &outcome->tally;
	return !outcome->gave_up && tally->opened == plan->subscribers &&
	    tally->events == outcome->expected && tally->missing == 0 &&
	    tally->repeated == 0 && tally->strayed == 0 && tally->closed == 0 &&
	    tally->broken == 0;
}

void
load_outcome_fini(struct load_outcome *outcome)
{
	load_slices_fini(&outcome->tally.slices);
}
