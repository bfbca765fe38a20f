/* SPDX-License-Identifier: MIT */
#ifndef CONNECTION_GATEWAY_H
#define CONNECTION_GATEWAY_H

/*
 * What a wire of connection_net.h says before it is a connection, in place of
 * gateway.c: heads are parsed and served by the relay's own parts, and what it
 * answers is judged.
 */

#include "connection_net.h"

/* The routes of net, all but the contract. */
void gateway_init(struct net *net);
/* wire->head has grown: serves it when it is complete. The wire has a
 * connection then, or is dropped. */
void gateway_read_head(struct wire *wire);

#endif
