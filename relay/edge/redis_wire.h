/* SPDX-License-Identifier: MIT */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

/*
 * RESP on one connected socket: hiredis' formatter, buffers and reader, with
 * bounds around what a hostile or broken server may announce. No events, no
 * deadlines. hiredis is included here, in redis_tree.c and redis_value.c only.
 *
 * hiredis' asynchronous layer is left out on purpose: it asserts on shapes
 * that the server chooses (a reply that nobody asked for, odd SUBSCRIBE
 * confirmations), so bytes from outside could end the process.
 */

#include "redis_link.h"

struct redis_wire;

/* Takes the socket: non-blocking and connected. NULL: out of memory inside
 * hiredis (the socket is closed). */
struct redis_wire *redis_wire_new(int socket);
void redis_wire_free(struct redis_wire **wire);

/* Appends a command to what is to be written. */
int redis_wire_append(
    struct redis_wire *wire, const struct view *argv, size_t argc);
/* 0: all is written; 1: the kernel took only a part; -1: connection lost. */
int redis_wire_flush(struct redis_wire *wire);

enum redis_wire_read {
	REDIS_WIRE_IDLE, /* nothing came */
	REDIS_WIRE_SOME, /* bytes came; ask redis_wire_next */
	REDIS_WIRE_LOST
};
enum redis_wire_read redis_wire_read(struct redis_wire *wire);

/* 1 and the next complete reply (the caller frees it before the next one is
 * asked for, also when the wire went meanwhile), 0: none yet, -1: what came is
 * no RESP, or over a bound. */
int redis_wire_next(struct redis_wire *wire, struct redis_value **value_r);
void redis_wire_free_value(struct redis_value *value);
/* The payload when it is a Pub/Sub message, ["message", channel, payload];
 * else NULL. */
const struct redis_value *redis_wire_message(const struct redis_value *value);

#endif
