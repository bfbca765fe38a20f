/* SPDX-License-Identifier: MIT */
#ifndef WS_SERVER_H
#define WS_SERVER_H

/*
 * WebSockets: takes over sockets whose upgrade request has passed the gate
 * (handshake.h), speaks RFC 6455 on them and drives one session each. Sockets
 * and what waits to go out belong to libwebsockets, of which nothing is known
 * outside ws_server.c. One per worker, on the worker's libuv loop.
 */

#include "address.h"
#include "error.h"
#include "session.h"

struct ssl_st;
struct uv_loop_s;
struct ws_server;

struct ws_server_options {
	size_t max_frame_bytes;     /* 1 MiB; over it: close 1009 */
	unsigned max_fragments;     /* 16,384; over it: close 1008; 0: any */
	unsigned ping_interval_ms;  /* 20,000 */
	unsigned pong_timeout_ms;   /* 30,000 without any sign of life */
	unsigned stuck_ms;          /* 180,000 without an acknowledged byte */
	unsigned send_buffer_bytes; /* SO_SNDBUF, 128 KiB */
	unsigned max_connections;
	bool takes_binary; /* binary messages are no violation: an echo */
	bool is_unmetered; /* neither are floods of pings */
	bool has_tls;      /* peers come with TLS; a reload cannot change it */
	/* A client that was adopted is gone; borrowed until it returns. May be
	 * NULL. */
	void (*left)(void *arg, const struct address *client);
	void *arg;
};

struct ws_server *ws_server_new(struct uv_loop_s *loop,
    const struct ws_server_options *options, struct session_env *env,
    struct stats *stats, struct error *err);
/* From now on by these, for connections that are open too. More of them than at
 * the beginning there cannot be; SO_SNDBUF counts for new ones. */
void ws_server_reload(
    struct ws_server *server, const struct ws_server_options *options);
/* Sockets left are closed without ceremony, their sessions freed. Turns the loop
 * until libwebsockets has let go of it: free the gateways before, and what the
 * sessions and other handles of the loop need (env, hub, sink, source) after.
 * Not from inside a callback of the loop. */
void ws_server_free(struct ws_server **server);

/* A client at the point where its head has been read. */
struct ws_peer {
	int socket;
	struct ssl_st *tls; /* SSL of OpenSSL, established; NULL without TLS */
	struct address client;
	bool is_deflated; /* permessage-deflate is agreed on */
};

/* Takes socket and TLS (closed by the server from now on, also on failure) and
 * answers the upgrade with these bytes (handshake_accept). The session begins
 * inside this call; params' views are only needed here. */
int ws_server_adopt(struct ws_server *server, const struct ws_peer *take_peer,
    struct view answer, const struct session_params *params);

/* Pings, stuck sockets. At least every second; the more often, the fewer pings
 * go out in one turn of the loop. */
void ws_server_tick(struct ws_server *server, uint64_t now_ms);
size_t ws_server_connections(const struct ws_server *server);

#endif
