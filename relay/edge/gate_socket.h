/* SPDX-License-Identifier: MIT */
#ifndef GATE_SOCKET_H
#define GATE_SOCKET_H

/*
 * The socket of a client that is not yet a WebSocket, with or without TLS over
 * it: what is read and written through here is what the client meant. Embedded
 * in its owner, who watches the descriptor. Never blocks. Both the descriptor
 * and the state of TLS can be given away in the middle of a connection.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ssl_ctx_st;
struct ssl_st; /* SSL of OpenSSL */

struct gate_socket {
	int fd;             /* -1: given away or closed */
	struct ssl_st *tls; /* NULL: plain, or TLS has not begun */
	bool is_shaking;    /* the handshake of TLS is not done */
	bool wants_write;   /* what to wait for after GATE_SOCKET_AGAIN */
	bool has_failed;    /* nothing may be said by TLS any more */
};

/* Instead of a count of bytes; 0 is the end of what the peer says. */
#define GATE_SOCKET_AGAIN  ((ssize_t)-1) /* when wants_write says */
#define GATE_SOCKET_FAILED ((ssize_t)-2)

/* Takes the descriptor. */
void gate_socket_init(struct gate_socket *socket, int fd);
/* From here on the peer speaks TLS, the server's side is the context's. -1: out
 * of memory. */
int gate_socket_secure(struct gate_socket *socket, struct ssl_ctx_st *context);
/* 0: done; or AGAIN or FAILED. */
ssize_t gate_socket_shake(struct gate_socket *socket);

/* What lies there next, up to `size` bytes of it; it stays there. */
ssize_t gate_socket_peek(struct gate_socket *socket, char *into, size_t size);
/* Takes `size` bytes that peek has shown. 0, or FAILED. */
ssize_t gate_socket_take(struct gate_socket *socket, char *into, size_t size);
/* Bytes wait in memory, of which the descriptor says nothing. */
bool gate_socket_has_more(const struct gate_socket *socket);
/* At least one byte, AGAIN or FAILED. After AGAIN the same bytes come first. */
ssize_t gate_socket_send(
    struct gate_socket *socket, const char *bytes, size_t size);

/* We say no more: a close_notify, then the end of our side. */
void gate_socket_end(struct gate_socket *socket);
/* Gives both away. *tls_r is NULL when there is none. */
int gate_socket_give(struct gate_socket *socket, struct ssl_st **tls_r);
void gate_socket_close(struct gate_socket *socket);

#endif
