/* SPDX-License-Identifier: MIT */
#ifndef WS_CONN_H
#define WS_CONN_H

/*
 * What the files of the WebSocket server share, private to them: the server
 * and its connections. ws_server.c speaks with libwebsockets, ws_conn.c makes
 * and frees connections, ws_watch.c looks after them in time.
 */

#include "list.h"
#include "liveness.h"
#include "ws_handover.h"
#include "ws_reader.h"
#include "ws_server.h"

#include <assert.h>
#include <uv.h>

#define WS_CONN_MAGIC 0x7773636f

/* Of our own pings; the session's pings hold something else. */
#define WS_PING_PAYLOAD "alive"

struct lws;
struct lws_context;
struct lws_vhost;

/* Owned by the worker. Connections and libwebsockets hold pointers to it until
 * ws_server_free. */
struct ws_server {
	uint32_t magic;
	uv_loop_t *loop;
	struct ws_server_options options;
	struct ws_reader_limits reader_limits;
	struct ws_inflater *inflater; /* of all connections */
	struct liveness_limits liveness_limits;
	struct session_env *env;
	struct stats *stats;
	struct lws_context *context; /* NULL when it is gone */
	struct lws_vhost *vhost;
	struct ws_conn *adopting; /* not yet attached to its wsi */
	struct ws_handover handover;
	struct ssl_ctx_st *client_tls; /* for clients that there are not */
	uv_prepare_t before_poll;
	struct list to_ping;    /* open ones, in order of their last ping */
	struct list unanswered; /* pinged, nothing came since */
	struct list full;       /* libwebsockets holds bytes for them */
	struct list paused;     /* their session wants nothing for now */
	struct list closing;
	size_t connections;
	/* Milliseconds in which this loop ran: stands still while the process
	 * is stopped or starved, so that no peer is blamed for that. */
	uint64_t steady_ms;
	uint64_t last_tick_ms;
	uint64_t last_look_ms;
};

/* How bytes get to the socket. */
enum ws_way { WS_WAY_UNKNOWN, WS_WAY_STRAIGHT, WS_WAY_LIBRARY };

/* What a connection needs while a message or frame comes in, or waits. */
struct ws_input {
	struct ws_reader reader;
	struct buf unread; /* bytes that came while paused */
};

/* Owned by its wsi (as opaque user data), freed with it. There are as many as
 * clients, most of them idle: what counts never at once has one place. */
struct ws_conn {
	uint32_t magic;
	int socket;
	uint16_t controls;    /* pings and pongs of the client */
	uint8_t way;          /* enum ws_way */
	bool is_open : 1;     /* between upgrade and end */
	bool is_closing : 1;  /* the session's writes are refused */
	bool is_deaf : 1;     /* what comes means nothing any more */
	bool is_reading : 1;  /* libwebsockets reads for it */
	bool is_full : 1;     /* libwebsockets holds bytes for it */
	bool is_deflated : 1; /* permessage-deflate was agreed on */
	uint32_t backlog;     /* own frames written while full */
	struct liveness liveness;
	/* Up to here: what a write looks at. */
	struct ws_server *server;
	struct lws *wsi;         /* NULL before it is adopted */
	struct session *session; /* NULL before the upgrade, after the end */
	struct ws_input *input;  /* owned; NULL: between two messages */
	struct list life_link;   /* in to_ping, then in closing */
	struct list owing_link;  /* in full while it is, else in unanswered */
	struct list paused_link;
	uint64_t pinged_ms; /* or would have been, were it not full */
	union {
		uint64_t asked_ms; /* the ping that is unanswered */
		/* Closing: all is out since; 0: not yet. */
		uint64_t drained_ms;
	};
	struct address client;
	uint32_t controls_ms; /* since when they are counted; low bits */
};

static inline struct ws_conn *
ws_conn_of(void *data)
{
	struct ws_conn *conn = data;

	assert(conn->magic == WS_CONN_MAGIC);
	return conn;
}

static inline bool
ws_conn_is_full(const struct ws_conn *conn)
{
	return conn->is_full;
}

/* --- ws_conn.c: what a connection does --- */

/* Counted in server->connections. */
struct ws_conn *ws_conn_new(
    struct ws_server *server, const struct ws_peer *peer);
void ws_conn_free(struct ws_conn *conn);
/* The upgrade is answered: the session begins. */
void ws_conn_open(struct ws_conn *conn, const struct session_params *params);
/* Leaves every list and frees the session; may be called twice. */
void ws_conn_end(struct ws_conn *conn);

/* Bytes came from the peer; they are unmasked in place. */
void ws_conn_received(struct ws_conn *conn, char *bytes, size_t len);
void ws_conn_set_full(struct ws_conn *conn, bool is_full);
/* Takes in what a full connection's peer has sent: libwebsockets reads nothing
 * while it holds bytes. */
void ws_conn_read_full(struct ws_conn *conn);
/* libwebsockets holds no bytes any more. */
void ws_conn_drained(struct ws_conn *conn);
/* A close frame behind all that was written so far, without a code if it is 0;
 * the answer is awaited. */
#define WS_REASON_MAX 32
void ws_conn_close(struct ws_conn *conn, uint16_t code, const char *reason);
/* From now on the session's writes are refused. */
void ws_conn_enter_closing(struct ws_conn *conn);
/* A session that wants input again does not say so: looks at all that wait. */
void ws_server_review_paused(struct ws_server *server);

/* --- ws_server.c, ws_output.c: what libwebsockets does for it --- */

enum hub_write ws_conn_write(struct ws_conn *conn, struct view frames);
/* Without ceremony, but not inside this call. */
void ws_conn_kill(struct ws_conn *conn);
void ws_conn_set_input(struct ws_conn *conn, bool is_on);
/* What the peer sent next; as recv(2). The size is that of a record of TLS:
 * were a rest of one left in memory, no poll would tell of it. */
#define WS_RECV_BYTES 16384
ssize_t ws_conn_recv(struct ws_conn *conn, char bytes[WS_RECV_BYTES]);
/* All is said: the peer shall see the end behind the last frame. */
void ws_conn_hang_up(struct ws_conn *conn);

#endif
