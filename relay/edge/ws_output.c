/* SPDX-License-Identifier: MIT */

/* A connection's bytes, to its socket and from it, past libwebsockets or with
 * its help. ws_server.c says what rules that follows. */

#include "ws_conn.h"
#include "ws_tls.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What libwebsockets holds must go first: it does so only for who is full.
 * Under TLS nobody else may write. */
static bool
may_send_straight(struct ws_conn *conn)
{
	if (conn->way == WS_WAY_UNKNOWN)
		conn->way =
		    lws_is_ssl(conn->wsi) ? WS_WAY_LIBRARY : WS_WAY_STRAIGHT;
	return conn->way == WS_WAY_STRAIGHT && !ws_conn_is_full(conn);
}

/* How many bytes the kernel has taken straight from the caller's; -1: the
 * socket is dead. lws_write() walks half a dozen cold structs on its way; and
 * send() locks twice, for threads that others might cancel, which is none. */
static ssize_t
send_straight(struct ws_conn *conn, struct view frames)
{
	ssize_t put;

	if (!may_send_straight(conn))
		return 0;
	do
		put = syscall(SYS_sendto, conn->socket, frames.data, frames.len,
		    MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	while (put < 0 && errno == EINTR);
	return put < 0 && errno == EAGAIN ? 0 : put;
}

/* libwebsockets keeps what the kernel does not take. */
static enum hub_write
write_by_library(struct ws_conn *conn, struct view frames)
{
	/* Raw writes are only read from, though the type does not say so. */
	unsigned char *bytes = (unsigned char *)(uintptr_t)frames.data;

	if (lws_write(conn->wsi, bytes, frames.len, LWS_WRITE_RAW) < 0) {
		ws_conn_kill(conn);
		return HUB_WRITE_GONE;
	}
	if (!lws_partial_buffered(conn->wsi))
		return HUB_WRITE_OK;
	if (ws_conn_is_full(conn))
		conn->backlog += (uint32_t)frames.len;
	ws_conn_set_full(conn, true);
	return HUB_WRITE_FULL;
}

enum hub_write
ws_conn_write(struct ws_conn *conn, struct view frames)
{
	if (conn->is_closing)
		return HUB_WRITE_GONE;
	ssize_t put = send_straight(conn, frames);
	if (put < 0) {
		ws_conn_kill(conn);
		return HUB_WRITE_GONE;
	}
	conn->liveness.sent_since += frames.len;
	if ((size_t)put == frames.len)
		return HUB_WRITE_OK;
	return write_by_library(
	    conn, view_make(frames.data + put, frames.len - (size_t)put));
}

void
ws_conn_set_input(struct ws_conn *conn, bool is_on)
{
	lws_rx_flow_control(conn->wsi, is_on);
	if (is_on)
		lws_cancel_service(conn->server->context);
}

ssize_t
ws_conn_recv(struct ws_conn *conn, char bytes[WS_RECV_BYTES])
{
	SSL *tls = lws_get_ssl(conn->wsi);

	return tls != NULL
	    ? ws_tls_recv(tls, bytes, WS_RECV_BYTES)
	    : recv(conn->socket, bytes, WS_RECV_BYTES, MSG_DONTWAIT);
}

/* A half-closed socket, since the end of one with unread bytes is a reset that
 * may overtake the close frame. TLS says before that it ends: not every version
 * of libwebsockets does. */
void
ws_conn_hang_up(struct ws_conn *conn)
{
	SSL *tls = lws_get_ssl(conn->wsi);

	if (tls != NULL)
		ws_tls_goodbye(tls);
	if (shutdown(conn->socket, SHUT_WR) < 0)
		ws_conn_kill(conn);
}
