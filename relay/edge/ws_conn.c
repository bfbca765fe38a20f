/* SPDX-License-Identifier: MIT */
#include "ws_conn.h"

#include "clock.h"
#include "stats.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <stdlib.h>
#include <sys/socket.h>

#define PROTOCOL_ERROR 1002
#define POLICY         1008
#define FRAME_OVERHEAD 14           /* most that a frame's header takes */
#define BACKLOG_MAX    (256 * 1024) /* own frames behind a full socket */
#define CONTROLS_MAX   200          /* pings and pongs of a client ... */
#define CONTROLS_MS    1000         /* ... in this time */

/* --- parameters --- */

static struct view
copy_text(struct buf *text, struct view from)
{
	size_t at = text->len;

	buf_add(text, from);
	return view_make(text->data + at, from.len);
}

static struct ws_waiting *
copy_params(const struct session_params *params)
{
	struct ws_waiting *copy = xcalloc(1, sizeof(*copy));
	const struct identity *identity = &params->identity;

	buf_init(&copy->text, 0);
	/* All the room at once: the views must not move. */
	buf_reserve(&copy->text,
	    params->query.len + params->traceparent.len + identity->tenant.len +
		identity->user.len + 1);
	copy->params = *params;
	copy->params.query = copy_text(&copy->text, params->query);
	copy->params.traceparent = copy_text(&copy->text, params->traceparent);
	copy->params.identity.tenant = copy_text(&copy->text, identity->tenant);
	copy->params.identity.user = copy_text(&copy->text, identity->user);
	return copy;
}

static void
forget_params(struct ws_conn *conn)
{
	if (conn->waiting == NULL)
		return;
	buf_fini(&conn->waiting->text);
	free(conn->waiting);
	conn->waiting = NULL;
}

/* --- life --- */

struct ws_conn *
ws_conn_new(
    struct ws_server *server, int socket, const struct session_params *params)
{
	struct ws_conn *conn = xcalloc(1, sizeof(*conn));

	conn->magic = WS_CONN_MAGIC;
	conn->server = server;
	conn->socket = socket;
	conn->waiting = copy_params(params);
	ws_message_init(&conn->message);
	list_init(&conn->ping_link);
	list_init(&conn->unanswered_link);
	list_init(&conn->full_link);
	list_init(&conn->paused_link);
	list_init(&conn->closing_link);
	server->connections++;
	return conn;
}

void
ws_conn_heard(struct ws_conn *conn)
{
	conn->liveness.heard_ms = conn->server->steady_ms;
	conn->liveness.sent_since = 0;
	list_remove(&conn->unanswered_link);
}

void
ws_conn_set_full(struct ws_conn *conn, bool is_full)
{
	if (ws_conn_is_full(conn) == is_full)
		return;
	conn->backlog = 0;
	list_remove(&conn->full_link);
	if (!is_full)
		return;
	list_add_tail(&conn->server->full, &conn->full_link);
	/* It cannot come to our ping before it has read all this. */
	list_remove(&conn->unanswered_link);
}

bool
ws_conn_has_ended(const struct ws_conn *conn)
{
	char byte;

	return recv(conn->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void
ws_conn_end(struct ws_conn *conn)
{
	if (!conn->is_open)
		return;
	conn->is_open = false;
	conn->is_closing = true;
	list_remove(&conn->ping_link);
	list_remove(&conn->unanswered_link);
	list_remove(&conn->full_link);
	list_remove(&conn->paused_link);
	list_remove(&conn->closing_link);
	session_free(&conn->session);
}

void
ws_conn_free(struct ws_conn *conn)
{
	ws_conn_end(conn);
	conn->server->connections--;
	forget_params(conn);
	ws_message_fini(&conn->message);
	conn->magic = 0;
	free(conn);
}

/* --- input --- */

static bool
is_paused(const struct ws_conn *conn)
{
	return !list_is_empty(&conn->paused_link);
}

/* Reads or does not read, as the session and what waits for the peer say. */
static void
review_input(struct ws_conn *conn)
{
	bool is_wanted = conn->is_closing ||
	    (session_wants_input(conn->session) && conn->backlog < BACKLOG_MAX);

	if (is_wanted != is_paused(conn))
		return;
	if (is_wanted)
		list_remove(&conn->paused_link);
	else
		list_add_tail(&conn->server->paused, &conn->paused_link);
	ws_conn_set_input(conn, is_wanted);
}

/* A session that wants input again does not say so; an answer of this loop turn
 * has told it. */
void
ws_server_review_paused(struct ws_server *server)
{
	list_foreach(link, &server->paused)
		review_input(list_entry(link, struct ws_conn, paused_link));
}

void
ws_conn_received(struct ws_conn *conn, const struct ws_piece *piece)
{
	struct view whole;
	uint16_t close_code;

	ws_conn_heard(conn);
	conn->explained += piece->bytes.len + FRAME_OVERHEAD;
	if (conn->is_closing)
		return;
	switch (ws_message_add(&conn->message, &conn->server->message_limits,
	    piece, &whole, &close_code)) {
	case WS_MESSAGE_MORE:
		return;
	case WS_MESSAGE_WHOLE:
		session_message(conn->session, whole, clock_mono_ms());
		break;
	case WS_MESSAGE_REFUSED:
		session_violation(conn->session, close_code);
		break;
	}
	ws_message_fini(&conn->message);
	review_input(conn);
}

/* Of pings and pongs there is no good in many. */
void
ws_conn_pinged(struct ws_conn *conn)
{
	uint64_t now_ms = conn->server->steady_ms;

	ws_conn_heard(conn);
	if (now_ms - conn->controls_ms >= CONTROLS_MS) {
		conn->controls_ms = now_ms;
		conn->controls = 0;
	}
	if (++conn->controls > CONTROLS_MAX && !conn->is_closing)
		session_violation(conn->session, POLICY);
}

void
ws_conn_ponged(struct ws_conn *conn, struct view payload)
{
	conn->explained += payload.len + FRAME_OVERHEAD;
	ws_conn_pinged(conn);
	if (!conn->is_closing && !view_is(payload, WS_PING_PAYLOAD))
		session_pong(conn->session, payload, clock_mono_ms());
}

/* --- output --- */

static enum hub_write
transport_write(void *arg, struct view frames)
{
	return ws_conn_write(ws_conn_of(arg), frames);
}

static void
transport_close(void *arg, uint16_t code)
{
	ws_conn_close(ws_conn_of(arg), code, "");
}

static const struct transport_ops transport = {
	.write = transport_write,
	.close = transport_close,
};

void
ws_conn_drained(struct ws_conn *conn)
{
	ws_conn_set_full(conn, false);
	if (conn->is_closing)
		return;
	session_writable(conn->session, clock_mono_ms());
	review_input(conn);
}

/* --- the two ends --- */

void
ws_conn_open(struct ws_conn *conn, struct lws *wsi)
{
	struct ws_server *server = conn->server;

	conn->wsi = wsi;
	conn->is_open = true;
	conn->pinged_ms = server->steady_ms;
	liveness_init(&conn->liveness, server->steady_ms);
	list_add_tail(&server->to_ping, &conn->ping_link);
	stat_add(server->stats, connections_upgraded, 1);
	conn->session = session_new(server->env, &conn->waiting->params,
	    &transport, conn, clock_mono_ms());
	forget_params(conn);
	review_input(conn);
}

void
ws_conn_enter_closing(struct ws_conn *conn)
{
	if (conn->is_closing)
		return;
	conn->is_closing = true;
	list_add_tail(&conn->server->closing, &conn->closing_link);
	review_input(conn);
}

void
ws_conn_close(struct ws_conn *conn, uint16_t code, const char *reason)
{
	char frame[WS_FRAME_HEADER_MAX + 2 + WS_REASON_MAX];
	size_t reason_len = strnlen(reason, WS_REASON_MAX);
	size_t payload = code == 0 ? 0 : 2 + reason_len;
	size_t at = ws_frame_header(frame, WS_CLOSE, payload);

	frame[at] = (char)(code >> 8);
	frame[at + 1] = (char)(code & 0xff);
	memcpy(frame + at + 2, reason, reason_len);
	if (ws_conn_write(conn, view_make(frame, at + payload)) !=
	    HUB_WRITE_GONE)
		ws_conn_enter_closing(conn);
}

/* RFC 6455 section 7.4 and the registry: codes that may stand in a frame. */
static bool
is_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

/* The code is given back; 0: there was none. */
static uint16_t
answer_to_close(struct view payload)
{
	const unsigned char *bytes = (const unsigned char *)payload.data;
	unsigned code;

	if (payload.len == 0)
		return 0;
	code = payload.len < 2 ? 0 : (unsigned)(bytes[0] << 8 | bytes[1]);
	return is_close_code(code) ? (uint16_t)code : PROTOCOL_ERROR;
}

void
ws_conn_peer_closed(struct ws_conn *conn, struct view payload)
{
	ws_conn_heard(conn);
	ws_conn_close(conn, answer_to_close(payload), "");
	session_peer_closed(conn->session);
}
