/* SPDX-License-Identifier: MIT */

/*
 * libwebsockets has the sockets, in its role for raw ones: it polls, reads,
 * keeps what the kernel does not take, closes. What the bytes mean is
 * ws_reader.h's matter: its own parser of frames lets through unmasked ones,
 * answers one ping of several, and shows a header only with the payload.
 *
 * Rules that versions 4.1 to 4.3 teach (each was seen to bite):
 *
 * - Frames go out straight from the caller's shared bytes, by our own send()
 *   while libwebsockets holds nothing. What the kernel does not take, it copies
 *   and drains first; only it ever asks for a writable callback.
 * - While it holds such bytes it reads nothing, and comes across readable
 *   sockets again and again: input is shut off then (ws_conn_read_full).
 * - Its timers are armed by its own events only: whoever sets one from
 *   outside of a callback must wake it (lws_cancel_service), and so must who
 *   opens the input again, since bytes may wait in its memory.
 * - Its keep-alive is off (a sorted list of all connections); ours is two
 *   queues, in which all wait equally long.
 */

#include "ws_conn.h"

#include "clock.h"
#include "log.h"
#include "ws_deflate.h"
#include "xmalloc.h"

#include <libwebsockets.h>
#include <openssl/ssl.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define SERVER_MAGIC 0x77737372
#define PROTOCOL     "frames"

#define READ_BYTES      (64 * 1024) /* most in one recv(); per worker */
#define TX_BUFFER_BYTES (1 << 24)   /* most in one send() */
#define OTHER_SOCKETS   16384       /* descriptors besides the connections */
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

/* --- what libwebsockets tells --- */

/* The first callback in which the wsi keeps what is attached to it. */
static int
on_adopted(struct lws *wsi)
{
	struct ws_server *server =
	    server_of(lws_context_user(lws_get_context(wsi)));

	if (server->adopting == NULL)
		return -1; /* not one of ours */
	server->adopting->wsi = wsi;
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

/* Comes when all that libwebsockets held is out. */
static void
on_writable(struct ws_conn *conn)
{
	if (ws_conn_is_full(conn) && !lws_partial_buffered(conn->wsi))
		ws_conn_drained(conn);
}

static int
on_conn(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
	struct ws_conn *conn = lws_get_opaque_user_data(wsi);

	if (conn == NULL)
		return -1;
	if (!ws_conn_of(conn)->is_open)
		return 0;
	if (reason == LWS_CALLBACK_RAW_RX)
		ws_conn_received(conn, in, len);
	else if (reason == LWS_CALLBACK_RAW_WRITEABLE)
		on_writable(conn);
	else
		ws_conn_end(conn);
	return 0;
}

static int
on_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_RAW_ADOPT:
		return on_adopted(wsi);
	case LWS_CALLBACK_RAW_RX:
	case LWS_CALLBACK_RAW_WRITEABLE:
	case LWS_CALLBACK_RAW_CLOSE:
		return on_conn(wsi, reason, in, len);
	case LWS_CALLBACK_WSI_DESTROY:
		return on_destroyed(wsi);
	case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
		ws_handover_attach(
		    &server_of(lws_context_user(lws_get_context(wsi)))
			 ->handover,
		    user);
		return 0;
	case LWS_CALLBACK_HTTP:
	case LWS_CALLBACK_HTTP_BODY:
	case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
		return -1; /* nothing of ours speaks that */
	default: /* there are a hundred more, and new ones in each release */
		return 0;
	}
}

/* --- life --- */

static const struct lws_protocols protocols[] = {
	{ .name = PROTOCOL,
	    .callback = on_callback,
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

/* Its vhost has a context without a certificate, which nobody shakes hands
 * with. For clients of its own it would read all roots that the system trusts,
 * and lose them where there is more than one worker: it gets an empty one. */
static void
ask_for_tls(struct ws_server *server, struct lws_context_creation_info *info)
{
	server->client_tls = SSL_CTX_new(TLS_client_method());
	info->provided_client_ssl_ctx = server->client_tls;
	info->options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
	    LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX;
}

static struct lws_context *
create_context(struct ws_server *server)
{
	void *loops[1] = { server->loop };
	struct lws_context_creation_info info = {
		.port = CONTEXT_PORT_NO_LISTEN_SERVER,
		.protocols = protocols,
		.options = LWS_SERVER_OPTION_LIBUV |
		    LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN,
		.foreign_loops = loops,
		.pcontext = &server->context,
		.user = server,
		.pt_serv_buf_size = READ_BYTES,
		.timeout_secs = 5,
		.retry_and_idle_policy = &no_keepalive,
	};

	if (server->options.has_tls)
		ask_for_tls(server, &info);
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
	server->reader_limits = (struct ws_reader_limits){
		.max_bytes = options->max_frame_bytes,
		.max_fragments = options->max_fragments,
		.takes_binary = options->takes_binary,
		.inflater = server->inflater,
	};
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
	server->inflater = ws_inflater_new();
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
		SSL_CTX_free(server->client_tls);
		ws_inflater_free(&server->inflater);
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
	SSL_CTX_free(server->client_tls);
	uv_close((uv_handle_t *)&server->before_poll, NULL);
	uv_run(server->loop, UV_RUN_NOWAIT); /* closes the handle */
	ws_inflater_free(&server->inflater);
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

static void
discard(const struct ws_server *server, const struct ws_peer *peer)
{
	if (server->options.left != NULL)
		server->options.left(server->options.arg, &peer->client);
	SSL_free(peer->tls);
	close(peer->socket);
}

/* libwebsockets takes TLS over in the middle, or the peer is closed. */
static struct lws *
adopt(struct ws_server *server, const struct ws_peer *peer)
{
	lws_sock_file_fd_type fd = { .sockfd = peer->socket };
	lws_adoption_type type = LWS_ADOPT_SOCKET;
	struct lws *wsi;

	if (peer->tls != NULL)
		type |= LWS_ADOPT_ALLOW_SSL;
	ws_handover_offer(&server->handover, peer->tls);
	wsi =
	    lws_adopt_descriptor_vhost(server->vhost, type, fd, PROTOCOL, NULL);
	if (!ws_handover_was_taken(&server->handover))
		log_throttled(LOG_LEVEL_ERROR, "ws_server",
		    "tls_not_taken_over", "fix",
		    "use a libwebsockets that is built with OpenSSL", NULL);
	if (wsi != NULL) /* it gives a handshake so and so much time */
		lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
	return wsi;
}

int
ws_server_adopt(struct ws_server *server, const struct ws_peer *take_peer,
    struct view answer, const struct session_params *params)
{
	struct ws_conn *conn;

	if (server->connections >= server->options.max_connections) {
		discard(server, take_peer);
		return -1;
	}
	tune_socket(server, take_peer->socket);
	conn = ws_conn_new(server, take_peer);
	server->adopting = conn;
	if (adopt(server, take_peer) == NULL) {
		/* libwebsockets closed the socket; freed it, if it got it. */
		if (server->adopting != NULL)
			ws_conn_free(server->adopting);
		server->adopting = NULL;
		return -1;
	}
	if (ws_conn_write(conn, answer) != HUB_WRITE_GONE)
		ws_conn_open(conn, params);
	return 0;
}

size_t
ws_server_connections(const struct ws_server *server)
{
	return server->connections;
}
