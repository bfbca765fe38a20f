/* SPDX-License-Identifier: MIT */
#include "raw_keys.h"

#include "xmalloc.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

#define ID_MAX    64
#define COUNT_MAX "1000"

struct key {
	char last[ID_MAX];
	bool is_asked;
	bool has_changed; /* to be asked for */
};

/* The numbers of streams, first in, first out; none is in it twice. */
struct line {
	unsigned *streams;
	unsigned head, count;
};

struct raw_keys {
	struct raw_peers *peers;
	const char *prefix;
	unsigned streams;
	redisContext *read, *push;
	struct key *keys;
	struct line changed, asked;
	struct buf frames;
};

static void
join(struct raw_keys *keys, struct line *line, unsigned stream)
{
	line->streams[(line->head + line->count++) % keys->streams] = stream;
}

static unsigned
leave(struct raw_keys *keys, struct line *line)
{
	unsigned stream = line->streams[line->head];

	line->head = (line->head + 1) % keys->streams;
	line->count--;
	return stream;
}

static void
give_up(const char *what)
{
	fprintf(stderr, "raw_server: Redis: %s\n", what);
	exit(1);
}

/* --- reading --- */

static void
mark(struct raw_keys *keys, unsigned stream)
{
	struct key *key = &keys->keys[stream];

	if (key->has_changed)
		return;
	key->has_changed = true;
	if (!key->is_asked)
		join(keys, &keys->changed, stream);
}

static void
ask(struct raw_keys *keys, unsigned stream)
{
	struct key *key = &keys->keys[stream];

	key->has_changed = false;
	key->is_asked = true;
	join(keys, &keys->asked, stream);
	redisAppendCommand(keys->read,
	    "XREAD COUNT " COUNT_MAX " STREAMS %s%u %s", keys->prefix, stream,
	    key->last);
}

static void
ask_for_changed(struct raw_keys *keys)
{
	int done = 0;

	if (keys->changed.count == 0)
		return;
	while (keys->changed.count > 0)
		ask(keys, leave(keys, &keys->changed));
	while (!done)
		if (redisBufferWrite(keys->read, &done) != REDIS_OK)
			give_up(keys->read->errstr);
}

static void
take_entries(struct raw_keys *keys, unsigned stream, const redisReply *entries)
{
	buf_clear(&keys->frames);
	for (size_t i = 0; i < entries->elements; i++) {
		const redisReply *entry = entries->element[i];
		const redisReply *event = entry->element[1]->element[1];

		raw_frame_add(&keys->frames, view_make(event->str, event->len));
		snprintf(keys->keys[stream].last, ID_MAX, "%s",
		    entry->element[0]->str);
	}
	raw_peers_send(keys->peers, stream, buf_view(&keys->frames));
}

static void
take_answer(struct raw_keys *keys, const redisReply *answer)
{
	unsigned stream = leave(keys, &keys->asked);
	struct key *key = &keys->keys[stream];

	if (answer->type == REDIS_REPLY_ERROR)
		give_up(answer->str);
	if (answer->type == REDIS_REPLY_ARRAY)
		take_entries(keys, stream, answer->element[0]->element[1]);
	key->is_asked = false;
	if (key->has_changed)
		join(keys, &keys->changed, stream);
}

/* ["message", channel, [key, …]]; without keys: any of them. */
static void
take_push(struct raw_keys *keys, const redisReply *push)
{
	const redisReply *names = push->elements == 3 ? push->element[2] : NULL;

	if (names == NULL || names->type != REDIS_REPLY_ARRAY)
		give_up("the tracking table was flushed");
	for (size_t i = 0; i < names->elements; i++) {
		const char *name = names->element[i]->str;
		unsigned long stream =
		    strtoul(name + strlen(keys->prefix), NULL, 10);

		if (stream < keys->streams)
			mark(keys, (unsigned)stream);
	}
}

static void
take_all(struct raw_keys *keys, redisContext *link,
    void (*take)(struct raw_keys *keys, const redisReply *reply))
{
	void *reply = NULL;

	if (redisBufferRead(link) != REDIS_OK)
		give_up(link->errstr);
	while (redisGetReplyFromReader(link, &reply) == REDIS_OK && reply) {
		take(keys, reply);
		freeReplyObject(reply);
	}
}

bool
raw_keys_serve(struct raw_keys *keys, int fd)
{
	if (fd == keys->push->fd)
		take_all(keys, keys->push, take_push);
	else if (fd == keys->read->fd)
		take_all(keys, keys->read, take_answer);
	else
		return false;
	ask_for_changed(keys);
	return true;
}

/* --- beginning --- */

static redisContext *
dial(const char *socket)
{
	redisContext *link = redisConnectUnix(socket);

	if (link == NULL || link->err)
		give_up(link != NULL ? link->errstr : "no memory");
	return link;
}

/* One command and its answer, which must be no error: the integer in it. */
static long long
demand(redisContext *link, const char *command)
{
	redisReply *reply = redisCommand(link, command);
	long long integer;

	if (reply == NULL || reply->type == REDIS_REPLY_ERROR)
		give_up(reply != NULL ? reply->str : link->errstr);
	integer = reply->integer;
	freeReplyObject(reply);
	return integer;
}

static void
track(struct raw_keys *keys)
{
	char command[80];

	snprintf(command, sizeof(command), "CLIENT TRACKING on REDIRECT %lld",
	    demand(keys->push, "CLIENT ID"));
	demand(keys->push, "SUBSCRIBE __redis__:invalidate");
	demand(keys->read, command);
}

static void
watch(int epoll, redisContext *link)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = link->fd };

	link->flags &= ~REDIS_BLOCK;
	epoll_ctl(epoll, EPOLL_CTL_ADD, link->fd, &event);
}

static void
arm_all(struct raw_keys *keys)
{
	for (unsigned i = 0; i < keys->streams; i++) {
		snprintf(keys->keys[i].last, ID_MAX, "0-0");
		mark(keys, i);
	}
	ask_for_changed(keys);
}

struct raw_keys *
raw_keys_new(int epoll, struct raw_peers *peers, const char *socket,
    const char *prefix, unsigned streams)
{
	struct raw_keys *keys = xcalloc(1, sizeof(*keys));

	keys->peers = peers;
	keys->prefix = prefix;
	keys->streams = streams;
	keys->keys = xcalloc(streams, sizeof(*keys->keys));
	keys->changed.streams = xcalloc(streams, sizeof(unsigned));
	keys->asked.streams = xcalloc(streams, sizeof(unsigned));
	buf_init(&keys->frames, 0);
	keys->read = dial(socket);
	keys->push = dial(socket);
	track(keys);
	watch(epoll, keys->read);
	watch(epoll, keys->push);
	arm_all(keys);
	return keys;
}
