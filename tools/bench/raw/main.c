/* SPDX-License-Identifier: MIT */

/*
 * raw_server: the least that a server on this machine can do to deliver an
 * event over WebSocket. It frames each event once and sends the same bytes to
 * every subscriber; no contract, no cursor, no limits.
 *
 *   raw_server PORT STREAMS inside SUBSCRIBERS EVENTS BURST
 *       makes EVENTS itself, flat out, once SUBSCRIBERS are there; no Redis
 *   raw_server PORT STREAMS redis SOCKET KEY COUNT PACE_US
 *       one XREAD loop on one stream whose entries are `stream N event E`
 *   raw_server PORT STREAMS keys SOCKET PREFIX
 *       a Redis stream for each, PREFIX0 and on: raw_keys.h
 *
 * It is the floor that the relay is measured against, not a product.
 */

#include "buf.h"
#include "load_stamp.h"
#include "raw_keys.h"
#include "xmalloc.h"

#include <hiredis/hiredis.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define READY_MAX 1024
#define SETTLE_MS 1500 /* between the last subscriber and the first event */

struct raw {
	int epoll;
	int listener;
	unsigned streams;
	struct raw_peers *peers;
	/* inside */
	unsigned wanted;
	uint64_t events;
	uint64_t made;
	unsigned burst;
	struct load_event event;
	struct buf frames;
	/* redis */
	redisContext *redis;
	const char *key;
	const char *count;
	unsigned pace_us;
	int timer; /* ends the pause before the next read */
	char last[64];
	struct buf *by_stream;
	unsigned *dirty;
	unsigned dirty_count;
	/* keys */
	struct raw_keys *keys;
};

static int
fail(const char *what)
{
	fprintf(stderr, "raw_server: %s: %s\n", what, strerror(errno));
	return 1;
}

static void
watch(struct raw *raw, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	epoll_ctl(raw->epoll, EPOLL_CTL_ADD, fd, &event);
}

/* --- events made inside --- */

static void
make_burst(struct raw *raw)
{
	unsigned stream = (unsigned)(raw->made / raw->burst % raw->streams);
	uint64_t round = raw->made / raw->burst / raw->streams;
	buf_clear(&raw->frames);
	for (unsigned i = 0; i < raw->burst; i++) {
		struct load_stamp stamp = { .at_ns = load_now_ns(),
			.stream = stream,
			.number = (uint32_t)(round * raw->burst + i + 1) };
		load_event_stamp(&raw->event, &stamp);
		raw_frame_add(
		    &raw->frames, view_make(raw->event.text, raw->event.len));
	}
	raw->made += raw->burst;
	raw_peers_send(raw->peers, stream, buf_view(&raw->frames));
}

static bool
may_make(const struct raw *raw)
{
	return raw->wanted && raw->made < raw->events &&
	    raw_peers_count(raw->peers) == raw->wanted &&
	    raw_peers_stuck(raw->peers) == 0;
}

/* --- events from Redis --- */

static void
ask(struct raw *raw)
{
	redisAppendCommand(raw->redis, "XREAD COUNT %s BLOCK 0 STREAMS %s %s",
	    raw->count, raw->key, raw->last);
	int done = 0;
	while (!done && redisBufferWrite(raw->redis, &done) == REDIS_OK)
		continue;
}

static struct view
text_of(const redisReply *reply)
{
	return view_make(reply->str, reply->len);
}

static void
take_entry(struct raw *raw, const redisReply *entry)
{
	const redisReply *fields = entry->element[1];
	unsigned long stream = strtoul(fields->element[1]->str, NULL, 10);
	snprintf(raw->last, sizeof(raw->last), "%s", entry->element[0]->str);
	if (stream >= raw->streams)
		return;
	if (raw->by_stream[stream].len == 0)
		raw->dirty[raw->dirty_count++] = (unsigned)stream;
	raw_frame_add(&raw->by_stream[stream], text_of(fields->element[3]));
}

static void
send_dirty(struct raw *raw)
{
	for (unsigned i = 0; i < raw->dirty_count; i++) {
		struct buf *frames = &raw->by_stream[raw->dirty[i]];
		raw_peers_send(raw->peers, raw->dirty[i], buf_view(frames));
		buf_clear(frames);
	}
	raw->dirty_count = 0;
}

static void
ask_later(struct raw *raw)
{
	struct itimerspec pause = { .it_value = {
					.tv_nsec = raw->pace_us * 1000L } };
	if (raw->pace_us)
		timerfd_settime(raw->timer, 0, &pause, NULL);
	else
		ask(raw);
}

static void
take_reply(struct raw *raw, const redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR) {
		fprintf(stderr, "raw_server: Redis: %s\n", reply->str);
		exit(1);
	}
	const redisReply *entries = reply->element[0]->element[1];
	for (size_t i = 0; i < entries->elements; i++)
		take_entry(raw, entries->element[i]);
	send_dirty(raw);
	ask_later(raw);
}

static void
read_redis(struct raw *raw)
{
	void *reply = NULL;
	if (redisBufferRead(raw->redis) != REDIS_OK)
		exit(fail("Redis"));
	while (
	    redisGetReplyFromReader(raw->redis, &reply) == REDIS_OK && reply) {
		take_reply(raw, reply);
		freeReplyObject(reply);
	}
}

/* --- the loop --- */

static void
accept_all(struct raw *raw)
{
	int fd;
	while ((fd = accept4(raw->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		raw_peers_add(raw->peers, fd);
}

static void
serve(struct raw *raw, const struct epoll_event *event)
{
	uint64_t ticks;
	if (event->data.fd == raw->listener)
		accept_all(raw);
	else if (raw->redis && event->data.fd == raw->redis->fd)
		read_redis(raw);
	else if (raw->redis && event->data.fd == raw->timer) {
		if (read(raw->timer, &ticks, sizeof(ticks)) > 0)
			ask(raw);
	} else if (!raw->keys || !raw_keys_serve(raw->keys, event->data.fd))
		raw_peers_serve(raw->peers, event->data.fd, event->events);
}

static void
loop(struct raw *raw)
{
	struct epoll_event ready[READY_MAX];
	bool has_settled = false;
	for (;;) {
		bool makes = may_make(raw);
		if (makes && !has_settled)
			usleep(SETTLE_MS * 1000);
		has_settled = has_settled || makes;
		int count =
		    epoll_wait(raw->epoll, ready, READY_MAX, makes ? 0 : -1);
		for (int i = 0; i < count; i++)
			serve(raw, &ready[i]);
		if (makes)
			make_burst(raw);
	}
}

/* --- beginning --- */

static int
open_listener(struct raw *raw, const char *port)
{
	int on = 1;
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	raw->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(raw->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(raw->listener, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    listen(raw->listener, 4096) != 0)
		return fail("listen");
	watch(raw, raw->listener);
	return 0;
}

static int
open_redis(struct raw *raw, char **argv)
{
	raw->redis = redisConnectUnix(argv[0]);
	if (!raw->redis || raw->redis->err)
		return fail(argv[0]);
	raw->redis->flags &= ~REDIS_BLOCK;
	raw->key = argv[1];
	raw->count = argv[2];
	raw->pace_us = (unsigned)strtoul(argv[3], NULL, 10);
	raw->by_stream = xcalloc(raw->streams, sizeof(*raw->by_stream));
	raw->dirty = xcalloc(raw->streams, sizeof(*raw->dirty));
	for (unsigned i = 0; i < raw->streams; i++)
		buf_init(&raw->by_stream[i], 0);
	raw->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	watch(raw, raw->timer);
	watch(raw, raw->redis->fd);
	snprintf(raw->last, sizeof(raw->last), "0-0");
	ask(raw);
	return 0;
}

static int
open_inside(struct raw *raw, char **argv)
{
	raw->wanted = (unsigned)strtoul(argv[0], NULL, 10);
	raw->events = strtoull(argv[1], NULL, 10);
	raw->burst = (unsigned)strtoul(argv[2], NULL, 10);
	buf_init(&raw->frames, 0);
	load_event_init(&raw->event, LOAD_EVENT_MIN);
	return raw->burst ? 0 : 1;
}

static int
open_keys(struct raw *raw, char **argv)
{
	raw->keys = raw_keys_new(
	    raw->epoll, raw->peers, argv[0], argv[1], raw->streams);
	return 0;
}

static void
raise_descriptors(void)
{
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

struct mode {
	const char *name;
	int argc;
	int (*open)(struct raw *raw, char **argv);
};

static const struct mode modes[] = {
	{ "inside", 7, open_inside },
	{ "redis", 8, open_redis },
	{ "keys", 6, open_keys },
};

static const struct mode *
mode_of(int argc, char **argv)
{
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc == modes[i].argc && !strcmp(argv[3], modes[i].name))
			return &modes[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	struct raw raw = { .epoll = epoll_create1(0) };
	const struct mode *mode = mode_of(argc, argv);
	raw.streams = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0;
	if (!mode || raw.streams == 0) {
		fprintf(stderr,
		    "usage: raw_server PORT STREAMS inside SUBSCRIBERS EVENTS "
		    "BURST\n       raw_server PORT STREAMS redis SOCKET KEY "
		    "COUNT PACE_US\n       raw_server PORT STREAMS keys "
		    "SOCKET PREFIX\n");
		return 2;
	}
	raise_descriptors();
	raw.peers = raw_peers_new(raw.epoll, raw.streams);
	int rc = open_listener(&raw, argv[1]);
	if (rc == 0)
		rc = mode->open(&raw, argv + 4);
	if (rc == 0)
		loop(&raw);
	return rc;
}
