/* SPDX-License-Identifier: MIT */
#ifndef REDIS_BACKOFF_H
#define REDIS_BACKOFF_H

/*
 * Pauses between attempts to connect: doubling from min to max with jitter, so
 * that a fleet of relays does not come back in step. Plain data.
 */

#include <stdbool.h>
#include <stdint.h>

struct redis_backoff {
	unsigned min_ms, max_ms;
	unsigned next_ms; /* the next pause, before jitter */
	uint64_t random;  /* state of the generator, not 0 */
};

void redis_backoff_init(struct redis_backoff *backoff, unsigned min_ms,
    unsigned max_ms, uint64_t seed);
/* The next pause is the shortest again. Call only after a connection that
 * lasted: a server that accepts and hangs up must not be hammered. */
void redis_backoff_reset(struct redis_backoff *backoff);
/* 80 to 100 % of the current step; moves on to the next. */
unsigned redis_backoff_pause_ms(struct redis_backoff *backoff);

#endif
