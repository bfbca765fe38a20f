/* SPDX-License-Identifier: MIT */
#include "rate.h"

void
rate_init(struct rate *rate, unsigned burst, uint64_t now_ms)
{
	*rate = (struct rate){
		.filled_ms = now_ms,
		.tokens_milli = burst * 1000,
	};
}

/* A token a second is a thousandth of one a millisecond. */
static void
refill(struct rate *rate, unsigned per_second, unsigned burst, uint64_t now_ms)
{
	uint64_t full = (uint64_t)burst * 1000;
	uint64_t passed_ms = now_ms - rate->filled_ms;
	if (passed_ms > full) /* even one a second has filled it by now */
		passed_ms = full;
	uint64_t milli = rate->tokens_milli + passed_ms * per_second;
	rate->tokens_milli = (uint32_t)(milli > full ? full : milli);
	rate->filled_ms = now_ms;
}

static bool
had_a_pause(const struct rate *rate, uint64_t now_ms)
{
	return !rate->in_excess ||
	    now_ms - rate->excess_last_ms > RATE_PAUSE_MS;
}

static enum rate_verdict
exceed(struct rate *rate, uint64_t now_ms)
{
	if (had_a_pause(rate, now_ms)) {
		rate->in_excess = 1;
		rate->excess_since_ms = now_ms;
	}
	rate->excess_last_ms = now_ms;
	return now_ms - rate->excess_since_ms >= RATE_ABUSE_MS ? RATE_ABUSED
							       : RATE_LIMITED;
}

bool
rate_is_rested(const struct rate *rate, unsigned per_second, unsigned burst,
    uint64_t now_ms)
{
	struct rate later = *rate;
	if (per_second == 0)
		return true;
	refill(&later, per_second, burst, now_ms);
	return later.tokens_milli == (uint64_t)burst * 1000 &&
	    had_a_pause(rate, now_ms);
}

enum rate_verdict
rate_take(
    struct rate *rate, unsigned per_second, unsigned burst, uint64_t now_ms)
{
	if (per_second == 0)
		return RATE_FINE;
	refill(rate, per_second, burst, now_ms);
	if (rate->tokens_milli < 1000)
		return exceed(rate, now_ms);
	rate->tokens_milli -= 1000;
	return RATE_FINE;
}
