/* SPDX-License-Identifier: MIT */

/* The listener's side of the gateway: who may come in, and what to do when
 * nobody can. */

#include "gateway_parts.h"

#include "log.h"
#include "proxy_header.h"
#include "stats.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define ACCEPTS_PER_TURN 64
#define PAUSE_MS         100 /* out of descriptors: look again after this */
#define YOUNG_MS         500 /* a head this fresh is not thrown out */

/* Room for one more head. Whoever is longest silent goes first, then whoever
 * has been talking longest; a client in good faith needs one round trip. */
static bool
make_room(struct gateway *gateway)
{
	struct http_exchange *oldest;

	if (gateway->waiting < gateway->options.max_waiting)
		return true;
	oldest = gateway_oldest(gateway, EXCHANGE_SILENT);
	if (oldest == NULL)
		oldest = gateway_oldest(gateway, EXCHANGE_TALKING);
	if (oldest == NULL ||
	    uv_timer_get_due_in(&oldest->timer) + YOUNG_MS >
		gateway->options.handshake_ms)
		return false;
	gateway_throw_out(oldest);
	return true;
}

static struct address
address_of(const struct sockaddr_storage *peer)
{
	struct address address = { .kind = ADDRESS_UNKNOWN };

	if (peer->ss_family == AF_INET)
		address_of_ip4(
		    (const uint8_t *)&((const struct sockaddr_in *)peer)
			->sin_addr,
		    &address);
	else if (peer->ss_family == AF_INET6)
		address_of_ip6(
		    ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr,
		    &address);
	else if (peer->ss_family == AF_UNIX)
		address.kind = ADDRESS_UNIX;
	return address;
}

static void
prepare(struct http_exchange *exchange, const struct sockaddr_storage *peer)
{
	const struct gateway_options *options = &exchange->gateway->options;
	size_t longest = options->head_bytes;

	exchange->client = address_of(peer);
	exchange->is_secure = options->tls != NULL;
	exchange->awaits_proxy = options->needs_proxy_header;
	if (exchange->awaits_proxy && longest < PROXY_HEADER_MAX)
		longest = PROXY_HEADER_MAX;
	exchange_limit(exchange, longest);
}

static void
welcome(
    struct gateway *gateway, int socket, const struct sockaddr_storage *peer)
{
	struct http_exchange *exchange = exchange_new(gateway,
	    &gateway_exchange_ops, gateway->loop, socket, ++gateway->last_id);
	int refusal;

	stat_add(gateway->stats, connections_accepted, 1);
	if (exchange == NULL)
		return;
	prepare(exchange, peer);
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
	gateway_refuse(exchange, refusal, "too many connections");
}

static void
on_pause_over(uv_timer_t *timer)
{
	struct gateway *gateway = gateway_of(timer->data);

	uv_poll_start(&gateway->poll, UV_READABLE, gateway_on_listening);
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
	struct http_exchange *oldest =
	    gateway_oldest(gateway, EXCHANGE_LINGERING);

	if (oldest != NULL)
		exchange_close(oldest);
	return oldest != NULL;
}

bool
gateway_accept_one(struct gateway *gateway)
{
	struct sockaddr_storage peer = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(peer);
	int fd = accept4(gateway->socket, (struct sockaddr *)&peer, &size,
	    SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd >= 0) {
		welcome(gateway, fd, &peer);
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

void
gateway_on_listening(uv_poll_t *poll, int status, int events)
{
	struct gateway *gateway = gateway_of(poll->data);

	(void)events;
	if (status < 0) {
		pause_accepting(gateway, -status);
		return;
	}
	for (int n = 0; n < ACCEPTS_PER_TURN; n++) {
		if (!gateway_accept_one(gateway))
			return;
	}
}
