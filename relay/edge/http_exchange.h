/* SPDX-License-Identifier: MIT */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

/*
 * One accepted connection of a gateway, private to gateway.c: its socket, its
 * one deadline, the bytes of the head that came in and the answer that goes
 * out. Owned by the gateway's lists; the memory goes when libuv has closed the
 * handles.
 */

#include "address.h"
#include "buf.h"
#include "gate_socket.h"
#include "list.h"

#include <stdint.h>
#include <uv.h>

struct gateway;
struct http_exchange;

enum exchange_state {
	EXCHANGE_SILENT,    /* accepted, not one byte came */
	EXCHANGE_TALKING,   /* part of a head came */
	EXCHANGE_ASKED,     /* on_request was called, no answer yet */
	EXCHANGE_WRITING,   /* the answer goes out */
	EXCHANGE_LINGERING, /* answer is out, waiting for the peer's end */
	EXCHANGE_CLOSED     /* handles are closing */
};

/* What the exchange tells its gateway; it may be closed in each of them. */
struct exchange_ops {
	/* All that came so far. What is not kept comes again. */
	void (*received)(struct http_exchange *exchange, struct view head);
	void (*expired)(struct http_exchange *exchange); /* before an answer */
	void (*moved)(struct http_exchange *exchange, enum exchange_state to);
	/* What a proxy says before: how much of it the header is; 0: more is to
	 * come; -1: it is none. */
	int (*proxied)(struct http_exchange *exchange, struct view bytes);
	/* With what to begin TLS. */
	struct ssl_ctx_st *(*secure)(struct http_exchange *exchange);
	/* TLS is there, or what came was none. */
	void (*shaken)(struct http_exchange *exchange, bool is_done);
	void (*freed)(struct gateway *gateway); /* its memory is gone */
};

struct http_exchange {
	uint32_t magic;
	enum exchange_state state;
	struct gateway *gateway;
	const struct exchange_ops *ops;
	struct list link; /* in the gateway's list for its state */
	uint64_t id;
	uv_poll_t poll;
	uv_timer_t timer;
	int open_handles;
	struct gate_socket socket;
	/* Who is at the other end: of the socket, then of the proxy that says
	 * so in its header, then behind all trusted ones. */
	struct address client;
	bool awaits_proxy;  /* a PROXY header comes before all else */
	bool is_secure;     /* TLS comes before the head */
	struct buf in;      /* what was taken out of the socket */
	bool without_body;  /* the answer to HEAD */
	struct buf headers; /* lines that every answer has */
	struct buf out;
	size_t sent;
	size_t drained;
};

/* Takes the socket. NULL: the loop would not have it, and it is closed. */
struct http_exchange *exchange_new(struct gateway *gateway,
    const struct exchange_ops *ops, uv_loop_t *loop, int socket, uint64_t id);
/* Before it listens: the longest head. */
void exchange_limit(struct http_exchange *exchange, size_t head_bytes);
/* Reads the head; ops->expired when it is not whole in time. */
void exchange_listen(struct http_exchange *exchange, unsigned deadline_ms);
/* Inside ops->received: takes the first `len` bytes of it out of the socket.
 * -1: the peer left, and the exchange is closed. */
int exchange_keep(struct http_exchange *exchange, size_t len);
/* Reads no more; ops->expired when nobody answers in time. */
void exchange_wait(struct http_exchange *exchange, unsigned deadline_ms);
/* Sends `status` and closes after it; without a word where the client could
 * not read it, because TLS is not there yet. */
void exchange_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body);
/* Gives the socket away, and TLS in *tls_r, and closes the rest. */
int exchange_take(struct http_exchange *exchange, struct ssl_st **tls_r);
/* Closes at once. */
void exchange_close(struct http_exchange *exchange);

#endif
