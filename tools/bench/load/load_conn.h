/* SPDX-License-Identifier: MIT */
#ifndef LOAD_CONN_H
#define LOAD_CONN_H

/*
 * One subscriber of a load run: connects, upgrades, reads frames out of the
 * buffer that all share, and checks that its stream's numbers come without a
 * hole, and no other stream's. It keeps memory of its own only for a frame that
 * is not whole yet.
 */

#include "load_inflate.h"
#include "load_tally.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define LOAD_BUFFER_BYTES (1u << 20)
#define LOAD_REST_MAX     (1u << 19)

enum load_state {
	LOAD_NEW,
	LOAD_CONNECTING,
	LOAD_UPGRADING,
	LOAD_OPEN,
	LOAD_CLOSED,
};

/* Owned by the run, in one array. */
struct load_conn {
	int fd; /* -1: none */
	unsigned stream;
	uint32_t next;     /* the number that must come */
	uint32_t last;     /* the last one; 0: none will come */
	uint32_t prefill;  /* numbers up to it have no latency */
	uint32_t from_end; /* where the stamp was */
	uint8_t state;
	bool is_ready;
	uint32_t rest_len;
	unsigned char *rest; /* owned; NULL: none */
};

/* What a connection needs of its run; shared by all. */
struct load_site {
	const struct sockaddr *address;
	socklen_t address_len;
	const char *hello;            /* sent after the upgrade, or NULL */
	struct load_inflate *inflate; /* NULL: compression is not offered */
	struct load_tally *tally;
	unsigned char *buffer; /* LOAD_BUFFER_BYTES */
};

/* Begins to connect, from the `source`-th address of 127.0.0.0/8 if the server
 * is there. -1: no descriptor or no route; errno says. */
int load_conn_dial(
    struct load_conn *conn, const struct load_site *site, unsigned source);
/* Connected: sends the request for the upgrade. -1: closed. */
int load_conn_request(
    struct load_conn *conn, const struct load_site *site, const char *request);
/* Readable: reads once and takes all whole frames. -1: it is closed now. */
int load_conn_read(struct load_conn *conn, const struct load_site *site);
void load_conn_close(struct load_conn *conn);

/* Takes the frames at the beginning of `bytes`; returns how many bytes they
 * were, -1 when the connection must be closed. Public for tests. */
long load_conn_take(struct load_conn *conn, const struct load_site *site,
    const unsigned char *bytes, size_t len);

#endif
