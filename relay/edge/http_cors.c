/* SPDX-License-Identifier: MIT */
#include "http_cors.h"

/* How long a browser remembers an answer: a page that asks for a ticket at each
 * reconnect asks for leave now and then, and a shorter list is soon obeyed. */
#define LEAVE_SECONDS "600"

/* The answer depends on who asks: no cache may give it to another. */
static void
add_leave_to_read(
    struct http_exchange *exchange, struct view origin, bool is_listed)
{
	struct buf lines;
	buf_init(&lines, 0);
	buf_add_text(&lines, "Vary: Origin\r\n");
	if (is_listed) {
		buf_add_text(&lines, "Access-Control-Allow-Origin: ");
		buf_add(&lines, origin);
		buf_add_text(&lines,
		    "\r\nAccess-Control-Expose-Headers: Retry-After\r\n");
	}
	gateway_add_headers(exchange, buf_view(&lines));
	buf_fini(&lines);
}

/* No credentials: the token comes in a header that the page itself sets. */
static void
answer_preflight(struct http_exchange *exchange, bool is_listed)
{
	gateway_answer(exchange, 204, NULL,
	    view_of(is_listed ? "Allow: POST, OPTIONS\r\n"
				"Access-Control-Allow-Methods: POST\r\n"
				"Access-Control-Allow-Headers: Authorization, "
				"Content-Type\r\n"
				"Access-Control-Max-Age: " LEAVE_SECONDS "\r\n"
			      : "Allow: POST, OPTIONS\r\n"),
	    view_of(""));
}

bool
http_cors_settle(const struct http_routes *routes,
    struct http_exchange *exchange, const struct handshake *handshake)
{
	bool is_listed = handshake_origin_listed(
	    handshake, routes->origins, routes->origin_count);
	add_leave_to_read(exchange, handshake->origin, is_listed);
	if (!handshake_origin_allowed(
		handshake, routes->origins, routes->origin_count)) {
		http_routes_refuse_origin(exchange);
		return true;
	}
	if (!view_is(handshake->method, "OPTIONS"))
		return false;
	answer_preflight(exchange, is_listed);
	return true;
}
