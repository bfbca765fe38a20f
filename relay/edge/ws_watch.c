/* SPDX-License-Identifier: MIT */

/* The WebSocket server in time: pings, peers that are gone, peers that take
 * nothing. All connections wait equally long for their next ping, so that a
 * queue is the timer. */

#include "stats.h"
#include "ws_conn.h"
#include "ws_frame.h"

#include <string.h>

#define STEP_MAX_MS 2000 /* longer between ticks: the process slept */
#define LOOK_MS     1000 /* between looks at who is in trouble */
#define CLOSE_MS    4000 /* for the answer to a close frame */
#define POLICY      1008

static void
close_too_slow(struct ws_conn *conn)
{
	stat_add(conn->server->stats, closes_slow, 1);
	ws_conn_close(conn, POLICY, "too_slow");
	/* Time for the close frame, should the peer read on now. */
	conn->liveness.moved_ms = conn->server->steady_ms;
}

/* A ping is under way to it. */
static bool
is_asked(const struct ws_conn *conn)
{
	return !conn->is_full && !list_is_empty(&conn->owing_link);
}

/* Silence is no answer only where something was asked. */
static bool
had_time_to_answer(const struct ws_conn *conn)
{
	const struct ws_server *server = conn->server;

	return is_asked(conn) &&
	    server->steady_ms - conn->asked_ms >=
	    server->liveness_limits.silence_ms -
		server->options.ping_interval_ms;
}

static void
judge(struct ws_conn *conn, const struct socket_figures *figures)
{
	struct ws_server *server = conn->server;

	if (conn->is_closing)
		return;
	switch (liveness_judge(&conn->liveness, &server->liveness_limits,
	    figures, ws_conn_is_full(conn), server->steady_ms)) {
	case LIVENESS_FINE:
		break;
	case LIVENESS_SILENT:
		if (had_time_to_answer(conn))
			ws_conn_kill(conn);
		break;
	case LIVENESS_GONE:
		ws_conn_kill(conn);
		break;
	case LIVENESS_STUCK:
		close_too_slow(conn);
		break;
	}
}

static void
look_and_judge(struct ws_conn *conn)
{
	struct socket_figures figures;

	socket_look(conn->socket, &figures);
	judge(conn, &figures);
}

/* --- pings --- */

/* Not the session's ping: its pong is a sign of life and nothing else. */
static void
send_ping(struct ws_conn *conn)
{
	static const char payload[] = WS_PING_PAYLOAD;
	char frame[WS_FRAME_HEADER_MAX + sizeof(payload)];
	size_t header = ws_frame_header(frame, WS_PING, sizeof(payload) - 1);
	struct ws_server *server = conn->server;

	memcpy(frame + header, payload, sizeof(payload) - 1);
	ws_conn_write(conn, view_make(frame, header + sizeof(payload) - 1));
	if (ws_conn_is_full(conn) || is_asked(conn) || conn->is_closing)
		return;
	conn->asked_ms = server->steady_ms;
	list_add_tail(&server->unanswered, &conn->owing_link);
}

static void
call_on(struct ws_conn *conn)
{
	look_and_judge(conn);
	if (!conn->is_closing && !ws_conn_is_full(conn))
		send_ping(conn);
}

/* Twice as many as come due on average: a crowd that came at once is spread out
 * in its first round, and the loop never stands still for all of it. */
static size_t
pings_in(const struct ws_server *server, uint64_t step_ms)
{
	return 1 +
	    2 * server->connections * (size_t)step_ms /
	    server->options.ping_interval_ms;
}

static void
ping_who_is_due(struct ws_server *server, uint64_t step_ms)
{
	uint64_t now_ms = server->steady_ms;
	size_t budget = pings_in(server, step_ms);

	for (; budget > 0 && !list_is_empty(&server->to_ping); budget--) {
		struct ws_conn *conn =
		    list_entry(server->to_ping.next, struct ws_conn, life_link);

		if (now_ms - conn->pinged_ms < server->options.ping_interval_ms)
			break;
		list_remove(&conn->life_link);
		list_add_tail(&server->to_ping, &conn->life_link);
		conn->pinged_ms = now_ms;
		call_on(conn);
	}
}

/* --- who is in trouble --- */

static void
look_at_unanswered(struct ws_server *server)
{
	list_foreach(link, &server->unanswered) {
		struct ws_conn *conn =
		    list_entry(link, struct ws_conn, owing_link);

		if (server->steady_ms - conn->liveness.heard_ms >=
		    server->options.pong_timeout_ms)
			look_and_judge(conn);
	}
}

static void
look_at_full(struct ws_server *server)
{
	list_foreach(link, &server->full) {
		struct ws_conn *conn =
		    list_entry(link, struct ws_conn, owing_link);

		ws_conn_read_full(conn);
		look_and_judge(conn);
	}
}

/* Has the peer had its time? As long as others have for a pong to take what
 * was written, then a little for its own close frame. */
static bool
is_overdue(struct ws_conn *conn)
{
	struct ws_server *server = conn->server;
	struct socket_figures figures;

	socket_look(conn->socket, &figures);
	if (ws_conn_is_full(conn) || figures.queued > 0) {
		liveness_judge(&conn->liveness, &server->liveness_limits,
		    &figures, true, server->steady_ms);
		return server->steady_ms - conn->liveness.moved_ms >=
		    server->options.pong_timeout_ms;
	}
	if (conn->drained_ms == 0)
		conn->drained_ms = server->steady_ms;
	return server->steady_ms - conn->drained_ms >= CLOSE_MS;
}

static void
look_at_closing(struct ws_server *server)
{
	list_foreach(link, &server->closing) {
		struct ws_conn *conn =
		    list_entry(link, struct ws_conn, life_link);

		if (is_overdue(conn))
			ws_conn_kill(conn);
	}
}

void
ws_server_tick(struct ws_server *server, uint64_t now_ms)
{
	uint64_t step_ms = now_ms - server->last_tick_ms;

	if (step_ms > STEP_MAX_MS)
		step_ms = STEP_MAX_MS;
	server->last_tick_ms = now_ms;
	server->steady_ms += step_ms;
	ping_who_is_due(server, step_ms);
	if (server->steady_ms - server->last_look_ms < LOOK_MS)
		return;
	server->last_look_ms = server->steady_ms;
	look_at_unanswered(server);
	look_at_full(server);
	look_at_closing(server);
}
