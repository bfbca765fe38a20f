/* SPDX-License-Identifier: MIT */
#include "ws_conn.h"

#include "clock.h"
#include "stats.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <stdlib.h>
#include <sys/socket.h>

#define PROTOCOL_ERROR 1002
#define NOT_UTF8       1007
#define POLICY         1008
#define BACKLOG_MAX    (256 * 1024) /* own frames behind a full socket */
#define CONTROLS_MAX   200          /* pings and pongs of a client ... */
#define CONTROLS_MS    1000         /* ... in this time */

/* --- life --- */

struct ws_conn *
ws_conn_new(struct ws_server *server, const struct ws_peer *peer)
{
	struct ws_conn *conn = xcalloc(1, sizeof(*conn));

	conn->magic = WS_CONN_MAGIC;
	conn->server = server;
	conn->socket = peer->socket;
	conn->client = peer->client;
	conn->is_reading = true;
	conn->is_deflated = peer->is_deflated;
	list_init(&conn->life_link);
	list_init(&conn->owing_link);
	list_init(&conn->paused_link);
	server->connections++;
	return conn;
}

static void
heard(struct ws_conn *conn)
{
	conn->liveness.heard_ms = conn->server->steady_ms;
	conn->liveness.sent_since = 0;
	if (!conn->is_full)
		list_remove(&conn->owing_link);
}

static void
free_input(struct ws_conn *conn)
{
	if (conn->input == NULL)
		return;
	ws_reader_fini(&conn->input->reader);
	buf_fini(&conn->input->unread);
	free(conn->input);
	conn->input = NULL;
}

void
ws_conn_end(struct ws_conn *conn)
{
	if (!conn->is_open)
		return;
	conn->is_open = false;
	conn->is_closing = true;
	conn->is_full = false;
	list_remove(&conn->life_link);
	list_remove(&conn->owing_link);
	list_remove(&conn->paused_link);
	session_free(&conn->session);
}

void
ws_conn_free(struct ws_conn *conn)
{
	ws_conn_end(conn);
	conn->server->connections--;
	if (conn->server->options.left != NULL)
		conn->server->options.left(
		    conn->server->options.arg, &conn->client);
	free_input(conn);
	conn->magic = 0;
	free(conn);
}

/* --- whether it is read --- */

static bool
is_paused(const struct ws_conn *conn)
{
	return !list_is_empty(&conn->paused_link);
}

static void
review_reading(struct ws_conn *conn)
{
	bool is_wanted = !is_paused(conn) && !ws_conn_is_full(conn);

	if (is_wanted == conn->is_reading)
		return;
	conn->is_reading = is_wanted;
	ws_conn_set_input(conn, is_wanted);
}

static bool
wants_input(const struct ws_conn *conn)
{
	return conn->is_closing || session_wants_input(conn->session);
}

static void
review_input(struct ws_conn *conn)
{
	if (wants_input(conn) || is_paused(conn))
		return;
	list_add_tail(&conn->server->paused, &conn->paused_link);
	review_reading(conn);
}

void
ws_conn_set_full(struct ws_conn *conn, bool is_full)
{
	if (ws_conn_is_full(conn) == is_full)
		return;
	conn->backlog = 0;
	conn->is_full = is_full;
	/* A full one cannot come to our ping before it has read all this. */
	list_remove(&conn->owing_link);
	if (is_full)
		list_add_tail(&conn->server->full, &conn->owing_link);
	review_reading(conn);
}

/* --- input --- */

/* Nothing more is said, and nothing more is listened to. */
static void
finish(struct ws_conn *conn)
{
	ws_conn_enter_closing(conn);
	conn->is_deaf = true;
	if (!ws_conn_is_full(conn))
		ws_conn_hang_up(conn);
}

static void
pong(struct ws_conn *conn, struct view payload)
{
	char frame[WS_FRAME_HEADER_MAX + WS_CONTROL_MAX];
	size_t header = ws_frame_header(frame, WS_PONG, payload.len);

	memcpy(frame + header, payload.data, payload.len);
	ws_conn_write(conn, view_make(frame, header + payload.len));
}

/* Of pings and pongs there is no good in many. True when there were. */
static bool
is_flood(struct ws_conn *conn)
{
	uint32_t now_ms = (uint32_t)conn->server->steady_ms;

	if (now_ms - conn->controls_ms >= CONTROLS_MS) {
		conn->controls_ms = now_ms;
		conn->controls = 0;
	}
	return ++conn->controls > CONTROLS_MAX &&
	    !conn->server->options.is_unmetered;
}

static void
take_control(struct ws_conn *conn, const struct ws_read *read)
{
	if (conn->is_closing)
		return;
	if (is_flood(conn))
		session_violation(conn->session, POLICY);
	else if (read->kind == WS_READ_PING)
		pong(conn, read->payload);
	else if (!view_is(read->payload, WS_PING_PAYLOAD))
		session_pong(conn->session, read->payload, clock_mono_ms());
}

/* Its answer, unless it is the answer. */
static void
take_close(struct ws_conn *conn, uint16_t code)
{
	ws_conn_close(conn, code, "");
	session_peer_closed(conn->session);
	finish(conn);
}

/* Frames that are none close the connection on any endpoint; what is wrong
 * about a message is for the session to judge. */
static void
take_refused(struct ws_conn *conn, uint16_t code)
{
	if (code == PROTOCOL_ERROR || code == NOT_UTF8)
		ws_conn_close(conn, code, "");
	else if (!conn->is_closing)
		session_violation(conn->session, code);
	finish(conn);
}

static void
take(struct ws_conn *conn, const struct ws_read *read)
{
	switch (read->kind) {
	case WS_READ_MORE:
		break;
	case WS_READ_MESSAGE:
		if (!conn->is_closing)
			session_message(
			    conn->session, read->payload, clock_mono_ms());
		break;
	case WS_READ_PING:
	case WS_READ_PONG:
		take_control(conn, read);
		break;
	case WS_READ_CLOSE:
		take_close(conn, read->code);
		break;
	case WS_READ_REFUSED:
		take_refused(conn, read->code);
		break;
	}
}

static struct ws_input *
input_of(struct ws_conn *conn)
{
	if (conn->input != NULL)
		return conn->input;
	conn->input = xmalloc(sizeof(*conn->input));
	ws_reader_init(&conn->input->reader);
	conn->input->reader.deflate = conn->is_deflated;
	buf_init(&conn->input->unread, 0);
	return conn->input;
}

static void
review_need_of_input(struct ws_conn *conn)
{
	if (conn->is_deaf ||
	    (conn->input->unread.len == 0 &&
		ws_reader_is_idle(&conn->input->reader)))
		free_input(conn);
}

/* Returns how many bytes were used: all, unless the session has enough. */
static size_t
take_bytes(struct ws_conn *conn, char *bytes, size_t len)
{
	struct ws_reader *reader = &input_of(conn)->reader;
	struct ws_read read;
	size_t used = 0;

	while (used < len && !conn->is_deaf && !is_paused(conn)) {
		used += ws_reader_next(reader, &conn->server->reader_limits,
		    bytes + used, len - used, &read);
		take(conn, &read);
		ws_reader_done(reader);
		review_input(conn);
	}
	return conn->is_deaf ? len : used;
}

void
ws_conn_received(struct ws_conn *conn, char *bytes, size_t len)
{
	size_t used;

	heard(conn);
	if (conn->is_deaf)
		return;
	used = take_bytes(conn, bytes, len);
	if (used < len)
		buf_add(
		    &conn->input->unread, view_make(bytes + used, len - used));
	review_need_of_input(conn);
}

static void
take_unread(struct ws_conn *conn)
{
	struct buf unread;

	if (conn->input == NULL)
		return;
	unread = conn->input->unread;
	buf_init(&conn->input->unread, 0);
	if (unread.len > 0)
		ws_conn_received(conn, unread.data, unread.len);
	buf_fini(&unread);
}

void
ws_server_review_paused(struct ws_server *server)
{
	list_foreach(link, &server->paused) {
		struct ws_conn *conn =
		    list_entry(link, struct ws_conn, paused_link);

		if (!wants_input(conn))
			continue;
		list_remove(&conn->paused_link);
		take_unread(conn);
		review_reading(conn);
	}
}

void
ws_conn_read_full(struct ws_conn *conn)
{
	char bytes[WS_RECV_BYTES];
	ssize_t count;

	if (is_paused(conn) || conn->backlog >= BACKLOG_MAX)
		return;
	count = ws_conn_recv(conn, bytes);
	if (count > 0)
		ws_conn_received(conn, bytes, (size_t)count);
	else if (count == 0)
		ws_conn_kill(conn);
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
	if (conn->is_deaf)
		ws_conn_hang_up(conn);
	if (conn->is_closing)
		return;
	session_writable(conn->session, clock_mono_ms());
	review_input(conn);
}

/* --- the two ends --- */

void
ws_conn_open(struct ws_conn *conn, const struct session_params *params)
{
	struct ws_server *server = conn->server;

	conn->is_open = true;
	conn->pinged_ms = server->steady_ms;
	liveness_init(&conn->liveness, server->steady_ms);
	list_add_tail(&server->to_ping, &conn->life_link);
	stat_add(server->stats, connections_upgraded, 1);
	conn->session =
	    session_new(server->env, params, &transport, conn, clock_mono_ms());
	review_input(conn);
}

void
ws_conn_enter_closing(struct ws_conn *conn)
{
	if (conn->is_closing)
		return;
	conn->is_closing = true;
	list_remove(&conn->life_link);
	list_add_tail(&conn->server->closing, &conn->life_link);
	conn->drained_ms = 0;
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
