/* SPDX-License-Identifier: MIT */

/*
 * Rules that libwebsockets 4.1 to 4.3 teaches (each was seen to bite):
 *
 * - It parses only the request that we wrote ourselves (handshake_canonical);
 *   whatever else makes it speak HTTP or raw is refused.
 * - Frames go out raw, straight from the caller's shared bytes. What the
 *   kernel does not take, libwebsockets copies, drains first and puts before
 *   its own pongs and close frames; only it ever asks for a writable callback.
 * - A close reason with -1 is lost while it holds bytes, and outside of the
 *   receive callback always (Debian's build closes twice there, as a test of
 *   its own). Our close frame is a raw frame like all others.
 * - Its timers are armed by its own events only: whoever sets one from
 *   outside of a callback must wake it (lws_cancel_service), and so must who
 *   opens the input again, since bytes may wait in its memory.
 * - Its keep-alive is off (a sorted list of all connections); ours is two
 *   queues, in which all wait equally long.
 */

#include "ws_conn.h"

#include "clock.h"
#include "log.h"
#include "xmalloc.h"

#include <libwebsockets.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_MAGIC 0x77737372

#define RX_BUFFER_BYTES 256       /* per connection, for ever: small */
#define TX_BUFFER_BYTES (1 << 24) /* most in one send() */
#define HEADER_BYTES    2048      /* of the canonical request */
#define OTHER_SOCKETS   16384     /* descriptors besides the connections */
#define TEARDOWN_TURNS  8

static struct ws_server *
server_of(void *data)
{
	struct ws_server *server = data;

	assert(server->magic == SERVER_MAGIC);
	return server;
}

static void
on_before_poll(uv_prepare_t *prepare)
{
	ws_server_review_paused(server_of(prepare->data));
}

void
ws_conn_kill(struct ws_conn *conn)
{
	ws_conn_enter_closing(conn);
	lws_set_timeout(
	    conn->wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_ASYNC);
	lws_cancel_service(conn->server->context);
}

/* --- output --- */

enum hub_write
ws_conn_write(struct ws_conn *conn, struct view frames)
{
	/* Raw writes are only read from, though the type does not say so. */
	unsigned char *bytes = (unsigned char *)(uintptr_t)frames.data;

	if (conn->is_closing)
		return HUB_WRITE_GONE;
	if (lws_write(conn->wsi, bytes, frames.len, LWS_WRITE_RAW) < 0) {
		ws_conn_kill(conn);
		return HUB_WRITE_GONE;
	}
	conn->liveness.sent_since += frames.len;
	if (!lws_partial_buffered(conn->wsi))
		return HUB_WRITE_OK;
	if (ws_conn_is_full(conn))
		conn->backlog += frames.len;
	ws_conn_set_full(conn, true);
	return HUB_WRITE_FULL;
}

void
ws_conn_set_input(struct ws_conn *conn, bool is_on)
{
	lws_rx_flow_control(conn->wsi, is_on);
	if (is_on)
		lws_cancel_service(conn->server->context);
}

size_t
ws_conn_announced(const struct ws_conn *conn)
{
	return lws_remaining_packet_payload(conn->wsi);
}

/* --- what libwebsockets tells --- */

static void
on_receive(struct ws_conn *conn, void *in, size_t len)
{
	struct ws_piece piece = {
		.bytes = view_make(in, len),
		.frame_rest = lws_remaining_packet_payload(conn->wsi),
		.is_first = lws_is_first_fragment(conn->wsi) != 0,
		.is_last = lws_is_final_fragment(conn->wsi) != 0,
		.is_binary = lws_frame_is_binary(conn->wsi) != 0,
	};

	ws_conn_received(conn, &piece);
}

/* Comes when all that libwebsockets held is out and, unasked, behind each pong
 * that it sent. */
static void
on_writable(struct ws_conn *conn)
{
	if (!ws_conn_is_full(conn))
		ws_conn_pinged(conn);
	else if (!lws_partial_buffered(conn->wsi))
		ws_conn_drained(conn);
}

/* libwebsockets has made up its mind to close. Frames of ours behind its close
 * frame would be a breach. Its reasons are texts of its own, which we take away;
 * and without any it would hang up without a word on a peer that is still
 * there: what it cannot read is 1002. */
static void
on_dropped(struct ws_conn *conn)
{
	const unsigned char *payload = lws_get_close_payload(conn->wsi);
	int code = LWS_CLOSE_STATUS_PROTOCOL_ERR;

	if (conn->is_closing)
		return;
	ws_conn_enter_closing(conn);
	if (lws_get_close_length(conn->wsi) >= 2)
		code = payload[0] << 8 | payload[1];
	else if (ws_conn_has_ended(conn))
		return;
	lws_close_reason(conn->wsi, (enum lws_close_status)code, NULL, 0);
}

/* The first callback in which the wsi keeps what is attached to it. */
static int
on_adopted(struct lws *wsi)
{
	struct ws_server *server =
	    server_of(lws_context_user(lws_get_context(wsi)));

	if (server->adopting == NULL)
		return -1; /* not one of ours */
	lws_set_opaque_user_data(wsi, server->adopting);
	server->adopting = NULL;
	return 0;
}

static int
on_destroyed(struct lws *wsi)
{
	struct ws_conn *conn = lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return 0;
	lws_set_opaque_user_data(wsi, NULL);
	ws_conn_free(ws_conn_of(conn));
	return 0;
}

static int
on_upgrade(const char *protocol)
{
	return protocol != NULL && strcasecmp(protocol, "websocket") == 0 ? 0
									  : -1;
}

/* Reasons that are about one connection between its upgrade and its end. */
static int
on_open_conn(struct ws_conn *conn, enum lws_callback_reasons reason, void *in,
    size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RECEIVE:
		on_receive(conn, in, len);
		return 0;
	case LWS_CALLBACK_SERVER_WRITEABLE:
		on_writable(conn);
		return 0;
	case LWS_CALLBACK_RECEIVE_PONG:
		ws_conn_ponged(conn, view_make(in, len));
		return 0;
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		ws_conn_peer_closed(conn, view_make(in, len));
		return -1; /* answered; libwebsockets has nothing to add */
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
		on_dropped(conn);
		return 0;
	default: /* LWS_CALLBACK_CLOSED */
		ws_conn_end(conn);
		return 0;
	}
}

static int
on_conn(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
	struct ws_conn *conn = lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return -1;
	ws_conn_of(conn);
	if (reason == LWS_CALLBACK_ESTABLISHED) {
		ws_conn_open(conn, wsi);
		return 0;
	}
	return conn->is_open ? on_open_conn(conn, reason, in, len) : 0;
}

static int
on_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	(void)user;
	switch (reason) {
	case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
		return on_adopted(wsi);
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return on_upgrade(in);
	case LWS_CALLBACK_ESTABLISHED:
	case LWS_CALLBACK_RECEIVE:
	case LWS_CALLBACK_SERVER_WRITEABLE:
	case LWS_CALLBACK_RECEIVE_PONG:
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
	case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
	case LWS_CALLBACK_CLOSED:
		return on_conn(wsi, reason, in, len);
	case LWS_CALLBACK_WSI_DESTROY:
		return on_destroyed(wsi);
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_RAW_ADOPT:
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_RAW_WRITEABLE:
	case LWS_CALLBACK_RAW_CLOSE:
		return -1;
	default: /* there are a hundred more, and new ones in each release */
		return 0;
	}
}

/* --- life --- */

/* Both alike; which one a client gets decides what the 101 names. The byte of
 * data per connection is there because DROP_PROTOCOL comes only to who has
 * some. */
static const struct lws_protocols protocols[] = {
	{ .name = "default",
	    .callback = on_callback,
	    .per_session_data_size = 1,
	    .rx_buffer_size = RX_BUFFER_BYTES,
	    .tx_packet_size = TX_BUFFER_BYTES },
	{ .name = "relay.v1",
	    .callback = on_callback,
	    .per_session_data_size = 1,
	    .rx_buffer_size = RX_BUFFER_BYTES,
	    .tx_packet_size = TX_BUFFER_BYTES },
	{ .name = NULL },
};

/* No pings and no timeouts of its own. */
static const lws_retry_bo_t no_keepalive = { .secs_since_valid_hangup = 0 };

/* Peers cause many of these lines, and each adoption one. */
static void
on_library_log(int level, const char *line)
{
	char text[200];

	(void)level;
	if (strstr(line, "calling service") != NULL)
		return;
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	log_throttled(
	    LOG_LEVEL_WARN, "ws_server", "libwebsockets", "line", text, NULL);
}

/* libwebsockets makes tables as large as the limit of descriptors, and takes one
 * beyond ten million for none at all: it is shown what we need. */
static struct lws_context *
create_within(const struct lws_context_creation_info *info, rlim_t descriptors)
{
	struct rlimit real;
	struct rlimit shown;
	struct lws_context *context;

	getrlimit(RLIMIT_NOFILE, &real);
	shown = real;
	if (shown.rlim_cur > descriptors)
		shown.rlim_cur = descriptors;
	setrlimit(RLIMIT_NOFILE, &shown);
	context = lws_create_context(info);
	setrlimit(RLIMIT_NOFILE, &real);
	return context;
}

static struct lws_context *
create_context(struct ws_server *server)
{
	void *loops[1] = { server->loop };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBUV |
		    LWS_SERVER_OPTION_VALIDATE_UTF8 |
		    LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
		.foreign_loops = loops,
		.pcontext = &server->context,
		.user = server,
		.alpn = "http/1.1",
		.max_http_header_data = HEADER_BYTES,
		.timeout_secs = 5,
		.retry_and_idle_policy = &no_keepalive,
	};

	lws_set_log_level(LLL_ERR, on_library_log);
	return create_within(
	    &info, (rlim_t)server->options.max_connections + OTHER_SOCKETS);
}

/* Silence means something only when a ping and its answer fit into it. */
static unsigned
time_for_pong(unsigned ping_ms, unsigned pong_ms)
{
	unsigned least_ms = ping_ms + ping_ms / 4;

	return pong_ms > least_ms ? pong_ms : least_ms;
}

void
ws_server_reload(
    struct ws_server *server, const struct ws_server_options *options)
{
	server->options = *options;
	server->message_limits.max_bytes = options->max_frame_bytes;
	server->message_limits.max_fragments = options->max_fragments;
	server->liveness_limits.silence_ms =
	    time_for_pong(options->ping_interval_ms, options->pong_timeout_ms);
	server->liveness_limits.stuck_ms = options->stuck_ms;
}

struct ws_server *
ws_server_new(struct uv_loop_s *loop, const struct ws_server_options *options,
    struct session_env *env, struct stats *stats, struct error *err)
{
	struct ws_server *server = xcalloc(1, sizeof(*server));

	server->magic = SERVER_MAGIC;
	server->loop = loop;
	ws_server_reload(server, options);
	server->env = env;
	server->stats = stats;
	server->steady_ms = 1; /* 0 means never */
	server->last_tick_ms = clock_mono_ms();
	list_init(&server->to_ping);
	list_init(&server->unanswered);
	list_init(&server->full);
	list_init(&server->paused);
	list_init(&server->closing);
	server->context = create_context(server);
	if (server->context == NULL) {
		error_set(err, "",
		    "libwebsockets cannot start; is its libuv "
		    "plugin installed?");
		free(server);
		return NULL;
	}
	server->vhost = lws_get_vhost_by_name(server->context, "default");
	uv_prepare_init(loop, &server->before_poll);
	server->before_poll.data = server;
	uv_prepare_start(&server->before_poll, on_before_poll);
	return server;
}

/* Handles are closed in loop turns: two for libwebsockets 4.1 (connections,
 * then its own), and then it wants to be told again; 4.3 wants to be told
 * until the pointer is NULL. */
static void
destroy_context(struct ws_server *server)
{
	lws_context_destroy(server->context);
	for (int calls = 0; server->context != NULL && calls < 4; calls++) {
		for (int turn = 0; turn < TEARDOWN_TURNS; turn++)
			uv_run(server->loop, UV_RUN_NOWAIT);
		lws_context_destroy(server->context);
	}
}

void
ws_server_free(struct ws_server **server_p)
{
	struct ws_server *server = *server_p;

	if (server == NULL)
		return;
	destroy_context(server);
	uv_close((uv_handle_t *)&server->before_poll, NULL);
	uv_run(server->loop, UV_RUN_NOWAIT); /* closes the handle */
	server->magic = 0;
	free(server);
	*server_p = NULL;
}

/* --- adoption --- */

static void
tune_socket(const struct ws_server *server, int socket)
{
	const int on = 1;
	int size = (int)server->options.send_buffer_bytes;

	setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (size > 0)
		setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

int
ws_server_adopt(struct ws_server *server, int socket,
    struct view canonical_request, const struct session_params *params)
{
	struct lws *wsi;

	if (server->connections >= server->options.max_connections) {
		close(socket);
		return -1;
	}
	tune_socket(server, socket);
	server->adopting = ws_conn_new(server, socket, params);
	wsi = lws_adopt_socket_vhost_readbuf(server->vhost, socket,
	    canonical_request.data, canonical_request.len);
	if (server->adopting != NULL) {
		ws_conn_free(server->adopting);
		server->adopting = NULL;
	}
	return wsi == NULL ? -1 : 0;
}

size_t
ws_server_connections(const struct ws_server *server)
{
	return server->connections;
}
