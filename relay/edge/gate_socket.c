/* SPDX-License-Identifier: MIT */
#include "gate_socket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <limits.h>
#include <sys/socket.h>
#include <unistd.h>

void
gate_socket_init(struct gate_socket *socket, int fd)
{
	*socket = (struct gate_socket){ .fd = fd };
}

int
gate_socket_secure(struct gate_socket *socket, SSL_CTX *context)
{
	socket->tls = SSL_new(context);
	if (socket->tls == NULL || SSL_set_fd(socket->tls, socket->fd) != 1) {
		ERR_clear_error();
		socket->has_failed = true;
		return -1;
	}
	SSL_set_accept_state(socket->tls);
	socket->is_shaking = true;
	return 0;
}

/* --- results --- */

static ssize_t
plain_result(struct gate_socket *socket, ssize_t count, bool is_write)
{
	socket->wants_write = is_write;
	if (count >= 0)
		return count;
	return errno == EAGAIN || errno == EINTR ? GATE_SOCKET_AGAIN
						 : GATE_SOCKET_FAILED;
}

/* The queue of errors is the thread's: what is left in it would be taken for
 * the next connection's. */
static ssize_t
tls_result(struct gate_socket *socket, int status)
{
	int reason;

	if (status > 0)
		return status;
	reason = SSL_get_error(socket->tls, status);
	ERR_clear_error();
	switch (reason) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		socket->wants_write = reason == SSL_ERROR_WANT_WRITE;
		return GATE_SOCKET_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	default:
		socket->has_failed = true;
		return GATE_SOCKET_FAILED;
	}
}

static int
limited(size_t size)
{
	return size > INT_MAX ? INT_MAX : (int)size;
}

/* --- what is said --- */

ssize_t
gate_socket_shake(struct gate_socket *socket)
{
	ssize_t result = tls_result(socket, SSL_accept(socket->tls));

	if (result == 0)
		return GATE_SOCKET_FAILED; /* the peer ended it politely */
	if (result < 0)
		return result;
	socket->is_shaking = false;
	return 0;
}

ssize_t
gate_socket_peek(struct gate_socket *socket, char *into, size_t size)
{
	if (socket->tls != NULL)
		return tls_result(
		    socket, SSL_peek(socket->tls, into, limited(size)));
	return plain_result(
	    socket, recv(socket->fd, into, size, MSG_PEEK), false);
}

ssize_t
gate_socket_take(struct gate_socket *socket, char *into, size_t size)
{
	ssize_t count;

	if (size == 0)
		return 0;
	count = socket->tls != NULL ? SSL_read(socket->tls, into, limited(size))
				    : recv(socket->fd, into, size, 0);
	return count == (ssize_t)size ? 0 : GATE_SOCKET_FAILED;
}

bool
gate_socket_has_more(const struct gate_socket *socket)
{
	return socket->tls != NULL && SSL_pending(socket->tls) > 0;
}

ssize_t
gate_socket_send(struct gate_socket *socket, const char *bytes, size_t size)
{
	if (socket->tls == NULL)
		return plain_result(
		    socket, send(socket->fd, bytes, size, MSG_NOSIGNAL), true);
	ssize_t result =
	    tls_result(socket, SSL_write(socket->tls, bytes, limited(size)));
	return result == 0 ? GATE_SOCKET_FAILED : result;
}

/* --- the ends --- */

static void
say_goodbye(struct gate_socket *socket)
{
	if (socket->tls == NULL || socket->is_shaking || socket->has_failed)
		return;
	SSL_shutdown(socket->tls);
	ERR_clear_error();
	socket->has_failed = true; /* once is enough */
}

void
gate_socket_end(struct gate_socket *socket)
{
	say_goodbye(socket);
	shutdown(socket->fd, SHUT_WR);
}

int
gate_socket_give(struct gate_socket *socket, SSL **tls_r)
{
	int fd = socket->fd;

	*tls_r = socket->tls;
	gate_socket_init(socket, -1);
	return fd;
}

void
gate_socket_close(struct gate_socket *socket)
{
	say_goodbye(socket);
	SSL_free(socket->tls);
	close(socket->fd);
	gate_socket_init(socket, -1);
}
