/* SPDX-License-Identifier: MIT */
#include "redis_uv.h"

#include "xmalloc.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

/*
 * libuv's handles and requests live in memory of their own, so that this
 * object can go at once while libuv takes its time to let go of them. Lookups
 * cannot always be cancelled: one that comes late finds `data` NULL.
 *
 * Interest in writing is only asked for while a write was cut short: each
 * change costs libuv two epoll_ctl.
 */
struct redis_uv {
	uv_loop_t *loop;
	const struct redis_target *target;
	const struct redis_uv_ops *ops;
	void *arg;
	uv_timer_t *kick; /* begins a Unix connect outside redis_uv_connect */
	uv_getaddrinfo_t *lookup;
	struct addrinfo *addresses; /* all that were found */
	struct addrinfo *next;      /* to be tried when this one fails */
	const char *reason;         /* why the last address failed */
	uv_poll_t *poll;
	int fd; /* ours while connecting, else -1 */
	bool wants_write;
	bool is_held;
};

static void
on_handle_closed(uv_handle_t *handle)
{
	free(handle);
}

static void
close_handle(uv_handle_t *handle)
{
	if (handle != NULL)
		uv_close(handle, on_handle_closed);
}

static void
close_poll(struct redis_uv *uv)
{
	close_handle((uv_handle_t *)uv->poll);
	uv->poll = NULL;
}

static void
close_socket(struct redis_uv *uv)
{
	close_poll(uv);
	if (uv->fd >= 0)
		close(uv->fd);
	uv->fd = -1;
}

static const char *
reason_of(int error)
{
	return error == ETIMEDOUT ? "timeout" : "refused";
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct redis_uv *uv = poll->data;

	if (status < 0) {
		close_poll(uv);
		uv->ops->failed(uv->arg, "closed");
		return;
	}
	if (events & UV_WRITABLE)
		uv->ops->writable(uv->arg);
	/* The op may have closed us; then the handle is closing. */
	if ((events & (UV_READABLE | UV_DISCONNECT)) &&
	    !uv_is_closing((uv_handle_t *)poll))
		uv->ops->readable(uv->arg);
}

static int
start_poll(struct redis_uv *uv, int fd, int events, uv_poll_cb on_event)
{
	if (uv->poll == NULL) {
		uv->poll = xcalloc(1, sizeof(*uv->poll));
		if (uv_poll_init(uv->loop, uv->poll, fd) != 0) {
			free(uv->poll); /* never registered */
			uv->poll = NULL;
			return -1;
		}
		uv->poll->data = uv;
	}
	return uv_poll_start(uv->poll, events, on_event) == 0 ? 0 : -1;
}

/* From here the socket is the business of the one who is told. */
static void
report_connected(struct redis_uv *uv)
{
	int fd = uv->fd;

	if (start_poll(uv, fd, UV_READABLE, on_poll) != 0) {
		close_socket(uv);
		uv->ops->failed(uv->arg, "refused");
		return;
	}
	uv->fd = -1;
	uv->ops->connected(uv->arg, fd);
}

static void try_next_address(struct redis_uv *uv);

static void
on_connect_event(uv_poll_t *poll, int status, int events)
{
	struct redis_uv *uv = poll->data;
	int error = 0;
	socklen_t size = sizeof(error);

	(void)events;
	if (getsockopt(uv->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	if (error == 0 && status < 0)
		error = ECONNREFUSED;
	if (error == 0) {
		report_connected(uv);
		return;
	}
	uv->reason = reason_of(error);
	close_socket(uv);
	try_next_address(uv);
}

/* 1: connected at once; 0: under way; -1: failed, reason is set. */
static int
begin_connect(
    struct redis_uv *uv, const struct sockaddr *address, socklen_t size)
{
	int one = 1;

	uv->fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (uv->fd < 0) {
		uv->reason = "refused";
		return -1;
	}
	if (address->sa_family != AF_UNIX)
		setsockopt(uv->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(uv->fd, address, size) == 0)
		return 1;
	uv->reason = reason_of(errno);
	if (errno == EINPROGRESS &&
	    start_poll(uv, uv->fd, UV_WRITABLE, on_connect_event) == 0)
		return 0;
	close_socket(uv);
	return -1;
}

static void
connect_address(
    struct redis_uv *uv, const struct sockaddr *address, socklen_t size)
{
	int outcome = begin_connect(uv, address, size);

	if (outcome > 0)
		report_connected(uv);
	else if (outcome < 0)
		try_next_address(uv);
}

static void
try_next_address(struct redis_uv *uv)
{
	struct addrinfo *address = uv->next;

	if (address == NULL) {
		uv->ops->failed(uv->arg, uv->reason);
		return;
	}
	uv->next = address->ai_next;
	connect_address(uv, address->ai_addr, address->ai_addrlen);
}

static void
on_lookup(uv_getaddrinfo_t *lookup, int status, struct addrinfo *found)
{
	struct redis_uv *uv = lookup->data;

	free(lookup);
	if (uv == NULL) { /* closed while the name was looked up */
		uv_freeaddrinfo(found);
		return;
	}
	uv->lookup = NULL;
	if (status != 0) {
		uv->ops->failed(uv->arg, "dns");
		return;
	}
	uv->addresses = found;
	uv->next = found;
	try_next_address(uv);
}

static void
connect_unix(struct redis_uv *uv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* redis_target_parse has checked the length. */
	snprintf(address.sun_path, sizeof(address.sun_path), "%s",
	    uv->target->socket_path);
	connect_address(uv, (const struct sockaddr *)&address, sizeof(address));
}

static void
on_kick(uv_timer_t *kick)
{
	struct redis_uv *uv = kick->data;

	close_handle((uv_handle_t *)uv->kick);
	uv->kick = NULL;
	if (uv->target->socket_path != NULL)
		connect_unix(uv);
	else
		uv->ops->failed(uv->arg, "dns"); /* lookup did not start */
}

static void
start_kick(struct redis_uv *uv)
{
	uv->kick = xcalloc(1, sizeof(*uv->kick));
	uv_timer_init(uv->loop, uv->kick);
	uv->kick->data = uv;
	uv_timer_start(uv->kick, on_kick, 0, 0);
}

static int
start_lookup(struct redis_uv *uv)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM };
	char port[8];

	snprintf(port, sizeof(port), "%u", (unsigned)uv->target->port);
	uv->lookup = xcalloc(1, sizeof(*uv->lookup));
	uv->lookup->data = uv;
	if (uv_getaddrinfo(uv->loop, uv->lookup, on_lookup, uv->target->host,
		port, &hints) == 0)
		return 0;
	free(uv->lookup);
	uv->lookup = NULL;
	return -1;
}

struct redis_uv *
redis_uv_connect(struct uv_loop_s *loop, const struct redis_target *target,
    const struct redis_uv_ops *ops, void *arg)
{
	struct redis_uv *uv = xcalloc(1, sizeof(*uv));

	uv->loop = loop;
	uv->target = target;
	uv->ops = ops;
	uv->arg = arg;
	uv->fd = -1;
	uv->reason = "refused";
	if (target->socket_path != NULL || start_lookup(uv) != 0)
		start_kick(uv);
	return uv;
}

static void
review_poll(struct redis_uv *uv)
{
	int events = (uv->is_held ? 0 : UV_READABLE) |
	    (uv->wants_write ? UV_WRITABLE : 0);

	uv_poll_start(uv->poll, events, on_poll); /* of nothing: a stop */
}

void
redis_uv_want_write(struct redis_uv *uv, bool wanted)
{
	if (uv->poll == NULL || uv->wants_write == wanted)
		return;
	uv->wants_write = wanted;
	review_poll(uv);
}

void
redis_uv_hold(struct redis_uv *uv, bool is_held)
{
	if (uv->poll == NULL || uv->is_held == is_held)
		return;
	uv->is_held = is_held;
	review_poll(uv);
}

void
redis_uv_close(struct redis_uv **uv_p)
{
	struct redis_uv *uv = *uv_p;

	if (uv == NULL)
		return;
	*uv_p = NULL;
	if (uv->lookup != NULL) {
		uv->lookup->data = NULL;
		uv_cancel((uv_req_t *)uv->lookup);
	}
	close_handle((uv_handle_t *)uv->kick);
	close_socket(uv);
	uv_freeaddrinfo(uv->addresses);
	free(uv);
}
