/* SPDX-License-Identifier: MIT */
#include "connection_net.h"

#include "clock.h"
#include "connection_gateway.h"
#include "fuzz.h"
#include "ws_deflate.h"

#include <errno.h>

/* What may wait for a client that reads nothing: as much of our own frames as
 * ws_conn.c has it, the answers to one read, a run of events. */
#define HELD_MAX ((256 + 128) * 1024)

static uint64_t clock_ms;

void
net_set_clock(uint64_t now_ms)
{
	clock_ms = now_ms;
}

uint64_t
clock_mono_ms(void)
{
	return clock_ms;
}

uint64_t
clock_mono_us(void)
{
	return clock_ms * 1000;
}

uint64_t
clock_unix_ms(void)
{
	return FAKE_REDIS_MS + clock_ms;
}

/* --- chance --- */

static uint64_t chance;

void
net_set_chance(uint64_t seed)
{
	chance = seed;
}

ssize_t
__wrap_getrandom(void *out, size_t size, unsigned flags)
{
	unsigned char *bytes = out;
	(void)flags;
	for (size_t i = 0; i < size; i++) {
		chance = chance * 6364136223846793005u + 1442695040888963407u;
		bytes[i] = (unsigned char)(chance >> 56);
	}
	return (ssize_t)size;
}

/* --- what libwebsockets does for connections --- */

static struct wire *
wire_of(const struct ws_conn *conn)
{
	struct net *net = (struct net *)(void *)conn->server;
	for (size_t i = 0; i < NET_WIRES; i++)
		if (net->wires[i].conn == conn)
			return &net->wires[i];
	abort();
}

static void
hold(struct wire *wire, struct view bytes)
{
	buf_add(&wire->held, bytes);
	must(wire->held.len <= HELD_MAX);
}

static size_t
give(struct wire *wire, struct view bytes)
{
	size_t len = bytes.len < wire->room ? bytes.len : wire->room;
	wire->room -= len;
	must(!wire->has_hung_up || len == 0);
	if (len > 0)
		client_read(&wire->client, view_make(bytes.data, len));
	return len;
}

enum hub_write
ws_conn_write(struct ws_conn *conn, struct view frames)
{
	struct wire *wire = wire_of(conn);
	if (conn->is_closing)
		return HUB_WRITE_GONE;
	if (!wire->is_open) {
		ws_conn_kill(conn);
		return HUB_WRITE_GONE;
	}
	conn->liveness.sent_since += frames.len;
	if (wire->held.len == 0) {
		size_t len = give(wire, frames);
		frames = view_make(frames.data + len, frames.len - len);
	}
	if (frames.len == 0)
		return HUB_WRITE_OK;
	hold(wire, frames);
	if (ws_conn_is_full(conn))
		conn->backlog += (uint32_t)frames.len;
	ws_conn_set_full(conn, true);
	return HUB_WRITE_FULL;
}

void
ws_conn_kill(struct ws_conn *conn)
{
	ws_conn_enter_closing(conn);
	wire_of(conn)->is_killed = true;
}

void
ws_conn_set_input(struct ws_conn *conn, bool is_on)
{
	must(conn->is_reading == is_on);
}

void
ws_conn_hang_up(struct ws_conn *conn)
{
	struct wire *wire = wire_of(conn);
	must(wire->held.len == 0);
	wire->has_hung_up = true;
}

ssize_t
ws_conn_recv(struct ws_conn *conn, char bytes[WS_RECV_BYTES])
{
	struct wire *wire = wire_of(conn);
	size_t len = wire->incoming.len < WS_RECV_BYTES ? wire->incoming.len
							: WS_RECV_BYTES;
	if (len == 0 && !wire->has_left && wire->is_open) {
		errno = EAGAIN;
		return -1;
	}
	if (len == 0)
		return 0;
	memcpy(bytes, wire->incoming.data, len);
	memmove(wire->incoming.data, wire->incoming.data + len,
	    wire->incoming.len - len);
	wire->incoming.len -= len;
	return (ssize_t)len;
}

/* --- wires --- */

void
wire_open(struct wire *wire, size_t room)
{
	if (wire->is_open || wire->conn != NULL)
		return;
	wire->is_open = true;
	wire->room = room;
	wire->client = (struct client){ .redis = wire->net->redis,
		.inflater = wire->net->inflater };
	buf_init(&wire->client.bytes, 0);
	buf_init(&wire->head, 0);
	buf_init(&wire->incoming, 0);
	buf_init(&wire->held, 0);
}

/* The relay ends it. */
static void
wire_close(struct wire *wire)
{
	if (wire->conn != NULL) {
		ws_conn_end(wire->conn);
		ws_conn_free(wire->conn);
	}
	wire->conn = NULL;
	buf_fini(&wire->head);
	buf_fini(&wire->incoming);
	buf_fini(&wire->held);
	client_fini(&wire->client);
	*wire = (struct wire){ .net = wire->net };
}

void
wire_drop(struct wire *wire)
{
	wire->is_killed = true;
	wire->is_open = false;
}

void
wire_leave(struct wire *wire)
{
	wire->has_left = true;
}

void
wire_say(struct wire *wire, struct view bytes, size_t piece)
{
	if (!wire->is_open || wire->has_left)
		return;
	while (bytes.len > 0 && wire->is_open) {
		size_t len = bytes.len < piece ? bytes.len : piece;
		struct buf *to = wire->conn ? &wire->incoming : &wire->head;
		buf_add(to, view_make(bytes.data, len));
		if (wire->conn == NULL)
			gateway_read_head(wire);
		net_turn(wire->net);
		bytes = view_make(bytes.data + len, bytes.len - len);
	}
}

/* All that is read at once, in memory of just that size. */
static void
read_incoming(struct wire *wire)
{
	struct buf bytes = wire->incoming;
	char *exact;
	if (bytes.len == 0)
		return;
	buf_init(&wire->incoming, 0);
	exact = malloc(bytes.len);
	memcpy(exact, bytes.data, bytes.len);
	ws_conn_received(wire->conn, exact, bytes.len);
	free(exact);
	buf_fini(&bytes);
}

void
wire_read(struct wire *wire, size_t room)
{
	if (!wire->is_open)
		return;
	wire->room = room;
	size_t len = wire->held.len > 0 ? give(wire, buf_view(&wire->held)) : 0;
	if (len == 0)
		return;
	wire->held.len -= len;
	memmove(wire->held.data, wire->held.data + len, wire->held.len);
	if (wire->held.len == 0 && wire->conn != NULL && wire->conn->is_open)
		ws_conn_drained(wire->conn);
}

/* --- the loop --- */

static void
wire_turn(struct wire *wire)
{
	struct ws_conn *conn = wire->conn;
	if (conn != NULL && conn->is_open && conn->is_reading &&
	    !wire->is_killed)
		read_incoming(wire);
	bool is_over = wire->has_left && wire->incoming.len == 0 &&
	    (conn == NULL || conn->is_reading || wire->has_hung_up);
	if (wire->is_killed || is_over)
		wire_close(wire);
}

void
net_turn(struct net *net)
{
	ws_server_review_paused(&net->server);
	for (size_t i = 0; i < NET_WIRES; i++)
		wire_turn(&net->wires[i]);
}

/* --- life --- */

void
net_reload(struct net *net, const struct ws_server_options *options,
    const struct contract *contract)
{
	struct ws_server *server = &net->server;
	server->options = *options;
	server->reader_limits = (struct ws_reader_limits){
		.max_bytes = options->max_frame_bytes,
		.max_fragments = options->max_fragments,
		.inflater = server->inflater,
	};
	server->liveness_limits.silence_ms = options->pong_timeout_ms;
	server->liveness_limits.stuck_ms = options->stuck_ms;
	net->routes.contract = contract;
}

void
net_init(struct net *net, const struct ws_server_options *options,
    struct session_env *env, struct stats *stats, struct fake_redis *redis,
    const struct contract *contract)
{
	struct ws_server *server = &net->server;
	*net = (struct net){ .redis = redis };
	server->inflater = ws_inflater_new();
	net->inflater = ws_inflater_new();
	gateway_init(net);
	net_reload(net, options, contract);
	server->env = env;
	server->stats = stats;
	server->steady_ms = 1;
	server->last_tick_ms = clock_ms;
	list_init(&server->to_ping);
	list_init(&server->unanswered);
	list_init(&server->full);
	list_init(&server->paused);
	list_init(&server->closing);
	for (size_t i = 0; i < NET_WIRES; i++)
		net->wires[i].net = net;
}

void
net_fini(struct net *net)
{
	for (size_t i = 0; i < NET_WIRES; i++)
		wire_close(&net->wires[i]);
	must(net->server.connections == 0);
	must(list_is_empty(&net->server.to_ping));
	must(list_is_empty(&net->server.full));
	must(list_is_empty(&net->server.paused));
	must(list_is_empty(&net->server.closing));
	must(list_is_empty(&net->server.unanswered));
	ws_inflater_free(&net->server.inflater);
	ws_inflater_free(&net->inflater);
}
