/* SPDX-License-Identifier: MIT */
#include "connection_gateway.h"

#include "fuzz.h"
#include "proxy_header.h"
#include "ws_deflate.h"

/* One request of a wire; on the stack while it is served. */
struct http_exchange {
	struct wire *wire;
	bool is_answered;
};

void
gateway_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body)
{
	must(!exchange->is_answered);
	exchange->is_answered = true;
	must(status >= 200 && status <= 503 && content_type != NULL);
	must(extra_headers.len == 0 ||
	    (extra_headers.len > 2 &&
		extra_headers.data[extra_headers.len - 1] == '\n'));
	if (strcmp(content_type, "application/json") == 0)
		must_be_object(body);
}

/* Whole lines, before the answer. */
void
gateway_add_headers(struct http_exchange *exchange, struct view lines)
{
	must(!exchange->is_answered);
	must(lines.len > 2 && lines.data[lines.len - 1] == '\n');
}

static void
upgrade(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake, size_t endpoint)
{
	struct wire *wire = exchange->wire;
	struct net *net = arg;
	bool deflate = net->offers_deflate;
	const struct session_params params = { .endpoint = endpoint,
		.query = handshake->query,
		.traceparent = handshake->traceparent,
		.notices = handshake->offers_relay_v1,
		.deflate_bits =
		    deflate ? deflate_window_bits(&handshake->deflate) : 0,
		.identity = { view_of("t"), view_of("u") },
		.term = { .expires_ms = wire->expires_ms,
		    .ends_ms = wire->expires_ms } };
	struct ws_peer peer = { .socket = -1 };
	struct buf answer;
	buf_init(&answer, 0);
	exchange->is_answered = true;
	peer.is_deflated = handshake_accept(handshake, deflate, &answer);
	wire->client.notices = handshake->offers_relay_v1;
	wire->client.deflates = peer.is_deflated;
	wire->client.endpoint = endpoint;
	wire->client.is_chat =
	    net->routes.contract->endpoints[endpoint].has_client;
	wire->conn = ws_conn_new(&net->server, &peer);
	if (ws_conn_write(wire->conn, buf_view(&answer)) != HUB_WRITE_GONE)
		ws_conn_open(wire->conn, &params);
	buf_fini(&answer);
}

static int
admit(void *arg, struct http_exchange *exchange)
{
	struct net *net = arg;
	must(exchange->wire->net == net);
	return 0;
}

static void
refuse(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)arg;
	must(view_is(handshake->method, "POST"));
	http_routes_refuse(exchange, 401, "", "auth_failed", "No.");
}

static void
be_ready(void *arg, struct http_exchange *exchange)
{
	(void)arg;
	gateway_answer(
	    exchange, 200, "application/json", view_of(""), view_of("{}"));
}

static void
print_nothing(void *arg, struct buf *out)
{
	(void)arg;
	buf_add_text(out, "{}");
}

static void
print_metrics(void *arg, bool as_openmetrics, struct buf *out)
{
	(void)arg;
	(void)as_openmetrics;
	buf_add_text(out, "# EOF\n");
}

static const struct http_routes_ops routes_ops = {
	.upgrade = upgrade,
	.admit = admit,
	.ticket = refuse,
	.ready = be_ready,
	.metrics = print_metrics,
	.status = print_nothing,
	.drift = print_nothing,
};

void
gateway_init(struct net *net)
{
	net->routes.version = "0";
	net->routes.ops = &routes_ops;
	net->routes.arg = net;
}

/* --- a request --- */

/* False: not all of it is there, or it is one that drops the connection. */
static bool
pass_proxy_header(struct wire *wire)
{
	struct proxy_header header;
	if (!wire->has_proxy_header)
		return true;
	switch (proxy_header_parse(buf_view(&wire->head), &header)) {
	case PROXY_MORE:
		return false;
	case PROXY_BAD:
		wire_drop(wire);
		return false;
	case PROXY_COMPLETE:
		break;
	}
	wire->has_proxy_header = false;
	must(header.length <= wire->head.len);
	wire->head.len -= header.length;
	memmove(
	    wire->head.data, wire->head.data + header.length, wire->head.len);
	return true;
}

static void
serve(struct wire *wire, struct handshake *handshake)
{
	struct http_exchange exchange = { .wire = wire };
	struct http_routes routes = wire->net->routes;
	routes.is_admin = wire->is_admin;
	buf_add(&wire->incoming,
	    view_make(wire->head.data + handshake->head_length,
		wire->head.len - handshake->head_length));
	handshake_trust(handshake, false, false);
	http_routes_serve(&routes, &exchange, handshake);
	must(exchange.is_answered);
	if (wire->conn == NULL)
		wire_drop(wire);
}

void
gateway_read_head(struct wire *wire)
{
	struct handshake handshake;
	int status = 0;
	const char *reason = NULL;
	if (!pass_proxy_header(wire))
		return;
	switch (handshake_parse(
	    buf_view(&wire->head), &handshake, &status, &reason)) {
	case HANDSHAKE_MORE:
		must(wire->head.len <= HANDSHAKE_HEAD_MAX);
		break;
	case HANDSHAKE_BAD:
		must(status == 0 || (status >= 400 && status < 500));
		wire_drop(wire);
		break;
	case HANDSHAKE_COMPLETE:
		serve(wire, &handshake);
		break;
	}
}
