/* SPDX-License-Identifier: MIT */
#ifndef CONNECTION_CLIENT_H
#define CONNECTION_CLIENT_H

/*
 * A client of fuzz_connection: reads what the relay sends it, byte by byte, and
 * ends the run at the first that is not as promised. Frames are complete,
 * unmasked and as short as can be, text is JSON, nothing follows a close; and
 * of its stream it gets each entry once, in order, or is told of a gap.
 */

#include "connection_redis.h"

struct ws_inflater;

struct client {
	struct fake_redis *redis;
	struct ws_inflater *inflater; /* of all clients */
	bool notices;
	bool deflates;
	bool is_chat;
	size_t endpoint;
	struct fake_stream *stream; /* NULL: none that is known */
	bool is_switched; /* on to another, as relay.live says before the ack */
	bool has_last;    /* everything up to there came or was announced */
	struct entry_id last;
	unsigned generation; /* of the stream, that `last` is of; 0: unknown */
	bool has_head;       /* the answer to the upgrade is through */
	bool is_closed;      /* a close frame came */
	size_t frames;
	struct buf bytes; /* not yet a whole frame */
};

/* Bytes as they come. */
void client_read(struct client *client, struct view bytes);
/* Nothing more will come: nothing may be missing. */
void client_check_complete(struct client *client);
void client_fini(struct client *client);

/* Ends the run unless the text is JSON, an object. */
void must_be_object(struct view text);

#endif
