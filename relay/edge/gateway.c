/* SPDX-License-Identifier: MIT */
#include "gateway.h"

#include "http_exchange.h"
#include "log.h"
#include "stats.h"
#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define GATEWAY_MAGIC 0x67617465

#define ACCEPTS_PER_TURN 64
#define ACCEPTS_AT_STOP  4096
#define PAUSE_MS         100 /* out of descriptors: look again after this */
#define YOUNG_MS         500 /* a head this fresh is not thrown out */

/* Owned by the worker; exchanges hold a pointer until their handles are
 * closed, hence the count of users. */
struct gateway {
	uint32_t magic;
	uv_loop_t *loop;
	struct gateway_options options;
	struct stats *stats;
	const struct gateway_ops *ops;
	void *arg;
	int socket; /* -1 once stopped */
	uv_poll_t poll;
	uv_timer_t pause;
	uint64_t last_id;
	size_t waiting; /* heads being read */
	/* One list for each state, oldest first. */
	struct list lists[EXCHANGE_CLOSED];
	size_t users; /* handles and exchanges that still point here */
};

static struct gateway *
gateway_of(void *data)
{
	struct gateway *gateway = data;

	assert(gateway->magic == GATEWAY_MAGIC);
	return gateway;
}

static void
let_go(struct gateway *gateway)
{
	if (--gateway->users > 0)
		return;
	gateway->magic = 0;
	free(gateway);
}

/* --- one exchange --- */

static void
refuse(struct http_exchange *exchange, int status, const char *reason)
{
	struct buf body;

	buf_init(&body, 0);
	buf_add_text(&body, "{\"error\":");
	buf_add_json_string(&body, view_of(reason));
	buf_add_text(&body, "}\n");
	exchange_answer(exchange, status, "application/json",
	    view_make(NULL, 0), buf_view(&body));
	buf_fini(&body);
}

static void
hand_on(struct http_exchange *exchange, const struct handshake *handshake)
{
	struct gateway *gateway = exchange->gateway;

	exchange->without_body = view_is(handshake->method, "HEAD");
	exchange_wait(exchange, gateway->options.answer_ms);
	gateway->ops->on_request(gateway->arg, exchange, handshake);
}

static void
on_bad_head(struct http_exchange *exchange, int status, const char *reason)
{
	stat_add(exchange->gateway->stats, connections_refused, 1);
	if (status == 0)
		exchange_close(exchange);
	else
		refuse(exchange, status, reason);
}

/* Only the head is taken out of the socket: what an eager client sent behind
 * it is for whoever reads on. */
static void
on_received(struct http_exchange *exchange, struct view head)
{
	struct handshake handshake;
	const char *reason = "bad request";
	int status = 0;

	switch (handshake_parse(head, &handshake, &status, &reason)) {
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

static void
on_moved(struct http_exchange *exchange, enum exchange_state to)
{
	struct gateway *gateway = exchange->gateway;

	list_remove(&exchange->link);
	if (to != EXCHANGE_CLOSED)
		list_add_tail(&gateway->lists[to], &exchange->link);
	if (is_waiting(exchange->state) && !is_waiting(to))
		gateway->waiting--;
}

static const struct exchange_ops exchange_callbacks = {
	.received = on_received,
	.expired = on_expired,
	.moved = on_moved,
	.secure = on_secure,
	.shaken = on_shaken,
	.freed = let_go,
};

/* --- accepting --- */

static struct http_exchange *
oldest_of(struct gateway *gateway, enum exchange_state state)
{
	struct list *list = &gateway->lists[state];

	return list_is_empty(list)
	    ? NULL
	    : list_entry(list->next, struct http_exchange, link);
}

/* Room for one more head. Whoever is longest silent goes first, then whoever
 * has been talking longest; a client in good faith needs one round trip. */
static bool
make_room(struct gateway *gateway)
{
	struct http_exchange *oldest;

	if (gateway->waiting < gateway->options.max_waiting)
		return true;
	oldest = oldest_of(gateway, EXCHANGE_SILENT);
	if (oldest == NULL)
		oldest = oldest_of(gateway, EXCHANGE_TALKING);
	if (oldest == NULL ||
	    uv_timer_get_due_in(&oldest->timer) + YOUNG_MS >
		gateway->options.handshake_ms)
		return false;
	stat_add(gateway->stats, connections_timeout, 1);
	exchange_close(oldest);
	return true;
}

static void
welcome(struct gateway *gateway, int socket)
{
	struct http_exchange *exchange = exchange_new(gateway,
	    &exchange_callbacks, gateway->loop, socket, ++gateway->last_id);
	int refusal;

	stat_add(gateway->stats, connections_accepted, 1);
	if (exchange == NULL)
		return;
	exchange->is_secure = gateway->options.tls != NULL;
	refusal = make_room(gateway) ? 0 : 503;
	if (refusal == 0 && gateway->ops->admit != NULL)
		refusal = gateway->ops->admit(gateway->arg);
	gateway->users++;
	gateway->waiting++;
	list_add_tail(&gateway->lists[EXCHANGE_SILENT], &exchange->link);
	if (refusal == 0) {
		exchange_listen(exchange, gateway->options.handshake_ms);
		return;
	}
	stat_add(gateway->stats, connections_refused, 1);
	refuse(exchange, refusal, "too many connections");
}

static void on_listening(uv_poll_t *poll, int status, int events);

static void
on_pause_over(uv_timer_t *timer)
{
	struct gateway *gateway = gateway_of(timer->data);

	uv_poll_start(&gateway->poll, UV_READABLE, on_listening);
}

/* Nothing can be accepted now, and the listening socket stays readable: to
 * look again at once would spin. The clients wait in the backlog. */
static void
pause_accepting(struct gateway *gateway, int reason)
{
	log_throttled(LOG_LEVEL_WARN, "gateway", "accept_paused", "reason",
	    strerror(reason), NULL);
	uv_poll_stop(&gateway->poll);
	uv_timer_start(&gateway->pause, on_pause_over, PAUSE_MS, 0);
}

/* Out of descriptors: who has his answer and does not hang up goes at once. */
static bool
give_up_lingering(struct gateway *gateway)
{
	struct http_exchange *oldest = oldest_of(gateway, EXCHANGE_LINGERING);

	if (oldest != NULL)
		exchange_close(oldest);
	return oldest != NULL;
}

/* True when there may be more to accept. */
static bool
accept_one(struct gateway *gateway)
{
	int fd =
	    accept4(gateway->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		welcome(gateway, fd);
		return true;
	}
	switch (errno) {
	case EAGAIN:
		return false;
	case EMFILE:
	case ENFILE:
		if (give_up_lingering(gateway))
			return true;
		pause_accepting(gateway, errno);
		return false;
	case ENOBUFS:
	case ENOMEM:
	case EBADF:
	case EINVAL:
	case ENOTSOCK:
		pause_accepting(gateway, errno);
		return false;
	default: /* accept(2): errors of the one connection, or EINTR */
		return true;
	}
}

static void
on_listening(uv_poll_t *poll, int status, int events)
{
	struct gateway *gateway = gateway_of(poll->data);

	(void)events;
	if (status < 0) {
		pause_accepting(gateway, -status);
		return;
	}
	for (int n = 0; n < ACCEPTS_PER_TURN; n++) {
		if (!accept_one(gateway))
			return;
	}
}

/* --- life --- */

struct gateway *
gateway_new(struct uv_loop_s *loop, int listening_socket,
    const struct gateway_options *options, struct stats *stats,
    const struct gateway_ops *ops, void *arg)
{
	struct gateway *gateway = xcalloc(1, sizeof(*gateway));

	gateway->magic = GATEWAY_MAGIC;
	gateway->loop = loop;
	gateway->options = *options;
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
	uv_poll_start(&gateway->poll, UV_READABLE, on_listening);
	return gateway;
}

void
gateway_reload(struct gateway *gateway, const struct gateway_options *options)
{
	gateway->options = *options;
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
		if (!accept_one(gateway))
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
