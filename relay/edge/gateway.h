/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_H
#define GATEWAY_H

/*
 * A listener and the connections on it that are not yet WebSockets: accepts,
 * reads the head of the one request under a deadline, lets handshake.h judge
 * it, and hands it to on_request, which answers it or takes the socket away
 * for a WebSocket. Every HTTP connection serves one request and is closed. Own
 * code on libuv, no library parses a byte here.
 */

#include "address.h"
#include "error.h"
#include "handshake.h"

struct ssl_ctx_st; /* SSL_CTX and SSL of OpenSSL */
struct ssl_st;
struct uv_loop_s;
struct stats;
struct gateway;
struct http_exchange; /* one plain request waiting for its answer */

struct gateway_address {
	char text[256];         /* ADDR:PORT with the real port, or unix:PATH */
	bool is_loopback;       /* or a Unix socket */
	uint64_t device, inode; /* of a Unix socket's file */
};

/* What an address means, without opening anything. -1: it means nothing. */
int gateway_look(
    const char *address, struct gateway_address *address_r, struct error *err);
/* Opens listening sockets (non-blocking, close-on-exec). "127.0.0.1:0",
 * "[::1]:80", "unix:/path". Fills `count` fds: for TCP one socket per worker
 * (SO_REUSEPORT when count > 1), for a Unix path dups of one. The port is first
 * bound without sharing, which proves it free, unless `join` says that another
 * relay may hold it (listen_share). -1: err, and errno is kept (EADDRINUSE). A
 * stale socket file is replaced only when nobody answers on it. */
int gateway_listen(const char *address, bool join, int *sockets_r, size_t count,
    struct gateway_address *address_r, struct error *err);
/* Removes the file of a Unix socket if it is still the one that
 * gateway_listen made; at the end of the program. */
void gateway_unlink(const struct gateway_address *address);

struct gateway_ops {
	/* A complete, well-formed head; its views are good for the call.
	 * Answer with gateway_answer, now or within the exchange's deadline
	 * (2 s: 503), or take the socket away with gateway_take. */
	void (*on_request)(void *arg, struct http_exchange *exchange,
	    const struct handshake *handshake);
	/* Asked at accept: 0, or 429 / 503 as the answer to all who come now.
	 * May be NULL (caps that only concern upgrades: in on_request). */
	int (*admit)(void *arg);
};

struct gateway_options {
	unsigned handshake_ms; /* 5000 from accept to the end of the head */
	unsigned answer_ms;    /* 2000 */
	unsigned max_waiting;  /* heads being read at once; when full the
				   * oldest goes, silent ones first */
	size_t head_bytes;     /* longest head; over it 431; 0: 8 KiB */
	/* Whose word on who the client is counts; borrowed until the next
	 * reload. */
	const struct network *proxies;
	size_t proxy_count;
	bool needs_proxy_header; /* else the connection is dropped */
	unsigned max_talking;    /* of these, said something; 0: all may */
	struct ssl_ctx_st *tls;  /* NULL: plain; good until the next reload */
};

struct gateway *gateway_new(struct uv_loop_s *loop, int listening_socket,
    const struct gateway_options *options, struct stats *stats,
    const struct gateway_ops *ops, void *arg);
/* For the heads and answers that begin from now on. */
void gateway_reload(
    struct gateway *gateway, const struct gateway_options *options);
/* Accept what already waits, then stop listening (drain). */
void gateway_stop(struct gateway *gateway);
void gateway_free(struct gateway **gateway);

/* Writes status line, Content-Type, Content-Length, Connection: close, extra
 * header lines (complete, with CRLF, or empty), body; then closes. The views
 * are copied. A peer that left is no error. */
void gateway_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body);
/* Header lines, complete with CRLF, that whatever will be the answer has, the
 * gateway's own included; copied. */
void gateway_add_headers(struct http_exchange *exchange, struct view lines);
/* Inside on_request, or later in place of an answer: the socket is the caller's
 * from now on, the exchange is gone. Only the head was read; the rest waits. */
int gateway_take(struct http_exchange *exchange);
/* The same where the listener speaks TLS: *tls_r, NULL without, is the caller's
 * too, in the middle of its connection. */
int gateway_take_secure(struct http_exchange *exchange, struct ssl_st **tls_r);
/* The client's own address, behind all trusted proxies. */
const struct address *gateway_client(const struct http_exchange *exchange);
/* For late answers: an exchange is found by its number or is gone. */
uint64_t http_exchange_id(const struct http_exchange *exchange);
struct http_exchange *gateway_exchange(struct gateway *gateway, uint64_t id);

#endif
