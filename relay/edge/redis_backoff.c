/* SPDX-License-Identifier: MIT */
#include "redis_backoff.h"

void
redis_backoff_init(struct redis_backoff *backoff, unsigned min_ms,
    unsigned max_ms, uint64_t seed)
{
	backoff->min_ms = min_ms > 0 ? min_ms : 1;
	backoff->max_ms = max_ms > backoff->min_ms ? max_ms : backoff->min_ms;
	backoff->random = seed | 1;
	redis_backoff_reset(backoff);
}

void
redis_backoff_reset(struct redis_backoff *backoff)
{
	backoff->next_ms = backoff->min_ms;
	backoff->came_up_ms = 0;
}

void
redis_backoff_came_up(struct redis_backoff *backoff, uint64_t now_ms)
{
	backoff->came_up_ms = now_ms;
}

/* xorshift: good enough for jitter. */
static uint64_t
next_random(struct redis_backoff *backoff)
{
	backoff->random ^= backoff->random << 13;
	backoff->random ^= backoff->random >> 7;
	backoff->random ^= backoff->random << 17;
	return backoff->random;
}

unsigned
redis_backoff_lost(struct redis_backoff *backoff, uint64_t now_ms)
{
	unsigned pause_ms;

	if (backoff->came_up_ms != 0 &&
	    now_ms - backoff->came_up_ms >= backoff->max_ms)
		redis_backoff_reset(backoff);
	backoff->came_up_ms = 0;
	pause_ms = backoff->next_ms;
	backoff->next_ms =
	    pause_ms < backoff->max_ms / 2 ? pause_ms * 2 : backoff->max_ms;
	return pause_ms - (unsigned)(next_random(backoff) % (pause_ms / 5 + 1));
}
