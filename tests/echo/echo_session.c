/* SPDX-License-Identifier: MIT */

/*
 * Stands in for the relay's sessions (session.h) behind its WebSocket server:
 * gives back each message as it came, text as text and binary as binary,
 * compressed where that was agreed on. Nothing else of the relay is different,
 * so that what a conformance suite finds here is true of relayd.
 */

#include "session.h"

#include "ws_conn.h"
#include "ws_deflate.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <stdlib.h>

#define WINDOW_BITS 9 /* good for whatever a client has */

struct session {
	const struct transport_ops *transport;
	struct ws_conn *conn;
	struct ws_deflater *deflater; /* NULL: not yet needed */
	bool is_closed;
};

struct session *
session_new(struct session_env *env, const struct session_params *params,
    const struct transport_ops *transport, void *conn, uint64_t now_ms)
{
	struct session *session = xcalloc(1, sizeof(*session));

	(void)env, (void)params, (void)now_ms;
	session->transport = transport;
	session->conn = ws_conn_of(conn);
	return session;
}

void
session_free(struct session **session_p)
{
	struct session *session = *session_p;

	if (session == NULL)
		return;
	ws_deflater_free(&session->deflater);
	free(session);
	*session_p = NULL;
}

static struct view
deflated(struct session *session, struct view frame, char *out)
{
	if (session->deflater == NULL)
		session->deflater = ws_deflater_new(WINDOW_BITS);
	return view_make(out, ws_deflate_frame(session->deflater, frame, out));
}

void
session_message(struct session *session, struct view message, uint64_t now_ms)
{
	bool is_deflated = session->conn->is_deflated;
	enum ws_opcode opcode =
	    session->conn->input->reader.is_binary ? WS_BINARY : WS_TEXT;
	size_t size = WS_FRAME_HEADER_MAX + message.len;
	char *room = xmalloc(is_deflated ? 2 * size : size);
	size_t header = ws_frame_header(room, opcode, message.len);
	struct view frame = view_make(room, header + message.len);

	(void)now_ms;
	if (message.len > 0)
		memcpy(room + header, message.data, message.len);
	if (is_deflated)
		frame = deflated(session, frame, room + size);
	if (!session->is_closed)
		session->transport->write(session->conn, frame);
	free(room);
}

void
session_violation(struct session *session, uint16_t close_code)
{
	session->is_closed = true;
	session->transport->close(session->conn, close_code);
}

void
session_writable(struct session *session, uint64_t now_ms)
{
	(void)session, (void)now_ms;
}

void
session_pong(struct session *session, struct view payload, uint64_t now_ms)
{
	(void)session, (void)payload, (void)now_ms;
}

void
session_peer_closed(struct session *session)
{
	session->is_closed = true;
}

bool
session_wants_input(const struct session *session)
{
	(void)session;
	return true;
}
