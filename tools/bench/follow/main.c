/* SPDX-License-Identifier: MIT */

/*
 * What following very many streams costs: the relay's own source, judge and
 * hub against a real redis-server, one subscriber a stream, without sockets of
 * clients, which the limit of descriptors would keep few. Prints JSON:
 *
 *   bench_follow --redis URL --streams N [--active N] [--rate EVENTS_PER_SECOND]
 *                [--events N] [--idle SECONDS] [--redis-pid PID] [--core N]
 *
 * First all streams lie idle for so long: what is spent then is the safety
 * sweep. Then the active ones get their events, each of which must arrive once
 * and in order. CPU time is that of this process, which does also what a
 * client of the bench does (reads the frames); that is the same for any number
 * of streams. tools/bench/run followed runs it with 1,000 and with 100,000.
 */

#include "follower.h"
#include "load_stamp.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double
share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void
report(const struct follower *bench, const struct follow_figures *figures)
{
	const struct load_tally *tally = &bench->tally;
	const struct load_histogram *latency = &tally->latency;
	printf("{\"streams\":%u,\"active\":%u,\"wakeup\":\"%s\","
	       "\"follow_seconds\":%.2f,\"idle_seconds\":%.2f,"
	       "\"idle_core\":%.5f,\"idle_redis_core\":%.5f,"
	       "\"idle_reads\":%llu,",
	    bench->plan.streams, bench->plan.active, figures->wakeup,
	    (double)figures->follow_us / 1e6, (double)figures->idle_us / 1e6,
	    share(figures->idle_cpu_us, figures->idle_us),
	    share(figures->idle_redis_us, figures->idle_us),
	    (unsigned long long)figures->idle_reads);
	printf("\"expected\":%llu,\"delivered\":%llu,\"missing\":%llu,"
	       "\"repeated\":%llu,\"seconds\":%.3f,\"cpu_us_per_event\":%.3f,"
	       "\"redis_us_per_event\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	       "\"max_us\":%.1f}\n",
	    (unsigned long long)bench->expected,
	    (unsigned long long)tally->events,
	    (unsigned long long)tally->missing,
	    (unsigned long long)tally->repeated,
	    (double)figures->traffic_us / 1e6,
	    share(figures->cpu_us, tally->events),
	    share(figures->redis_us, tally->events),
	    (double)load_histogram_at(latency, 0.5) / 1e3,
	    (double)load_histogram_at(latency, 0.99) / 1e3,
	    (double)latency->max_ns / 1e3);
}

static uint64_t
number_of(const char *name, const char *text)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || *end || value > 90000000)
		follow_die(name, "must be a number up to 90000000");
	return value;
}

static void
take_argument(struct follower *bench, const char *name, const char *value)
{
	struct load_plan *plan = &bench->plan;
	if (strcmp(name, "--redis") == 0)
		plan->place.redis = value;
	else if (strcmp(name, "--streams") == 0)
		plan->streams = (unsigned)number_of(name, value);
	else if (strcmp(name, "--active") == 0)
		plan->active = (unsigned)number_of(name, value);
	else if (strcmp(name, "--rate") == 0)
		plan->rate = (unsigned)number_of(name, value);
	else if (strcmp(name, "--events") == 0)
		plan->events = number_of(name, value);
	else if (strcmp(name, "--idle") == 0)
		plan->idle_seconds = (unsigned)number_of(name, value);
	else if (strcmp(name, "--core") == 0)
		bench->core = (int)(number_of(name, value) % CPU_SETSIZE);
	else if (strcmp(name, "--redis-pid") != 0 ||
	    load_pids_parse(&bench->redis_pids, value) != 0)
		follow_die(name, "no such option, or not a process id");
}

static void
take_arguments(struct follower *bench, int argc, char **argv)
{
	struct load_plan *plan = &bench->plan;
	bench->core = -1;
	snprintf(bench->run, sizeof(bench->run), "%d", (int)getpid());
	*plan = (struct load_plan){ .has_producer = true,
		.place = { .run = bench->run,
		    .key = "relay:events:{default/anonymous/bench-{run}-{n}}",
		    .fields = { "event={event}" },
		    .field_count = 1 },
		.streams = 1000,
		.bytes = LOAD_EVENT_MIN,
		.prefill = 1,
		.events = 30000,
		.burst = 1,
		.rate = 10000,
		.idle_seconds = 10 };
	for (int i = 1; i + 1 < argc; i += 2)
		take_argument(bench, argv[i], argv[i + 1]);
	if (argc % 2 == 0 || !plan->place.redis || plan->streams == 0)
		follow_die("usage", "bench_follow --redis URL --streams N ...");
	if (plan->active == 0)
		plan->active = plan->streams;
	if (plan->active > plan->streams || plan->rate == 0)
		follow_die("usage", "active <= streams, and a rate");
	if (redis_target_parse(
		&bench->target, view_of(plan->place.redis), &bench->err) != 0)
		follow_die(bench->err.where, bench->err.message);
}

int
main(int argc, char **argv)
{
	static struct follower bench; /* too big for the stack */
	struct follow_figures figures = { 0 };
	signal(SIGPIPE, SIG_IGN);
	take_arguments(&bench, argc, argv);
	bench.site.tally = &bench.tally;
	follower_start(&bench, &figures);
	follower_idle(&bench, &figures);
	follower_traffic(&bench, &figures);
	report(&bench, &figures);
	bool is_good = bench.tally.events == bench.expected &&
	    bench.tally.missing == 0 && bench.tally.repeated == 0 &&
	    bench.tally.strayed == 0;
	follower_end(&bench);
	return is_good ? 0 : 1;
}
