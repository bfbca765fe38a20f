/* SPDX-License-Identifier: MIT */
#include "http_exchange.h"

#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXCHANGE_MAGIC 0x68747470

#define READ_SIZE  2048
#define WRITE_MS   10000 /* a reader of our answer that is slower is left */
#define LINGER_MS  1000
#define LINGER_MAX (256 * 1024) /* bytes of a body that are thrown away */

static struct http_exchange *
exchange_of(void *data)
{
	struct http_exchange *exchange = data;

	assert(exchange->magic == EXCHANGE_MAGIC);
	return exchange;
}

static void
move_to(struct http_exchange *exchange, enum exchange_state state)
{
	exchange->ops->moved(exchange, state);
	exchange->state = state;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct http_exchange *exchange = exchange_of(handle->data);
	struct gateway *gateway = exchange->gateway;

	if (--exchange->open_handles > 0)
		return;
	buf_wipe(&exchange->in); /* tokens may stand in it */
	buf_fini(&exchange->headers);
	buf_wipe(&exchange->out);
	exchange->magic = 0;
	exchange->ops->freed(gateway);
	free(exchange);
}

struct http_exchange *
exchange_new(struct gateway *gateway, const struct exchange_ops *ops,
    uv_loop_t *loop, int socket, uint64_t id)
{
	struct http_exchange *exchange = xcalloc(1, sizeof(*exchange));

	if (uv_poll_init(loop, &exchange->poll, socket) < 0) {
		close(socket);
		free(exchange);
		return NULL;
	}
	exchange->magic = EXCHANGE_MAGIC;
	list_init(&exchange->link);
	exchange->gateway = gateway;
	exchange->ops = ops;
	gate_socket_init(&exchange->socket, socket);
	exchange->id = id;
	uv_timer_init(loop, &exchange->timer);
	exchange->open_handles = 2;
	exchange->poll.data = exchange;
	exchange->timer.data = exchange;
	buf_init(&exchange->in, 0);
	buf_init(&exchange->headers, 0);
	buf_init(&exchange->out, 0);
	return exchange;
}

/* A head that fills it is refused. */
void
exchange_limit(struct http_exchange *exchange, size_t head_bytes)
{
	exchange->in.limit = head_bytes;
}

static void
close_handles(struct http_exchange *exchange)
{
	move_to(exchange, EXCHANGE_CLOSED);
	uv_close((uv_handle_t *)&exchange->poll, on_handle_closed);
	uv_close((uv_handle_t *)&exchange->timer, on_handle_closed);
}

void
exchange_close(struct http_exchange *exchange)
{
	if (exchange->state == EXCHANGE_CLOSED)
		return;
	close_handles(exchange);
	gate_socket_close(&exchange->socket);
}

int
exchange_take(struct http_exchange *exchange, struct ssl_st **tls_r)
{
	assert(exchange->state == EXCHANGE_ASKED);
	/* uv_close lets go of the descriptor at once: another handle may watch
	 * it from now on. */
	close_handles(exchange);
	return gate_socket_give(&exchange->socket, tls_r);
}

/* --- the head --- */

static void on_readable(uv_poll_t *poll, int status, int events);

/* After GATE_SOCKET_AGAIN while we read: TLS may have to write first. */
static void
wait_to_read(struct http_exchange *exchange)
{
	uv_poll_start(&exchange->poll,
	    exchange->socket.wants_write ? UV_WRITABLE : UV_READABLE,
	    on_readable);
}

static bool
is_reading(const struct http_exchange *exchange)
{
	return exchange->state <= EXCHANGE_TALKING;
}

static void
read_head(struct http_exchange *exchange)
{
	struct buf *in = &exchange->in;

	do {
		size_t room = in->limit - in->len;
		size_t size = room < READ_SIZE ? room : READ_SIZE;
		char *into = buf_reserve(in, size);
		ssize_t count = gate_socket_peek(&exchange->socket, into, size);

		if (count == GATE_SOCKET_AGAIN) {
			wait_to_read(exchange);
			return;
		}
		if (count <= 0) {
			exchange_close(exchange); /* the peer left */
			return;
		}
		exchange->ops->received(
		    exchange, view_make(in->data, in->len + (size_t)count));
	} while (
	    is_reading(exchange) && gate_socket_has_more(&exchange->socket));
}

static void linger(struct http_exchange *exchange);

static void
shake_hands(struct http_exchange *exchange)
{
	ssize_t result = gate_socket_shake(&exchange->socket);

	if (result == GATE_SOCKET_AGAIN) {
		wait_to_read(exchange);
		return;
	}
	exchange->ops->shaken(exchange, result == 0);
	if (result == 0)
		read_head(exchange);
	else
		linger(exchange);
}

/* Takes what came of it out of the socket, and if it is whole, nothing more;
 * what follows is waited for anew. */
static void
read_proxy_header(struct http_exchange *exchange)
{
	struct buf *in = &exchange->in;
	size_t room = in->limit - in->len;
	size_t size = room < READ_SIZE ? room : READ_SIZE;
	char *into = buf_reserve(in, size);
	ssize_t count = gate_socket_peek(&exchange->socket, into, size);
	int length;

	if (count == GATE_SOCKET_AGAIN)
		return;
	length = count <= 0 ? -1
			    : exchange->ops->proxied(exchange,
				  view_make(in->data, in->len + (size_t)count));
	if (length < 0) {
		exchange_close(exchange);
		return;
	}
	if (exchange_keep(exchange,
		length > 0 ? (size_t)length : in->len + (size_t)count) < 0 ||
	    length == 0)
		return;
	exchange->awaits_proxy = false;
	buf_clear(in);
}

/* TLS takes memory: not before its first byte is here. */
static void
advance(struct http_exchange *exchange)
{
	if (exchange->awaits_proxy) {
		read_proxy_header(exchange);
		return;
	}
	if (exchange->is_secure && exchange->socket.tls == NULL)
		gate_socket_secure(
		    &exchange->socket, exchange->ops->secure(exchange));
	if (exchange->socket.has_failed)
		exchange_close(exchange);
	else if (exchange->socket.is_shaking)
		shake_hands(exchange);
	else
		read_head(exchange);
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct http_exchange *exchange = exchange_of(poll->data);

	(void)events;
	if (status < 0) {
		exchange_close(exchange);
		return;
	}
	if (exchange->state == EXCHANGE_SILENT)
		move_to(exchange, EXCHANGE_TALKING);
	advance(exchange);
}

int
exchange_keep(struct http_exchange *exchange, size_t len)
{
	struct buf *in = &exchange->in;
	size_t rest = len - in->len;

	if (gate_socket_take(&exchange->socket, in->data + in->len, rest) < 0) {
		exchange_close(exchange);
		return -1;
	}
	in->len = len;
	return 0;
}

static void
on_deadline(uv_timer_t *timer)
{
	struct http_exchange *exchange = exchange_of(timer->data);

	exchange->ops->expired(exchange);
}

void
exchange_listen(struct http_exchange *exchange, unsigned deadline_ms)
{
	uv_timer_start(&exchange->timer, on_deadline, deadline_ms, 0);
	uv_poll_start(&exchange->poll, UV_READABLE, on_readable);
}

void
exchange_wait(struct http_exchange *exchange, unsigned deadline_ms)
{
	uv_poll_stop(&exchange->poll);
	uv_timer_start(&exchange->timer, on_deadline, deadline_ms, 0);
	move_to(exchange, EXCHANGE_ASKED);
}

/* --- the answer --- */

static void
on_gave_up(uv_timer_t *timer)
{
	exchange_close(exchange_of(timer->data));
}

/* Throws away what the peer still sends: closing a socket with unread bytes
 * resets it, and the reset may overtake the answer. */
static void
on_leftover(uv_poll_t *poll, int status, int events)
{
	struct http_exchange *exchange = exchange_of(poll->data);
	char waste[4096];
	ssize_t count;

	(void)events;
	count =
	    status < 0 ? 0 : recv(exchange->socket.fd, waste, sizeof(waste), 0);
	if (count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (count > 0)
		exchange->drained += (size_t)count;
	if (count <= 0 || exchange->drained > LINGER_MAX)
		exchange_close(exchange);
}

static void
linger(struct http_exchange *exchange)
{
	gate_socket_end(&exchange->socket);
	move_to(exchange, EXCHANGE_LINGERING);
	uv_timer_start(&exchange->timer, on_gave_up, LINGER_MS, 0);
	uv_poll_start(&exchange->poll, UV_READABLE, on_leftover);
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void
write_more(struct http_exchange *exchange)
{
	struct buf *out = &exchange->out;
	ssize_t count = gate_socket_send(&exchange->socket,
	    out->data + exchange->sent, out->len - exchange->sent);

	if (count == GATE_SOCKET_FAILED) {
		exchange_close(exchange);
		return;
	}
	if (count > 0)
		exchange->sent += (size_t)count;
	if (exchange->sent == out->len)
		linger(exchange);
	else
		uv_poll_start(&exchange->poll,
		    count > 0 || exchange->socket.wants_write ? UV_WRITABLE
							      : UV_READABLE,
		    on_writable);
}

static void
on_writable(uv_poll_t *poll, int status, int events)
{
	struct http_exchange *exchange = exchange_of(poll->data);

	(void)events;
	if (status < 0)
		exchange_close(exchange);
	else
		write_more(exchange);
}

static const char *
reason_of(int status)
{
	static const struct {
		int status;
		const char *reason;
	} table[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 204, "No Content" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (table[i].status == status)
			return table[i].reason;
	}
	return "Unknown";
}

void
exchange_answer(struct http_exchange *exchange, int status,
    const char *content_type, struct view extra_headers, struct view body)
{
	struct buf *out = &exchange->out;

	assert(exchange->state < EXCHANGE_WRITING);
	if (exchange->is_secure &&
	    (exchange->socket.tls == NULL || exchange->socket.is_shaking)) {
		exchange_close(exchange);
		return;
	}
	buf_addf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	if (content_type != NULL)
		buf_addf(out, "Content-Type: %s\r\n", content_type);
	if (status != 204 && status != 304)
		buf_addf(out, "Content-Length: %zu\r\n", body.len);
	buf_add_text(out, "Connection: close\r\n");
	buf_add(out, buf_view(&exchange->headers));
	buf_add(out, extra_headers);
	buf_add_text(out, "\r\n");
	if (!exchange->without_body && status != 204 && status != 304)
		buf_add(out, body);
	uv_poll_stop(&exchange->poll);
	move_to(exchange, EXCHANGE_WRITING);
	uv_timer_start(&exchange->timer, on_gave_up, WRITE_MS, 0);
	write_more(exchange);
}
