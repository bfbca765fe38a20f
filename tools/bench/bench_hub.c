/* SPDX-License-Identifier: MIT */

/*
 * What a delivery costs in the hub alone: subscribers that take every write at
 * once, spread over streams that get bursts of events of 400 bytes in turn.
 * Judging is left out (a stand-in), so are sockets. Run it on a quiet core:
 *
 *   ninja -C build/release bench_hub
 *   taskset -c 0 build/release/bench_hub [SUBSCRIBERS [STREAMS]]
 *
 * By default 1,000 and 1. With 1000000 it is what SCALING.md is checked by.
 */

#include "clock.h"
#include "fake_judge.h"
#include "hub.h"
#include "quiet_subscriber.h"
#include "stats.h"
#include "xmalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define EVENT_BYTES 400
#define BURST_MAX   64
#define MIN_US      1000000 /* at least so long for each figure */

struct bench {
	struct hub *hub;
	struct stats stats;
	struct fake_judge judge;
	struct contract contract;
	struct contract_endpoint endpoint;
	size_t subscriber_count;
	size_t stream_count;
	struct subscription **subscribers;
	struct entry_id *tails; /* by stream */
	size_t turn;            /* stream that gets the next burst */
	uint64_t writes;
	uint64_t bytes;
	uint64_t expected; /* deliveries */
	char event[EVENT_BYTES];
};

static size_t
resident_bytes(void)
{
	unsigned long size = 0;
	unsigned long resident = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file && fscanf(file, "%lu %lu", &size, &resident) != 2)
		resident = 0;
	if (file)
		fclose(file);
	return (size_t)resident * 4096;
}

static void
follow(void *arg, uint64_t stream_id, struct view key)
{
	(void)arg;
	(void)stream_id;
	(void)key;
}

static void
ignore(void *arg, uint64_t stream_id)
{
	(void)arg;
	(void)stream_id;
}

static void
fetch(void *arg, uint64_t stream_id, uint64_t window_id, struct entry_id after,
    uint64_t since_ms, size_t max_bytes)
{
	(void)arg;
	(void)stream_id;
	(void)window_id;
	(void)after;
	(void)since_ms;
	(void)max_bytes;
	abort(); /* nobody may fall behind here */
}

static const struct hub_source_ops source = {
	.follow = follow,
	.unfollow = ignore,
	.inspect = ignore,
	.fetch = fetch,
};

static enum hub_write
on_straight_write(void *arg, struct view frames)
{
	struct bench *bench = arg;
	bench->writes++;
	bench->bytes += frames.len;
	return HUB_WRITE_OK;
}

static enum hub_write
on_write(void *arg, struct view frames, size_t frame_count)
{
	(void)frame_count;
	return on_straight_write(arg, frames);
}

static const struct subscriber_ops subscriber = {
	.write = on_write,
	.opened = quiet_opened,
	.live = quiet_live,
};

static void
subscribe(struct bench *bench)
{
	char key[64];
	for (size_t i = 0; i < bench->subscriber_count; i++) {
		snprintf(key, sizeof(key), "relay:events:{a/b/%zu}",
		    i % bench->stream_count);
		bench->subscribers[i] = hub_subscribe(bench->hub, view_of(key),
		    0, (struct start){ .kind = START_LIVE }, true, false,
		    &subscriber, bench, 0);
		hub_write_straight(
		    bench->subscribers[i], on_straight_write, bench);
	}
	for (uint64_t id = 1; id <= bench->stream_count; id++)
		hub_stream_opened(
		    bench->hub, id, &(struct stream_info){ 0 }, 0);
	hub_flush(bench->hub, 0);
}

static void
begin(struct bench *bench)
{
	static const struct hub_options options = {
		.subscriber_bytes = 1 << 20,
		.total_bytes = 256 << 20,
		.run_bytes = 64 << 10,
		.window_bytes = 256 << 10,
		.windows_in_flight = 64,
	};
	static const char head[] = "{\"type\":\"step\",\"text\":\"";
	memset(bench->event, 'x', sizeof(bench->event));
	memcpy(bench->event, head, sizeof(head) - 1);
	memcpy(bench->event + EVENT_BYTES - 2, "\"}", 2);
	bench->endpoint.splice_cursor = true;
	bench->contract.endpoints = &bench->endpoint;
	bench->contract.endpoint_count = 1;
	bench->hub = hub_new(&options, &bench->contract,
	    fake_judge(&bench->judge), &bench->stats, &source, bench);
	bench->subscribers =
	    xcalloc(bench->subscriber_count, sizeof(*bench->subscribers));
	bench->tails = xcalloc(bench->stream_count, sizeof(*bench->tails));
	size_t before = resident_bytes();
	subscribe(bench);
	printf("%zu subscribers, %zu streams, %d bytes an event; %.0f bytes a "
	       "subscriber\n",
	    bench->subscriber_count, bench->stream_count, EVENT_BYTES,
	    (double)(resident_bytes() - before) /
		(double)bench->subscriber_count);
}

static void
end(struct bench *bench)
{
	for (size_t i = 0; i < bench->subscriber_count; i++)
		hub_unsubscribe(bench->hub, &bench->subscribers[i]);
	hub_free(&bench->hub);
	free(bench->subscribers);
	free(bench->tails);
}

static size_t
members(const struct bench *bench, size_t stream)
{
	size_t share = bench->subscriber_count / bench->stream_count;
	return share + (stream < bench->subscriber_count % bench->stream_count);
}

static void
deliver_burst(struct bench *bench, size_t burst)
{
	struct batch_entry entries[BURST_MAX];
	struct entry_id *tail = &bench->tails[bench->turn];
	uint64_t stream_id = bench->turn + 1;
	struct batch batch = {
		.after = *tail, .entries = entries, .count = burst
	};
	bench->expected += burst * members(bench, bench->turn);
	bench->turn = (bench->turn + 1) % bench->stream_count;
	for (size_t i = 0; i < burst; i++) {
		tail->ms++;
		entries[i] = (struct batch_entry){ .id = *tail,
			.has_event = true,
			.event = view_make(bench->event, EVENT_BYTES) };
	}
	batch.through = *tail;
	hub_stream_feed(bench->hub, stream_id, &batch, tail->ms);
	hub_flush(bench->hub, tail->ms);
}

/* What the hub says it has sent has come: the events and more. */
static void
verify(const struct bench *bench, uint64_t frames)
{
	if (frames == bench->expected &&
	    bench->bytes > bench->expected * EVENT_BYTES)
		return;
	fprintf(stderr,
	    "bench_hub: %" PRIu64 " deliveries and %" PRIu64
	    " bytes instead of %" PRIu64 "\n",
	    frames, bench->bytes, bench->expected);
	exit(1);
}

static void
measure(struct bench *bench, size_t burst)
{
	for (unsigned i = 0; i < 5; i++) /* warm */
		deliver_burst(bench, burst);
	bench->writes = 0;
	bench->bytes = 0;
	bench->expected = 0;
	uint64_t frames = stat_get(&bench->stats, frames_sent);
	uint64_t began = clock_mono_us();
	uint64_t took = 0;
	while (took < MIN_US) {
		deliver_burst(bench, burst);
		took = clock_mono_us() - began;
	}
	frames = stat_get(&bench->stats, frames_sent) - frames;
	verify(bench, frames);
	double ns = (double)took * 1000;
	printf("burst %2zu: %7.2f ns a delivery, %7.1f ns a write, "
	       "%" PRIu64 " deliveries\n",
	    burst, ns / (double)frames, ns / (double)bench->writes, frames);
}

static size_t
argument(int argc, char **argv, int index, size_t otherwise)
{
	size_t value = argc > index ? strtoul(argv[index], NULL, 10) : 0;
	return value ? value : otherwise;
}

int
main(int argc, char **argv)
{
	static const size_t bursts[] = { 1, 16, 64 };
	struct bench *bench = xcalloc(1, sizeof(*bench));
	bench->subscriber_count = argument(argc, argv, 1, 1000);
	bench->stream_count = argument(argc, argv, 2, 1);
	if (bench->stream_count > bench->subscriber_count)
		return 2;
	begin(bench);
	for (size_t i = 0; i < sizeof(bursts) / sizeof(bursts[0]); i++)
		measure(bench, bursts[i]);
	end(bench);
	free(bench);
	return 0;
}
