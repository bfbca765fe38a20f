/* SPDX-License-Identifier: MIT */
#include "http_routes.h"

#include "http_cors.h"

#define JSON_TYPE    "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define OPENMETRICS  "application/openmetrics-text"

enum listener { ON_PUBLIC = 0x01, ON_ADMIN = 0x02 };

struct route {
	const char *path;
	unsigned listeners;
	bool is_post;      /* else GET and HEAD */
	bool is_for_pages; /* of listed origins, too */
	void (*serve)(const struct http_routes *routes,
	    struct http_exchange *exchange, const struct handshake *handshake);
};

void
http_routes_json(
    struct http_exchange *exchange, int status, const struct buf *body)
{
	gateway_answer(exchange, status, JSON_TYPE,
	    view_of("Cache-Control: no-store\r\n"), buf_view(body));
}

static void
begin_error(struct buf *body, const char *code, const char *message)
{
	buf_addf(body, "{\"error\":\"%s\",\"message\":", code);
	buf_add_json_string(body, view_of(message));
}

void
http_routes_refuse(struct http_exchange *exchange, int status,
    const char *extra, const char *code, const char *message)
{
	struct buf body;
	buf_init(&body, 0);
	begin_error(&body, code, message);
	buf_add_text(&body, "}\n");
	gateway_answer(
	    exchange, status, JSON_TYPE, view_of(extra), buf_view(&body));
	buf_fini(&body);
}

void
http_routes_refuse_crowd(struct http_exchange *exchange, int status)
{
	http_routes_refuse(exchange, status, "Retry-After: 1\r\n",
	    "too_many_connections",
	    status == 429 ? "Your address has too many connections."
			  : "The relay takes no more connections now.");
}

void
http_routes_refuse_origin(struct http_exchange *exchange)
{
	http_routes_refuse(exchange, 403, "", "origin_refused",
	    "This Origin may not connect; see the option origins.");
}

/* --- the routes --- */

static void
serve_health(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)handshake;
	struct buf body;
	buf_init(&body, 0);
	buf_add_text(&body, "{\"ok\":true,\"version\":");
	buf_add_json_string(&body, view_of(routes->version));
	buf_add_text(&body, "}\n");
	http_routes_json(exchange, 200, &body);
	buf_fini(&body);
}

static void
serve_ready(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)handshake;
	routes->ops->ready(routes->arg, exchange);
}

static void
serve_metrics(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	struct buf body;
	struct view accept = handshake->accept;
	bool is_open = accept.len > 0 &&
	    memmem(accept.data, accept.len, OPENMETRICS, strlen(OPENMETRICS));
	buf_init(&body, 0);
	routes->ops->metrics(routes->arg, is_open, &body);
	gateway_answer(exchange, 200,
	    is_open ? OPENMETRICS "; version=1.0.0; charset=utf-8"
		    : METRICS_TYPE,
	    view_of(""), buf_view(&body));
	buf_fini(&body);
}

static void
serve_status(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)handshake;
	struct buf body;
	buf_init(&body, 0);
	routes->ops->status(routes->arg, &body);
	http_routes_json(exchange, 200, &body);
	buf_fini(&body);
}

static void
serve_drift(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)handshake;
	struct buf body;
	buf_init(&body, 0);
	routes->ops->drift(routes->arg, &body);
	http_routes_json(exchange, 200, &body);
	buf_fini(&body);
}

static void
serve_ticket(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	routes->ops->ticket(routes->arg, exchange, handshake);
}

static const struct route route_table[] = {
	{ "/health", ON_PUBLIC | ON_ADMIN, false, false, serve_health },
	{ "/ready", ON_PUBLIC | ON_ADMIN, false, false, serve_ready },
	{ "/metrics", ON_ADMIN, false, false, serve_metrics },
	{ "/api/v1/runtime/status", ON_ADMIN, false, false, serve_status },
	{ "/api/v1/contract/drift", ON_ADMIN, false, false, serve_drift },
	{ "/api/v1/auth/ws-ticket", ON_PUBLIC, true, true, serve_ticket },
};

#define ROUTE_COUNT (sizeof(route_table) / sizeof(route_table[0]))

static bool
is_here(const struct http_routes *routes, const struct route *route)
{
	return route->listeners & (routes->is_admin ? ON_ADMIN : ON_PUBLIC);
}

static void
refuse_path(const struct http_routes *routes, struct http_exchange *exchange)
{
	struct buf body;
	const char *comma = "";
	buf_init(&body, 0);
	begin_error(&body, "not_found", "There is nothing on this path.");
	buf_add_text(&body, ",\"paths\":[");
	size_t count = routes->is_admin ? 0 : routes->contract->endpoint_count;
	for (size_t i = 0; i < count; i++) {
		buf_add_text(&body, comma);
		buf_add_json_string(
		    &body, view_of(routes->contract->endpoints[i].path));
		comma = ",";
	}
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!is_here(routes, &route_table[i]))
			continue;
		buf_addf(&body, "%s\"%s\"", comma, route_table[i].path);
		comma = ",";
	}
	buf_add_text(&body, "]}\n");
	gateway_answer(exchange, 404, JSON_TYPE, view_of(""), buf_view(&body));
	buf_fini(&body);
}

static void
serve_plain(const struct http_routes *routes, const struct route *route,
    struct http_exchange *exchange, const struct handshake *handshake)
{
	bool is_get = view_is(handshake->method, "GET") ||
	    view_is(handshake->method, "HEAD");
	if (route->is_for_pages &&
	    http_cors_settle(routes, exchange, handshake))
		return;
	if (route->is_post && !view_is(handshake->method, "POST"))
		http_routes_refuse(exchange, 405,
		    route->is_for_pages ? "Allow: POST, OPTIONS\r\n"
					: "Allow: POST\r\n",
		    "method_not_allowed", "This path answers POST only.");
	else if (!route->is_post && !is_get)
		http_routes_refuse(exchange, 405, "Allow: GET, HEAD\r\n",
		    "method_not_allowed", "This path answers GET only.");
	else
		route->serve(routes, exchange, handshake);
}

/* --- the way into a WebSocket --- */

/* 426 with the names of what the upgrade misses; false: nothing. */
static bool
refuse_missing(
    struct http_exchange *exchange, const struct handshake *handshake)
{
	struct buf missing;
	struct buf body;
	buf_init(&missing, 0);
	handshake_missing(handshake, &missing);
	bool is_missing = missing.len > 0;
	buf_add_char(&missing, '\0');
	if (is_missing) {
		buf_init(&body, 0);
		begin_error(&body, "upgrade_required",
		    "This path speaks WebSocket; the request misses what "
		    "`missing` names.");
		buf_add_text(&body, ",\"missing\":[\"");
		for (const char *p = missing.data; *p; p++) {
			if (*p == ',' && p[1] == ' ') {
				buf_add_text(&body, "\",\"");
				p++;
			} else {
				buf_add_char(&body, *p);
			}
		}
		buf_add_text(&body, "\"]}\n");
		gateway_answer(exchange, 426, JSON_TYPE,
		    view_of("Upgrade: websocket\r\n"
			    "Sec-WebSocket-Version: 13\r\n"),
		    buf_view(&body));
		buf_fini(&body);
	}
	buf_fini(&missing);
	return is_missing;
}

static bool
refuse_shape(struct http_exchange *exchange, const struct handshake *handshake)
{
	if (!view_is(handshake->method, "GET")) {
		http_routes_refuse(exchange, 405, "Allow: GET\r\n",
		    "method_not_allowed", "A WebSocket begins with GET.");
		return true;
	}
	if (refuse_missing(exchange, handshake))
		return true;
	const char *problem = NULL;
	if (!handshake->key_valid)
		problem = "Sec-WebSocket-Key must be 16 bytes in base64.";
	else if (handshake->has_body)
		problem = "A request for an upgrade has no body.";
	else if (handshake->offers_protocols && !handshake->offers_relay_v1)
		problem = "The only sub-protocol known here is relay.v1.";
	if (problem)
		http_routes_refuse(exchange, 400, "", "bad_handshake", problem);
	return problem != NULL;
}

static bool
refuse_caller(const struct http_routes *routes, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	if (!handshake_origin_allowed(
		handshake, routes->origins, routes->origin_count)) {
		http_routes_refuse_origin(exchange);
		return true;
	}
	int status = routes->ops->admit(routes->arg, exchange);
	if (status != 0)
		http_routes_refuse_crowd(exchange, status);
	return status != 0;
}

static bool
find_endpoint(
    const struct http_routes *routes, struct view path, size_t *endpoint_r)
{
	if (routes->is_admin)
		return false;
	if (routes->takes_any_path)
		return true;
	for (size_t i = 0; i < routes->contract->endpoint_count; i++) {
		if (!view_is(path, routes->contract->endpoints[i].path))
			continue;
		*endpoint_r = i;
		return true;
	}
	return false;
}

void
http_routes_serve(const struct http_routes *routes,
    struct http_exchange *exchange, const struct handshake *handshake)
{
	size_t endpoint = 0;
	if (find_endpoint(routes, handshake->path, &endpoint)) {
		if (!refuse_shape(exchange, handshake) &&
		    !refuse_caller(routes, exchange, handshake))
			routes->ops->upgrade(
			    routes->arg, exchange, handshake, endpoint);
		return;
	}
	for (size_t i = 0; i < ROUTE_COUNT; i++) {
		if (!is_here(routes, &route_table[i]) ||
		    !view_is(handshake->path, route_table[i].path))
			continue;
		serve_plain(routes, &route_table[i], exchange, handshake);
		return;
	}
	refuse_path(routes, exchange);
}
