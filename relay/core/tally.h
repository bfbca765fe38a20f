/* SPDX-License-Identifier: MIT */
#ifndef TALLY_H
#define TALLY_H

/*
 * How many WebSockets there are in the whole process, in all and per address of
 * the client (IPv6: per /64). One for all workers, so that a limit is exact to
 * the last connection whatever worker it comes to. Locked: asked once when a
 * connection comes and once when it goes.
 */

#include "address.h"

struct tally;

struct tally_limits {
	uint64_t total;
	uint64_t per_address; /* 0: none; Unix sockets are never limited */
};

struct tally *tally_new(void);
void tally_free(struct tally **tally);

/* May one more come in: 0, or 503 (all are too many), 429 (this client's are).
 * From any thread, like the others. */
int tally_ask(struct tally *tally, const struct tally_limits *limits,
    const struct address *client);
/* The same, and it is counted if it may. */
int tally_enter(struct tally *tally, const struct tally_limits *limits,
    const struct address *client);
/* Once for each that was counted. */
void tally_leave(struct tally *tally, const struct address *client);

uint64_t tally_total(struct tally *tally);

struct tally_row {
	struct address block; /* of IPv6 the first of its /64 */
	uint64_t count;       /* WebSockets from there */
};

/* Who has most of them, in order, at most `max`; returns how many rows that
 * makes. O(addresses), for people who ask. */
size_t tally_busiest(struct tally *tally, struct tally_row *rows_r, size_t max);

#endif
