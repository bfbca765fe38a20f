/* SPDX-License-Identifier: MIT */
#ifndef RATE_H
#define RATE_H

/*
 * How many frames a client may send: a token bucket, and a memory of how long
 * a client has gone on beyond it. Pure: the time is a parameter.
 */

#include <stdbool.h>
#include <stdint.h>

#define RATE_ABUSE_MS 10000 /* beyond the limit for so long is abuse … */
#define RATE_PAUSE_MS 2000  /* … unless it kept within it for so long */

/* Embedded in its owner. */
struct rate {
	uint64_t filled_ms;
	uint64_t excess_since_ms;
	uint64_t excess_last_ms;
	uint32_t tokens_milli;
	uint8_t in_excess;
};

enum rate_verdict { RATE_FINE, RATE_LIMITED, RATE_ABUSED };

void rate_init(struct rate *rate, unsigned burst, uint64_t now_ms);
/* One frame has come. per_second 0: no limit. */
enum rate_verdict rate_take(
    struct rate *rate, unsigned per_second, unsigned burst, uint64_t now_ms);
/* As good as new: nothing that it remembers makes a difference any more. */
bool rate_is_rested(const struct rate *rate, unsigned per_second,
    unsigned burst, uint64_t now_ms);

#endif
