/* SPDX-License-Identifier: MIT */
#include "http_exchange.h"

#include "handshake.h"
#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define EXCHANGE_MAGIC 0x68747470

#define IN_MAX     HANDSHAKE_HEAD_MAX /* a head that fills it is refused */
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
	buf_fini(&exchange->in);
	buf_fini(&exchange->out);
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
	exchange->socket = socket;
	exchange->id = id;
	uv_timer_init(loop, &exchange->timer);
	exchange->open_handles = 2;
	exchange->poll.data = exchange;
	exchange->timer.data = exchange;
	buf_init(&exchange->in, IN_MAX);
	buf_init(&exchange->out, 0);
	return exchange;
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
	close(exchange->socket);
	exchange->socket = -1;
}

int
exchange_take(struct http_exchange *exchange)
{
	int socket = exchange->socket;

	assert(exchange->state == EXCHANGE_ASKED);
	/* uv_close lets go of the descriptor at once: another handle may watch
	 * it from now on. */
	close_handles(exchange);
	exchange->socket = -1;
	return socket;
}

/* --- the head --- */

static void
on_head(uv_poll_t *poll, int status, int events)
{
	struct http_exchange *exchange = exchange_of(poll->data);
	struct buf *in = &exchange->in;
	size_t room = IN_MAX - in->len;
	size_t size = room < READ_SIZE ? room : READ_SIZE;
	char *into = buf_reserve(in, size);
	ssize_t count = recv(exchange->socket, into, size, MSG_PEEK);

	(void)events;
	if (status >= 0 && count < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (status < 0 || count <= 0) {
		exchange_close(exchange); /* the peer left */
		return;
	}
	if (exchange->state == EXCHANGE_SILENT)
		move_to(exchange, EXCHANGE_TALKING);
	exchange->ops->received(
	    exchange, view_make(in->data, in->len + (size_t)count));
}

int
exchange_keep(struct http_exchange *exchange, size_t len)
{
	struct buf *in = &exchange->in;
	size_t rest = len - in->len;

	if (recv(exchange->socket, in->data + in->len, rest, 0) !=
	    (ssize_t)rest) {
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
	uv_poll_start(&exchange->poll, UV_READABLE, on_head);
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
	    status < 0 ? 0 : recv(exchange->socket, waste, sizeof(waste), 0);
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
	shutdown(exchange->socket, SHUT_WR);
	move_to(exchange, EXCHANGE_LINGERING);
	uv_timer_start(&exchange->timer, on_gave_up, LINGER_MS, 0);
	uv_poll_start(&exchange->poll, UV_READABLE, on_leftover);
}

static void on_writable(uv_poll_t *poll, int status, int events);

static void
write_more(struct http_exchange *exchange)
{
	struct buf *out = &exchange->out;
	ssize_t count = send(exchange->socket, out->data + exchange->sent,
	    out->len - exchange->sent, MSG_NOSIGNAL);

	if (count < 0 && errno != EAGAIN && errno != EINTR) {
		exchange_close(exchange);
		return;
	}
	if (count > 0)
		exchange->sent += (size_t)count;
	if (exchange->sent == out->len)
		linger(exchange);
	else
		uv_poll_start(&exchange->poll, UV_WRITABLE, on_writable);
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
	buf_addf(out, "HTTP/1.1 %d %s\r\n", status, reason_of(status));
	if (content_type != NULL)
		buf_addf(out, "Content-Type: %s\r\n", content_type);
	if (status != 204 && status != 304)
		buf_addf(out, "Content-Length: %zu\r\n", body.len);
	buf_add_text(out, "Connection: close\r\n");
	buf_add(out, extra_headers);
	buf_add_text(out, "\r\n");
	if (!exchange->without_body && status != 204 && status != 304)
		buf_add(out, body);
	uv_poll_stop(&exchange->poll);
	move_to(exchange, EXCHANGE_WRITING);
	uv_timer_start(&exchange->timer, on_gave_up, WRITE_MS, 0);
	write_more(exchange);
}
