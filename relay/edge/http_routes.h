/* SPDX-License-Identifier: MIT */
#ifndef HTTP_ROUTES_H
#define HTTP_ROUTES_H

/*
 * What is answered on which path of which listener: the HTTP surface, and the
 * way into a WebSocket (path known, method, what the upgrade misses, key,
 * origin, caps; in this order). Bodies only; the bytes travel by gateway.h.
 */

#include "contract.h"
#include "gateway.h"

struct http_routes_ops {
	/* An upgrade that may pass: now or later gateway_take_secure() it. */
	void (*upgrade)(void *arg, struct http_exchange *exchange,
	    const struct handshake *handshake, size_t endpoint);
	/* May one more WebSocket come in? 0, 429 or 503. */
	int (*admit)(void *arg, struct http_exchange *exchange);
	/* Public only: answers now or later. */
	void (*ticket)(void *arg, struct http_exchange *exchange,
	    const struct handshake *handshake);
	/* Answers now or later. */
	void (*ready)(void *arg, struct http_exchange *exchange);
	/* Admin only: append the body. */
	void (*metrics)(void *arg, bool as_openmetrics, struct buf *out);
	void (*status)(void *arg, struct buf *out);
	void (*drift)(void *arg, struct buf *out);
};

/* One per gateway; plain data, all borrowed. */
struct http_routes {
	const struct contract *contract;
	const struct origin *origins;
	size_t origin_count;
	const char *version;
	bool is_admin;       /* which listener */
	bool takes_any_path; /* all are endpoint 0; for tests */
	const struct http_routes_ops *ops;
	void *arg;
};

/* Answers the request, or hands it to ops. */
void http_routes_serve(const struct http_routes *routes,
    struct http_exchange *exchange, const struct handshake *handshake);

/* 403 to a page that comes from nowhere known. */
void http_routes_refuse_origin(struct http_exchange *exchange);
/* 429 or 503 to one WebSocket too many. */
void http_routes_refuse_crowd(struct http_exchange *exchange, int status);
/* {"error":code,"message":…} with a status; `extra` are header lines. */
void http_routes_refuse(struct http_exchange *exchange, int status,
    const char *extra, const char *code, const char *message);
void http_routes_json(
    struct http_exchange *exchange, int status, const struct buf *body);

#endif
