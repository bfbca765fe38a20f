/* SPDX-License-Identifier: MIT */
#include "gateway_parts.h"

#include "log.h"
#include "proxy_header.h"
#include "stats.h"
#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_AT_STOP 4096

static void
let_go(struct gateway *gateway)
{
	if (--gateway->users > 0)
		return;
	gateway->magic = 0;
	free(gateway);
}

/* --- one exchange --- */

void
gateway_refuse(struct http_exchange *exchange, int status, const char *reason)
{
	struct buf body;

	buf_init(&body, 0);
	buf_add_text(&body, "{\"error\":");
	buf_add_json_string(&body, view_of(reason));
	buf_add_text(&body, "}\n");
	exchange_answer(exchange, status, "application/json",
	    view_of(status == 503 || status == 429 ? "Retry-After: 1\r\n" : ""),
	    buf_view(&body));
	buf_fini(&body);
}

static void
log_refusal(const struct http_exchange *exchange, const char *reason)
{
	char client[ADDRESS_TEXT];

	address_print(&exchange->client, client);
	log_throttled(LOG_LEVEL_WARN, "gateway", "refused", "client", client,
	    "reason", reason, NULL);
}

static bool
is_trusted(const struct gateway *gateway, const struct address *address)
{
	return network_has(
	    gateway->options.proxies, gateway->options.proxy_count, address);
}

static void
hand_on(struct http_exchange *exchange, struct handshake *handshake)
{
	struct gateway *gateway = exchange->gateway;
	const struct gateway_options *options = &gateway->options;

	handshake_trust(handshake, is_trusted(gateway, &exchange->client),
	    exchange->is_secure);
	exchange->client = address_behind(options->proxies,
	    options->proxy_count, &exchange->client, handshake->forwarded_for,
	    handshake->forwarded_for_count);
	exchange->without_body = view_is(handshake->method, "HEAD");
	exchange_wait(exchange, options->answer_ms);
	gateway->ops->on_request(gateway->arg, exchange, handshake);
}

static void
on_bad_head(struct http_exchange *exchange, int status, const char *reason)
{
	stat_add(exchange->gateway->stats, connections_refused, 1);
	log_refusal(exchange, reason);
	if (status == 0)
		exchange_close(exchange);
	else
		gateway_refuse(exchange, status, reason);
}

/* A reload may have raised it since the exchange began. */
static size_t
head_limit(const struct http_exchange *exchange)
{
	size_t limit = exchange->gateway->options.head_bytes;

	return limit < exchange->in.limit ? limit : exchange->in.limit;
}

/* Only the head is taken out of the socket: what an eager client sent behind
 * it is for whoever reads on. */
static void
on_received(struct http_exchange *exchange, struct view head)
{
	struct handshake handshake;
	const char *reason = "bad request";
	int status = 0;

	switch (handshake_parse_within(
	    head, head_limit(exchange), &handshake, &status, &reason)) {
	case HANDSHAKE_MORE:
		exchange_keep(exchange, head.len);
		break;
	case HANDSHAKE_COMPLETE:
		if (exchange_keep(exchange, handshake.head_length) == 0)
			hand_on(exchange, &handshake);
		break;
	case HANDSHAKE_BAD:
		on_bad_head(exchange, status, reason);
		break;
	}
}

static void
on_expired(struct http_exchange *exchange)
{
	if (exchange->state == EXCHANGE_ASKED) {
		gateway_answer(exchange, 503, "application/json",
		    view_make(NULL, 0),
		    view_of("{\"error\":\"no answer in time\"}\n"));
		return;
	}
	stat_add(exchange->gateway->stats, connections_timeout, 1);
	exchange_close(exchange);
}

/* Nobody but a proxy that is listed may say who others are, once there is a
 * list. */
static int
on_proxied(struct http_exchange *exchange, struct view bytes)
{
	struct gateway *gateway = exchange->gateway;
	struct proxy_header header;
	enum proxy_header_state state = PROXY_BAD;

	if (gateway->options.proxy_count == 0 ||
	    is_trusted(gateway, &exchange->client))
		state = proxy_header_parse(bytes, &header);
	if (state == PROXY_MORE)
		return 0;
	if (state == PROXY_BAD) {
		stat_add(gateway->stats, connections_refused, 1);
		stat_add(gateway->stats, proxy_headers_refused, 1);
		log_refusal(exchange, "no PROXY header of a trusted proxy");
		return -1;
	}
	if (header.client.kind != ADDRESS_UNKNOWN)
		exchange->client = header.client;
	return (int)header.length;
}

static struct ssl_ctx_st *
on_secure(struct http_exchange *exchange)
{
	return exchange->gateway->options.tls;
}

static void
on_shaken(struct http_exchange *exchange, bool is_done)
{
	struct stats *stats = exchange->gateway->stats;

	if (is_done) {
		stat_add(stats, tls_done, 1);
		return;
	}
	stat_add(stats, tls_failed, 1);
	stat_add(stats, connections_refused, 1);
}

static bool
is_waiting(enum exchange_state state)
{
	return state <= EXCHANGE_TALKING;
}

struct http_exchange *
gateway_oldest(struct gateway *gateway, enum exchange_state state)
{
	struct list *list = &gateway->lists[state];

	return list_is_empty(list)
	    ? NULL
	    : list_entry(list->next, struct http_exchange, link);
}

void
gateway_throw_out(struct http_exchange *exchange)
{
	stat_add(exchange->gateway->stats, connections_timeout, 1);
	exchange_close(exchange);
}

/* A handshake of TLS that is not done holds as much memory as ten clients. */
static void
on_moved(struct http_exchange *exchange, enum exchange_state to)
{
	struct gateway *gateway = exchange->gateway;

	list_remove(&exchange->link);
	if (to != EXCHANGE_CLOSED)
		list_add_tail(&gateway->lists[to], &exchange->link);
	if (is_waiting(exchange->state) && !is_waiting(to))
		gateway->waiting--;
	if (exchange->state == EXCHANGE_TALKING)
		gateway->talking--;
	if (to != EXCHANGE_TALKING)
		return;
	gateway->talking++;
	if (gateway->options.max_talking > 0 &&
	    gateway->talking > gateway->options.max_talking)
		gateway_throw_out(gateway_oldest(gateway, EXCHANGE_TALKING));
}

const struct exchange_ops gateway_exchange_ops = {
	.received = on_received,
	.expired = on_expired,
	.moved = on_moved,
	.proxied = on_proxied,
	.secure = on_secure,
	.shaken = on_shaken,
	.freed = let_go,
};

/* --- life --- */

void
gateway_reload(struct gateway *gateway, const struct gateway_options *options)
{
	gateway->options = *options;
	if (gateway->options.head_bytes == 0)
		gateway->options.head_bytes = HANDSHAKE_HEAD_MAX;
}

struct gateway *
gateway_new(struct uv_loop_s *loop, int listening_socket,
    const struct gateway_options *options, struct stats *stats,
    const struct gateway_ops *ops, void *arg)
{
	struct gateway *gateway = xcalloc(1, sizeof(*gateway));

	gateway->magic = GATEWAY_MAGIC;
	gateway->loop = loop;
	gateway_reload(gateway, options);
	gateway->stats = stats;
	gateway->ops = ops;
	gateway->arg = arg;
	gateway->socket = listening_socket;
	gateway->users = 3; /* the owner and two handles */
	for (size_t i = 0; i < EXCHANGE_CLOSED; i++)
		list_init(&gateway->lists[i]);
	uv_poll_init(loop, &gateway->poll, listening_socket);
	uv_timer_init(loop, &gateway->pause);
	gateway->poll.data = gateway;
	gateway->pause.data = gateway;
	uv_poll_start(&gateway->poll, UV_READABLE, gateway_on_listening);
	return gateway;
}

static void
on_listener_closed(uv_handle_t *handle)
{
	let_go(gateway_of(handle->data));
}

static void
stop_listening(struct gateway *gateway)
{
	if (gateway->socket < 0)
		return;
	uv_close((uv_handle_t *)&gateway->poll, on_listener_closed);
	uv_close((uv_handle_t *)&gateway->pause, on_listener_closed);
	close(gateway->socket);
	gateway->socket = -1;
}

void
gateway_stop(struct gateway *gateway)
{
	for (int n = 0; gateway->socket >= 0 && n < ACCEPTS_AT_STOP; n++) {
		if (!gateway_accept_one(gateway))
			break;
	}
	stop_listening(gateway);
}

void
gateway_free(struct gateway **gateway_p)
{
	struct gateway *gateway = *gateway_p;

	if (gateway == NULL)
		return;
	stop_listening(gateway);
	for (size_t i = 0; i < EXCHANGE_CLOSED; i++) {
		list_foreach(link, &gateway->lists[i])
			exchange_close(
			    list_entry(link, struct http_exchange, link));
	}
	let_go(gateway);
	*gateway_p = NULL;
}

/* --- answers --- */

void
gateway_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body)
{
	stat_add(exchange->gateway->stats, http_requests, 1);
	exchange_answer(exchange, status, content_type, extra_headers, body);
}

void
gateway_add_headers(struct http_exchange *exchange, struct view lines)
{
	buf_add(&exchange->headers, lines);
}

int
gateway_take(struct http_exchange *exchange)
{
	struct ssl_st *tls;
	int socket = exchange_take(exchange, &tls);

	assert(tls == NULL);
	return socket;
}

int
gateway_take_secure(struct http_exchange *exchange, struct ssl_st **tls_r)
{
	return exchange_take(exchange, tls_r);
}

const struct address *
gateway_client(const struct http_exchange *exchange)
{
	return &exchange->client;
}

uint64_t
http_exchange_id(const struct http_exchange *exchange)
{
	return exchange->id;
}

struct http_exchange *
gateway_exchange(struct gateway *gateway, uint64_t id)
{
	list_foreach(link, &gateway->lists[EXCHANGE_ASKED]) {
		struct http_exchange *exchange =
		    list_entry(link, struct http_exchange, link);

		if (exchange->id == id)
			return exchange;
	}
	return NULL;
}
