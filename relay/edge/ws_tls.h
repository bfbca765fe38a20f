/* SPDX-License-Identifier: MIT */
#ifndef WS_TLS_H
#define WS_TLS_H

/*
 * What the WebSocket server says and hears by OpenSSL itself, beside
 * libwebsockets, which does so for all the rest.
 */

#include <stddef.h>
#include <sys/types.h>

struct ssl_st; /* SSL of OpenSSL */

/* As recv(2): -1 and EAGAIN when nothing is there. 0 is any end: the peer's
 * goodbye, that of its socket, a record that is none. At most INT_MAX. */
ssize_t ws_tls_recv(struct ssl_st *tls, char *bytes, size_t size);
/* We say no more. */
void ws_tls_goodbye(struct ssl_st *tls);

#endif
