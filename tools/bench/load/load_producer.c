/* SPDX-License-Identifier: MIT */
#include "load_producer.h"

#include "load_stamp.h"
#include "xmalloc.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROBE_MS  200  /* until the second probe; then twice as long … */
#define PROBE_MAX 3200 /* … up to this: a slow server must get through */
#define WAKE_MS   200
#define BATCH_MAX 512 /* events in one write */
#define LATE_MAX  64  /* bursts in one write, when they are late */

/* In memory that both processes see; the child writes all but `order`. */
struct shared {
	atomic_uint phase;
	atomic_uint order; /* what the parent wants: an enum load_phase */
	atomic_ullong published;
	struct error error; /* set before the phase says so */
};

struct load_producer {
	const struct load_plan *plan;
	struct shared *shared;
	pid_t child;
	int credits; /* parent to child */
	int news;    /* child to parent */
	/* the child's own */
	struct load_outlet *outlet;
	struct load_event event;
	uint64_t *numbers; /* last number, by stream */
};

/* --- the child --- */

static void
tell(int fd)
{
	uint64_t one = 1;
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

static void
enter(struct load_producer *producer, enum load_phase phase)
{
	atomic_store(&producer->shared->phase, (unsigned)phase);
	tell(producer->news);
}

static void
add_event(struct load_producer *producer, unsigned stream, uint64_t number)
{
	struct load_stamp stamp = { .number = (uint32_t)number,
		.at_ns = load_now_ns(),
		.stream = stream };
	load_event_stamp(&producer->event, &stamp);
	load_outlet_add(producer->outlet, stream,
	    view_make(producer->event.text, producer->event.len));
}

static int
fill(struct load_producer *producer, struct error *err)
{
	const struct load_plan *plan = producer->plan;
	for (unsigned stream = 0; stream < plan->streams; stream++) {
		for (uint64_t i = 1; i <= plan->prefill; i++) {
			add_event(producer, stream, i);
			if (i % BATCH_MAX == 0 &&
			    load_outlet_flush(producer->outlet, err) != 0)
				return -1;
		}
		producer->numbers[stream] = plan->prefill;
	}
	return load_outlet_settle(producer->outlet, err);
}

static bool
is_ordered(const struct load_producer *producer, enum load_phase phase)
{
	return atomic_load(&producer->shared->order) >= (unsigned)phase;
}

/* Takes one credit; false when none came in time. */
static bool
await_credit(struct load_producer *producer, int timeout_ms)
{
	uint64_t value;
	struct pollfd pollfd = { producer->credits, POLLIN, 0 };
	if (poll(&pollfd, 1, timeout_ms) <= 0)
		return false;
	return read(producer->credits, &value, sizeof(value)) > 0;
}

static bool
wants_probe(const struct load_producer *producer)
{
	return is_ordered(producer, LOAD_PROBING) &&
	    !is_ordered(producer, LOAD_RESTING) && producer->plan->events &&
	    !producer->plan->prefill;
}

/* Once told so, a probe to every stream, again and again, until the parent has
 * seen one on every connection. */
static int
probe(struct load_producer *producer, struct error *err)
{
	int pause_ms = PROBE_MS;
	while (!is_ordered(producer, LOAD_RUNNING)) {
		if (!wants_probe(producer)) {
			await_credit(producer, WAKE_MS);
			continue;
		}
		for (unsigned i = 0; i < producer->plan->streams; i++)
			add_event(producer, i, 0);
		if (load_outlet_settle(producer->outlet, err) != 0)
			return -1;
		await_credit(producer, pause_ms);
		if (pause_ms < PROBE_MAX)
			pause_ms *= 2;
	}
	/* The order came with a wake-up, which is no credit. */
	while (await_credit(producer, 0))
		continue;
	return 0;
}

static void
add_burst(struct load_producer *producer, uint64_t burst)
{
	const struct load_plan *plan = producer->plan;
	unsigned stream = load_plan_stream(plan, burst);
	if (plan->burst > 1)
		load_outlet_begin(producer->outlet);
	for (unsigned i = 0; i < plan->burst; i++)
		add_event(producer, stream, ++producer->numbers[stream]);
	load_outlet_end(producer->outlet);
	atomic_fetch_add(&producer->shared->published, plan->burst);
}

static void
sleep_until(uint64_t at_ns)
{
	struct timespec at = { .tv_sec = (time_t)(at_ns / 1000000000u),
		.tv_nsec = (long)(at_ns % 1000000000u) };
	while (
	    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		continue;
}

/* When a burst is due, after the begin. */
static uint64_t
due_ns(const struct load_plan *plan, uint64_t burst)
{
	return burst * plan->burst * 1000000000u / plan->rate;
}

/* Waits until a burst may go out. False: the run is called off. */
static bool
await_turn(struct load_producer *producer, uint64_t burst, uint64_t began_ns)
{
	const struct load_plan *plan = producer->plan;
	if (plan->rate == 0) {
		while (!await_credit(producer, WAKE_MS)) {
			if (is_ordered(producer, LOAD_DONE))
				return false;
		}
		return true;
	}
	sleep_until(began_ns + due_ns(plan, burst));
	return !is_ordered(producer, LOAD_DONE);
}

/* Is the burst's time over already? A producer that was kept from running
 * makes up for it in few writes, lest it keeps Redis and the clients, which may
 * share its core, from running. */
static bool
is_late(const struct load_producer *producer, uint64_t burst, uint64_t began_ns)
{
	const struct load_plan *plan = producer->plan;
	return plan->rate != 0 &&
	    began_ns + due_ns(plan, burst) <= load_now_ns();
}

static int
publish(struct load_producer *producer, struct error *err)
{
	uint64_t bursts = producer->plan->events / producer->plan->burst;
	uint64_t began_ns = load_now_ns();
	uint64_t i = 0;
	while (i < bursts && await_turn(producer, i, began_ns)) {
		uint64_t end = i + LATE_MAX < bursts ? i + LATE_MAX : bursts;
		do {
			add_burst(producer, i++);
		} while (i < end && is_late(producer, i, began_ns));
		if (load_outlet_flush(producer->outlet, err) != 0)
			return -1;
	}
	return load_outlet_settle(producer->outlet, err);
}

/* The parent may never come back: then the signal of its death ends this. */
static void
clean_up(struct load_producer *producer, struct error *err)
{
	const char *key = producer->plan->place.key;
	while (!is_ordered(producer, LOAD_DONE))
		await_credit(producer, WAKE_MS);
	if (!strstr(key, "{run}"))
		return;
	bool has_number = strstr(key, "{n}") != NULL;
	unsigned count = has_number ? producer->plan->streams : 1;
	for (unsigned i = 0; i < count; i++)
		load_outlet_remove(producer->outlet, i);
	load_outlet_settle(producer->outlet, err);
}

static int
produce(struct load_producer *producer, struct error *err)
{
	producer->outlet = load_outlet_open(&producer->plan->place, err);
	if (!producer->outlet || fill(producer, err) != 0)
		return -1;
	enter(producer, LOAD_PROBING);
	if (probe(producer, err) != 0)
		return -1;
	enter(producer, LOAD_RUNNING);
	if (publish(producer, err) != 0)
		return -1;
	enter(producer, LOAD_DONE);
	clean_up(producer, err);
	return 0;
}

static void
be_child(struct load_producer *producer)
{
	const struct load_plan *plan = producer->plan;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_TIMERSLACK, 1UL);
	load_event_init(&producer->event, plan->bytes);
	producer->numbers = xcalloc(plan->streams, sizeof(uint64_t));
	if (produce(producer, &producer->shared->error) != 0)
		enter(producer, LOAD_FAILED);
	_exit(0);
}

/* --- the parent --- */

struct load_producer *
load_producer_start(const struct load_plan *plan, struct error *err)
{
	struct load_producer *producer = xcalloc(1, sizeof(*producer));
	void *memory = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	producer->plan = plan;
	producer->credits = eventfd(0, EFD_SEMAPHORE | EFD_CLOEXEC);
	producer->news = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (memory != MAP_FAILED) {
		producer->shared = memory;
		producer->child = fork();
		if (producer->child == 0)
			be_child(producer);
		if (producer->child > 0)
			return producer;
	}
	error_set(err, "producer", "cannot start: %s", strerror(errno));
	free(producer);
	return NULL;
}

static void
order(struct load_producer *producer, enum load_phase phase)
{
	atomic_store(&producer->shared->order, (unsigned)phase);
	tell(producer->credits);
}

void
load_producer_stop(struct load_producer **producer)
{
	if (!*producer)
		return;
	order(*producer, LOAD_DONE);
	while (waitpid((*producer)->child, NULL, 0) < 0 && errno == EINTR)
		continue;
	munmap((*producer)->shared, sizeof(struct shared));
	close((*producer)->credits);
	close((*producer)->news);
	free(*producer);
	*producer = NULL;
}

int
load_producer_fd(const struct load_producer *producer)
{
	return producer->news;
}

enum load_phase
load_producer_phase(struct load_producer *producer, struct error *err)
{
	uint64_t value;
	if (read(producer->news, &value, sizeof(value)) < 0)
		value = 0; /* nothing new */
	enum load_phase phase =
	    (enum load_phase)atomic_load(&producer->shared->phase);
	if (phase == LOAD_FAILED)
		*err = producer->shared->error;
	return phase;
}

void
load_producer_probe(struct load_producer *producer)
{
	order(producer, LOAD_PROBING);
}

void
load_producer_rest(struct load_producer *producer)
{
	order(producer, LOAD_RESTING);
}

void
load_producer_run(struct load_producer *producer)
{
	order(producer, LOAD_RUNNING);
}

void
load_producer_credit(struct load_producer *producer)
{
	tell(producer->credits);
}

uint64_t
load_producer_published(const struct load_producer *producer)
{
	return atomic_load(&producer->shared->published);
}
