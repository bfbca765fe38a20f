/* SPDX-License-Identifier: MIT */
#ifndef NOTICE_H
#define NOTICE_H

/*
 * The words of the relay itself: the notices of wire.md section 5.3 and error
 * frames, as complete WebSocket text frames. Between notice_begin and
 * notice_finish exactly one of the others is called.
 */

#include "batch.h"
#include "contract.h"

/* Empties the buffer and leaves room for the frame's header. */
void notice_begin(struct buf *out);
/* The frame; good until the next notice_begin. */
struct view notice_finish(struct buf *out);

struct notice_hello {
	const struct contract *contract;
	const char *endpoint;
	struct view session; /* data NULL: none yet */
	struct view connection;
	bool has_ids;     /* the stream was looked at … */
	bool has_entries; /* … and has an entry */
	struct entry_id oldest, newest;
	bool is_degraded;
	unsigned ping_interval_ms;
};
void notice_hello(struct buf *out, const struct notice_hello *hello);
void notice_live(struct buf *out, struct entry_id cursor, uint64_t replayed);
void notice_cursor(struct buf *out, struct entry_id cursor);
void notice_gap(struct buf *out, const struct gap *gap);

/* `commands`: the endpoint takes frames, which is a capability of its own. */
void notice_degraded(
    struct buf *out, const char *reason, bool commands, uint64_t since_unix_ms);
void notice_recovered(struct buf *out, uint64_t duration_ms);

struct notice_ack {
	struct entry_id command;
	struct view session;
	const char *type;       /* of the client's frame */
	struct view request_id; /* JSON text; empty: none */
	bool deduplicated;
};
void notice_ack(struct buf *out, const struct notice_ack *ack);
void notice_expiring(struct buf *out, uint64_t expires_in_ms);
/* cursor NULL: none is known. */
void notice_drain(
    struct buf *out, uint64_t retry_after_ms, const struct entry_id *cursor);

/* An error frame. request_id: JSON text, or empty for none. */
void notice_error(struct buf *out, const char *code, const char *message,
    struct view request_id);

#endif
