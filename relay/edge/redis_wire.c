/* SPDX-License-Identifier: MIT */
#include "redis_wire.h"

#include "redis_tree.h"
#include "xmalloc.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

/* Array slots that one reply may announce, nested arrays included. hiredis
 * allocates them before the first item has come, so `*2147483647` alone would
 * be 16 GiB. We never ask for more than a few ten thousand. */
#define REPLY_SLOTS_MAX (1024 * 1024)
/* Bytes without an end of line. Errors and statuses are short; text of any
 * length comes as a bulk string. */
#define LINE_MAX_BYTES (64 * 1024)
/* Redis' own proto-max-bulk-len. Less would turn one huge entry into a
 * connection that is dropped for ever. */
#define BULK_MAX_BYTES (512UL * 1024 * 1024)
/* Reads of 16 KiB in a row before the loop gets its turn. */
#define READS_PER_TURN 16

struct redis_wire {
	redisContext *context;
	struct redis_tree *tree; /* what the replies are built in */
	const char **argv;
	size_t *lengths;
	size_t capacity;
};

struct redis_wire *
redis_wire_new(int socket)
{
	redisContext *context = redisConnectFd(socket);

	if (context == NULL)
		return NULL;

	struct redis_wire *wire = xcalloc(1, sizeof(*wire));

	context->flags &= ~REDIS_BLOCK;
	wire->context = context;
	wire->tree = redis_tree_new(REPLY_SLOTS_MAX);
	redis_tree_serve(wire->tree, context->reader);
	return wire;
}

void
redis_wire_free(struct redis_wire **wire_p)
{
	struct redis_wire *wire = *wire_p;

	if (wire == NULL)
		return;
	*wire_p = NULL;
	redisFree(wire->context);
	redis_tree_free(&wire->tree);
	free(wire->argv);
	free(wire->lengths);
	free(wire);
}

static void
reserve_arguments(struct redis_wire *wire, size_t argc)
{
	if (argc <= wire->capacity)
		return;
	wire->capacity = argc + 16;
	wire->argv =
	    xrealloc(wire->argv, wire->capacity * sizeof(wire->argv[0]));
	wire->lengths =
	    xrealloc(wire->lengths, wire->capacity * sizeof(wire->lengths[0]));
}

int
redis_wire_append(struct redis_wire *wire, const struct view *argv, size_t argc)
{
	reserve_arguments(wire, argc);
	for (size_t i = 0; i < argc; i++) {
		wire->argv[i] = argv[i].data != NULL ? argv[i].data : "";
		wire->lengths[i] = argv[i].len;
	}
	return redisAppendCommandArgv(wire->context, (int)argc, wire->argv,
		   wire->lengths) == REDIS_OK
	    ? 0
	    : -1;
}

int
redis_wire_flush(struct redis_wire *wire)
{
	int done = 0;

	if (redisBufferWrite(wire->context, &done) != REDIS_OK)
		return -1;
	return done ? 0 : 1;
}

enum redis_wire_read
redis_wire_read(struct redis_wire *wire)
{
	redisReader *reader = wire->context->reader;
	bool got_bytes = false;

	for (int i = 0; i < READS_PER_TURN; i++) {
		size_t before = reader->len;

		if (redisBufferRead(wire->context) != REDIS_OK)
			return got_bytes ? REDIS_WIRE_SOME : REDIS_WIRE_LOST;
		if (reader->len == before)
			break;
		got_bytes = true;
		if (reader->len - before < REDIS_READER_MAX_BUF)
			break; /* a short read: the socket is empty */
	}
	return got_bytes ? REDIS_WIRE_SOME : REDIS_WIRE_IDLE;
}

/* hiredis buffers an incomplete reply without limit. `$<length>` waits for
 * its bytes behind a short line; anything else must end soon. */
static bool
is_over_bound(const redisReader *reader)
{
	size_t waiting = reader->len - reader->pos;
	const char *start = reader->buf + reader->pos;
	const char *end;

	if (waiting < LINE_MAX_BYTES)
		return false;
	end = memmem(start, LINE_MAX_BYTES, "\r\n", 2);
	if (end == NULL)
		return true;
	/* The reader stands behind the '$' when it waits for a bulk's bytes,
	 * and strtoul stops at the '\r'. */
	return strtoul(start, NULL, 10) > BULK_MAX_BYTES;
}

int
redis_wire_next(struct redis_wire *wire, struct redis_value **value_r)
{
	redisReader *reader = wire->context->reader;
	void *reply = NULL;

	if (redisReaderGetReply(reader, &reply) != REDIS_OK)
		return -1;
	if (reply == NULL)
		return is_over_bound(reader) ? -1 : 0;
	*value_r = redis_tree_give(wire->tree, reply);
	return 1;
}

void
redis_wire_free_value(struct redis_value *value)
{
	redis_tree_drop(value);
}

const struct redis_value *
redis_wire_message(const struct redis_value *value)
{
	if (redis_value_count(value) != 3 ||
	    !view_is(redis_value_text(redis_value_at(value, 0)), "message"))
		return NULL;
	return redis_value_at(value, 2);
}
