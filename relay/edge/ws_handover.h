/* SPDX-License-Identifier: MIT */
#ifndef WS_HANDOVER_H
#define WS_HANDOVER_H

/*
 * How libwebsockets comes by a TLS connection that is already established.
 * Embedded in the WebSocket server. Why and how: ws_handover.c.
 */

#include <stdbool.h>
#include <stdint.h>

struct ssl_ctx_st; /* SSL_CTX and SSL of OpenSSL */
struct ssl_st;

struct ws_handover {
	uint32_t magic;
	struct ssl_st *offered;
};

/* `context` is the one that libwebsockets makes its connections from; it keeps
 * a pointer to the handover. */
void ws_handover_attach(
    struct ws_handover *handover, struct ssl_ctx_st *context);

/* Takes TLS, which may be NULL: the next connection that is made from the
 * context is this one. */
void ws_handover_offer(struct ws_handover *handover, struct ssl_st *take_tls);
/* False: nobody asked for it, and it is freed. */
bool ws_handover_was_taken(struct ws_handover *handover);

#endif
