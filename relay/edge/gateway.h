/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_H
#define GATEWAY_H

/*
 * A listener and the connections on it that are not yet WebSockets: accepts,
 * reads the head of the one request under a deadline, lets handshake.h judge
 * it, and hands it on: a WebSocket upgrade to on_upgrade (which takes the
 * socket), anything else to on_request. Every HTTP connection serves one
 * request and is closed. Own code on libuv, no library parses a byte here.
 */

#include "error.h"
#include "handshake.h"

struct uv_loop_s;
struct stats;
struct gateway;
struct http_exchange; /* one plain request waiting for its answer */

struct gateway_address {
	char text[256];  /* ADDR:PORT with the real port, or unix:PATH */
	bool is_loopback; /* or a Unix socket */
};

/* Opens listening sockets (non-blocking, close-on-exec). "127.0.0.1:0",
 * "[::1]:80", "unix:/path". `share`: SO_REUSEPORT, after a first bind without
 * it proved the port free (else -1 and err; errno is kept). Fills `count` fds:
 * for TCP one socket per worker, for a Unix path dups of one. */
int gateway_listen(const char *address, bool share, int *sockets_r,
    size_t count, struct gateway_address *address_r, struct error *err);

struct gateway_ops {
	/* A valid upgrade: take the socket (from now on yours). */
	void (*on_upgrade)(void *arg, int socket,
	    const struct handshake *handshake);
	/* Anything else that is well formed. Answer with gateway_answer now or
	 * within the exchange's deadline (2 s: 503). */
	void (*on_request)(void *arg, struct http_exchange *exchange,
	    const struct handshake *handshake);
	/* May this connection come in (caps)? 0, or 429 / 503. */
	int (*admit)(void *arg);
};

struct gateway_options {
	unsigned handshake_ms;    /* 5000 from accept to the end of the head */
	unsigned answer_ms;       /* 2000 */
	unsigned max_waiting;     /* heads being read at once */
};

struct gateway *gateway_new(struct uv_loop_s *loop, int listening_socket,
    const struct gateway_options *options, struct stats *stats,
    const struct gateway_ops *ops, void *arg);
/* Accept what already waits, then stop listening (drain). */
void gateway_stop(struct gateway *gateway);
void gateway_free(struct gateway **gateway);

/* Writes status line, Content-Type, Content-Length, Connection: close, extra
 * header lines (complete, with CRLF, or empty), body; then closes. The views
 * are copied. A peer that left is no error. */
void gateway_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body);
/* For late answers: an exchange is found by its number or is gone. */
uint64_t http_exchange_id(const struct http_exchange *exchange);
struct http_exchange *gateway_exchange(struct gateway *gateway, uint64_t id);

#endif
