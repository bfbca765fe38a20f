/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_PACE_H
#define SOURCE_PACE_H

/*
 * When to read what is marked: at once when quiet; when news come fast, what
 * comes within a fraction of a millisecond is collected and read in one go.
 * libuv's timers count milliseconds, hence a timerfd.
 */

#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct source_pace;

typedef void source_pace_fn(void *arg);

/* `due` is called when a pause is over. */
struct source_pace *source_pace_new(struct uv_loop_s *loop,
    unsigned pace_max_us, source_pace_fn *due, void *arg);
void source_pace_set(struct source_pace *pace, unsigned pace_max_us);
void source_pace_free(struct source_pace **pace);

/* May a read go out now? If not, `due` follows. */
bool source_pace_may_go(const struct source_pace *pace);
/* Reads went out. True: a pause begins, and `due` follows. */
bool source_pace_went(struct source_pace *pace);
/* A read brought news. */
void source_pace_news(struct source_pace *pace);
/* About every 100 ms: how fast do news come? */
void source_pace_tick(struct source_pace *pace);

/* The pause at this rate, for tests: 0 up to 12,000 a second, then from
 * 300 us rising to the maximum at 100,000, where a core is at its end. */
unsigned source_pace_us(uint64_t news_per_second, unsigned pace_max_us);

#endif
