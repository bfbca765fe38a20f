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
	unsigned next_ms;    /* the next pause, before jitter */
	uint64_t came_up_ms; /* 0: not up */
	uint64_t random;     /* state of the generator, not 0 */
};

void redis_backoff_init(struct redis_backoff *backoff, unsigned min_ms,
    unsigned max_ms, uint64_t seed);
/* The next pause is the shortest again. */
void redis_backoff_reset(struct redis_backoff *backoff);
void redis_backoff_came_up(struct redis_backoff *backoff, uint64_t now_ms);
/* The pause before the next attempt: 80 to 100 % of the current step, which
 * then doubles. Only a connection that lasted makes it short again: a server
 * that accepts and hangs up must not be hammered. */
unsigned redis_backoff_lost(struct redis_backoff *backoff, uint64_t now_ms);

#endif
