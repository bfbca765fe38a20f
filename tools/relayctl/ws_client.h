/* SPDX-License-Identifier: MIT */
#ifndef WS_CLIENT_H
#define WS_CLIENT_H

/*
 * One WebSocket client connection, blocking: connects, hands every complete
 * text message to a callback, ends when the callback says so, the peer closes,
 * the time is up or the process is interrupted. The only file of relayctl that
 * includes libwebsockets.
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

enum ws_client_end {
	WS_CLIENT_STOPPED,     /* the callback wanted no more */
	WS_CLIENT_CLOSED,      /* the peer closed, close_code tells why */
	WS_CLIENT_INTERRUPTED, /* SIGINT or SIGTERM */
	WS_CLIENT_TIMEOUT,     /* idle_ms went by without a message */
	WS_CLIENT_UNREACHABLE  /* no connection, or no upgrade; see err */
};

/* Return false to end. The text is good for the length of the call. */
typedef bool ws_client_text_fn(void *arg, struct view text);

struct ws_client_options {
	const char *url;      /* ws://host:port/path?query */
	const char *protocol; /* sub-protocol, or NULL */
	const char *token;    /* for Authorization: Bearer, or NULL */
	unsigned connect_ms;
	unsigned idle_ms; /* 0 = wait for ever */
};

/* *close_code_r: the peer's code with WS_CLIENT_CLOSED, else 0. Installs
 * SIGINT and SIGTERM handlers for the process. */
enum ws_client_end ws_client_run(const struct ws_client_options *options,
    ws_client_text_fn *text, void *arg, uint16_t *close_code_r,
    struct error *err);

/* True once a signal asked the process to end. */
bool ws_client_interrupted(void);

#endif
