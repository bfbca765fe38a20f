/* SPDX-License-Identifier: MIT */
#ifndef CONNECTION_NET_H
#define CONNECTION_NET_H

/*
 * Sockets and clock for fuzz_connection: in place of ws_server.c and clock.c,
 * which a program that links this leaves out, as it does gateway.c (see
 * connection_gateway.h). A wire is one client's socket: bytes wait on it until
 * the relay reads, and what the client has no room for waits with us, as it
 * would with libwebsockets.
 */

#include "connection_client.h"
#include "http_routes.h"
#include "ws_conn.h"

#define NET_WIRES    4
#define NET_START_MS 1000

struct net;

struct wire {
	struct net *net;
	struct ws_conn *conn; /* NULL before the upgrade and after the end */
	struct client client;
	struct buf head;       /* until it is judged */
	struct buf incoming;   /* said by the client, not yet read */
	struct buf held;       /* said to it, for which it has no room */
	size_t room;           /* bytes that it takes */
	uint64_t expires_ms;   /* of its token, by the wall clock; 0: never */
	bool has_proxy_header; /* comes in front of the head */
	bool is_admin;         /* came to the admin listener */
	bool is_open;          /* the client's socket */
	bool is_killed;        /* to be closed when the call is over */
	bool has_hung_up;      /* we said all that we had to say */
	bool has_left;         /* the client says nothing more */
};

/* The server is the first, so that a connection leads to its net. */
struct net {
	struct ws_server server;
	struct fake_redis *redis;
	struct http_routes routes;
	struct ws_inflater *inflater; /* of the clients */
	struct wire wires[NET_WIRES];
	bool offers_deflate;
};

/* The same input has the same life: every run begins at this time, and what is
 * random comes in the same order. */
void net_set_clock(uint64_t now_ms);
void net_set_chance(uint64_t seed);
ssize_t __wrap_getrandom(void *out, size_t size, unsigned flags);

/* `env`, stats, redis, contract are borrowed. */
void net_init(struct net *net, const struct ws_server_options *options,
    struct session_env *env, struct stats *stats, struct fake_redis *redis,
    const struct contract *contract);
void net_reload(struct net *net, const struct ws_server_options *options,
    const struct contract *contract);
void net_fini(struct net *net); /* closes what is open */

/* A client comes, if the wire is free. */
void wire_open(struct wire *wire, size_t room);
/* The client says these bytes, which the relay reads in pieces. */
void wire_say(struct wire *wire, struct view bytes, size_t piece);
/* The client takes so many bytes more. */
void wire_read(struct wire *wire, size_t room);
/* No more bytes come from the client. */
void wire_leave(struct wire *wire);
/* It is gone. */
void wire_drop(struct wire *wire);

/* What the loop does between two events: reads on, closes what is to be. */
void net_turn(struct net *net);

#endif
