/* SPDX-License-Identifier: MIT */
#ifndef REDIS_UV_H
#define REDIS_UV_H

/*
 * The adapter between hiredis and libuv: one socket that is being connected
 * (names looked up off the loop, addresses tried in turn) and then polled.
 * Knows nothing of the protocol and keeps no deadlines. Used by redis_link
 * only.
 */

#include "redis_link.h"

struct redis_uv;

struct redis_uv_ops {
	/* The socket is connected; whoever is told closes it, after
	 * redis_uv_close. */
	void (*connected)(void *arg, int socket);
	/* Could not connect, or the kernel reports an error on the socket.
	 * Nothing more will come. Reasons: refused, dns, timeout, closed. */
	void (*failed)(void *arg, const char *reason);
	void (*readable)(void *arg);
	void (*writable)(void *arg); /* only while wanted */
};

/* Any op may call redis_uv_close; none is called from inside this function. */
struct redis_uv *redis_uv_connect(struct uv_loop_s *loop,
    const struct redis_target *target, const struct redis_uv_ops *ops,
    void *arg);
void redis_uv_want_write(struct redis_uv *uv, bool wanted);
/* Nothing is told to be readable while it is held. */
void redis_uv_hold(struct redis_uv *uv, bool is_held);
/* No op is called any more. The descriptor is no longer polled on return; the
 * memory goes when libuv has let go of it. */
void redis_uv_close(struct redis_uv **uv);

#endif
