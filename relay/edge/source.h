/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_H
#define SOURCE_H

/*
 * Event streams in: follows any number of Redis streams for one worker's hub.
 * Wakes by CLIENT TRACKING on a pair of connections (reads on one, pushes on
 * the other), sweeps slowly because pushes are hints, polls where tracking is
 * refused; proves continuity of every read; serves windows on a connection of
 * their own. design.md section 4 is the specification.
 */

#include "hub.h"
#include "redis_link.h"

struct source;

struct source_options {
	unsigned pace_max_us; /* collect pushes at most this long: 1000 */
	unsigned sweep_ms;    /* every followed stream re-read: 30000 */
	unsigned poll_ms;     /* where tracking is refused: 50 */
	unsigned command_ms;  /* deadline of a read: 5000 */
	bool tracking;        /* false: poll only (tests) */
	/* What the keys that are followed begin with; where set, a tracking
	 * table that evicts for ever is answered by broadcast tracking. */
	struct view broadcast_prefix;
	/* For tests that remove a safeguard and must then fail; all true. */
	bool safeguard_sweep, safeguard_rearm;
};

struct source_events {
	/* Redis came (all followed streams are being re-read) or went, or did
	 * not come at the first attempt. */
	void (*up)(void *arg);
	void (*down)(void *arg, const char *reason);
	/* News were fed to the hub: flush it this turn. */
	void (*news)(void *arg);
};

struct source *source_new(struct uv_loop_s *loop,
    const struct redis_target *target, const struct source_options *options,
    struct stats *stats, const struct source_events *events, void *arg);
/* The hub that is fed; set once before start (the hub needs the source's ops
 * table first). After a loss the feed goes on from where it was, with a gap
 * where that cannot be had; the hub_stream_opened that comes besides is news
 * of the stream for those who wait for it. A gap `rewound` or `recreated`
 * comes without entries, live as in a window: all that is there counts as
 * between gap.through (0-0) and batch.through, the tail. */
void source_attach(struct source *source, struct hub *hub);
extern const struct hub_source_ops source_hub_ops; /* arg: struct source * */
/* From now on at most this long. */
void source_set_pace(struct source *source, unsigned pace_max_us);
/* Reads nothing more for now, neither live nor windows; or goes on. What was
 * asked already still comes. */
void source_pause(struct source *source, bool is_paused);
void source_start(struct source *source);
/* Windows and streams under way get no answer any more. The memory goes when
 * libuv has closed the handles. */
void source_free(struct source **source);

bool source_is_up(const struct source *source);
/* "tracking", "broadcast", "poll" or "down". */
const char *source_wakeup(const struct source *source);

/* Follows a key besides the hub (the readiness canary), from the tail of the
 * time when it is first seen: each entry's id and the value of its first
 * field. The callback may unwatch. */
typedef void source_entry_fn(void *arg, struct entry_id id, struct view value);
struct source_watch;
struct source_watch *source_watch_new(
    struct source *source, struct view key, source_entry_fn *entry, void *arg);
void source_watch_free(struct source_watch **watch); /* before the source */

/* Round trip of the last command on the reading link, in microseconds. */
uint64_t source_latency_us(const struct source *source);

#endif
