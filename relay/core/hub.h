/* SPDX-License-Identifier: MIT */
#ifndef HUB_H
#define HUB_H

/*
 * The fan-out of one worker: streams by key, a topic for each view (endpoint)
 * of a stream, subscriptions as positions in the topics' chains of blocks.
 * Knows neither sockets nor Redis: it asks a source for streams and windows
 * and hands finished WebSocket frames to subscribers. One thread, no locks.
 *
 * One delivery path: a subscription stands in a block (of the live chain or of
 * a window that was read for those behind) or holds only its cursor and waits
 * for a window. Live, resuming and slow are the same thing at other places.
 *
 * Times: now_ms is monotonic milliseconds, given in by the caller.
 */

#include "batch.h"
#include "contract.h"

struct hub;
struct subscription;
struct stats;
struct judge;

/* What the hub asks of the Redis side. Streams are named by the hub's id, so
 * that a late answer finds nothing instead of freed memory. */
struct hub_source_ops {
	/* Follow this key: answer with hub_stream_opened (and again after each
	 * loss), then hub_stream_feed for each read that brought news. */
	void (*follow)(void *arg, uint64_t stream_id, struct view key);
	void (*unfollow)(void *arg, uint64_t stream_id);
	/* Ask XINFO for hello: answer hub_stream_opened. */
	void (*inspect)(void *arg, uint64_t stream_id);
	/* Read a window: entries after `after` (0-0: from the beginning; with
	 * since_ms > 0: from the first id >= since_ms-0, clamped to the tail),
	 * about max_bytes. Answer exactly once with hub_window (or
	 * hub_window_failed when the link is lost: the hub asks again after
	 * hub_source_up). */
	void (*fetch)(void *arg, uint64_t stream_id, uint64_t window_id,
	    struct entry_id after, uint64_t since_ms, size_t max_bytes);
};

/* What the hub asks of the one who listens. `arg` is the subscriber's. None of
 * these may call hub_unsubscribe for its own subscription; they return -1 and
 * are cleaned up by their owner later in the turn. */
enum hub_write {
	HUB_WRITE_OK,   /* taken, go on */
	HUB_WRITE_FULL, /* taken, but stop until hub_resume() */
	HUB_WRITE_GONE  /* not taken, the peer is gone: stop for good */
};
/* Whose is a direct frame? OWNS_UNKNOWN: the sink's answer that says so is
 * still under way; the hub stops in front of the frame, as after
 * HUB_WRITE_FULL, and asks again after hub_resume(). */
enum hub_owns { OWNS_NO, OWNS_YES, OWNS_UNKNOWN };
struct subscriber_ops {
	/* Complete WebSocket frames, to be written as they are. The bytes are
	 * the hub's and shared; take them or copy them before returning. */
	enum hub_write (*write)(
	    void *arg, struct view frames, size_t frame_count);
	/* A straight write (see hub_write_straight) answered this, and not
	 * HUB_WRITE_OK. */
	void (*answered)(void *arg, enum hub_write answer);
	/* The stream was looked at (for hello). Called once, before live. */
	void (*opened)(void *arg, const struct stream_info *info);
	/* The start position is fixed, or replay has reached the tail. Held: as
	 * soon as the position is fixed, still held; and once more at the tail
	 * after a hub_seek. */
	enum hub_write (*live)(
	    void *arg, struct entry_id cursor, uint64_t replayed);
	/* Only for those who know notices; for others the hub counts. */
	enum hub_write (*gap)(void *arg, const struct gap *gap);
	enum hub_write (*cursor)(void *arg, struct entry_id cursor);
	/* A terminal event (or a direct frame that carries `command`) has been
	 * handed to write(). command is 0-0 when the entry names none. */
	void (*ended)(void *arg, struct entry_id id, struct entry_id command,
	    bool is_terminal);
	/* Does this connection own that command (direct frames)? */
	enum hub_owns (*owns)(void *arg, struct entry_id command);
	/* The key holds another type: nothing more will come. */
	void (*unusable)(void *arg);
};

enum start_kind {
	START_LIVE,  /* from the tail at the time of asking */
	START_AFTER, /* exclusive cursor; 0-0 = from the beginning */
	START_SINCE  /* inclusive unix ms on Redis's clock */
};
struct start {
	enum start_kind kind;
	struct entry_id after;
	uint64_t since_ms;
};

struct hub_options {
	size_t subscriber_bytes; /* unsent bytes in memory per client (1 MiB) */
	size_t total_bytes;      /* in all blocks of this hub */
	size_t run_bytes;        /* most bytes in one write (64 KiB) */
	size_t window_bytes;     /* most bytes of one window (256 KiB) */
	unsigned windows_in_flight; /* reads under way at once per hub (64) */
};

/* contract, judge and stats are borrowed for the hub's life. */
struct hub *hub_new(const struct hub_options *options,
    const struct contract *contract, struct judge *judge, struct stats *stats,
    const struct hub_source_ops *source, void *source_arg);
/* From now on with these options and this contract in place of the one before
 * (the same endpoints in the same order), and a judge that was told. What lies
 * in blocks stays as it is. */
void hub_reload(struct hub *hub, const struct hub_options *options,
    const struct contract *contract);
/* From now on within these bounds; what is beyond them is let go of soon. */
void hub_bound(struct hub *hub, const struct hub_options *options);
void hub_free(struct hub **hub); /* no subscription may be left */

/* `endpoint` indexes contract->endpoints. `notices`: the subscriber knows
 * relay.v1. `held`: nothing is delivered until hub_release or hub_seek, but
 * from the fixed position on nothing is missed. The answers come from later
 * calls into the hub, never from inside this one. */
struct subscription *hub_subscribe(struct hub *hub, struct view key,
    size_t endpoint, struct start start, bool notices, bool held,
    const struct subscriber_ops *ops, void *arg, uint64_t now_ms);
/* From now on compressed for a peer that has a window of 2^window_bits bytes (9
 * to 15), each frame for itself, or plain where that is not longer. */
void hub_deflate(struct subscription *subscription, unsigned window_bits);
/* From now on frames go to `write` past ops->write, until it is NULL again: on
 * its way to a peer that wants nothing said before, a frame need not touch what
 * lies between. Also from inside of an op. `arg` is no less than a cache line;
 * it is fetched ahead. */
typedef enum hub_write hub_write_fn(void *arg, struct view frames);
void hub_write_straight(
    struct subscription *subscription, hub_write_fn *write, void *arg);
void hub_unsubscribe(struct hub *hub, struct subscription **subscription);

/* A held subscription begins to deliver from where it was fixed … */
void hub_release(struct hub *hub, struct subscription *subscription);
/* … or from another cursor (a repeated request): replay, then live again. */
void hub_seek(
    struct hub *hub, struct subscription *subscription, struct entry_id after);
/* The subscriber can take bytes again after HUB_WRITE_FULL. */
void hub_resume(struct hub *hub, struct subscription *subscription);

/* How far it has got: the last id scanned for it, delivered or skipped. At the
 * beginning the position fixed at subscription (START_LIVE: the tail at the
 * time of asking). false while not known. */
bool hub_position(
    const struct subscription *subscription, struct entry_id *scanned_r);

/* --- from the source --- */

void hub_stream_opened(struct hub *hub, uint64_t stream_id,
    const struct stream_info *info, uint64_t now_ms);
void hub_stream_feed(struct hub *hub, uint64_t stream_id,
    const struct batch *batch, uint64_t now_ms);
void hub_window(struct hub *hub, uint64_t stream_id, uint64_t window_id,
    const struct batch *batch, bool reached_tail, uint64_t now_ms);
void hub_window_failed(struct hub *hub, uint64_t stream_id, uint64_t window_id);
void hub_source_down(struct hub *hub);
void hub_source_up(struct hub *hub, uint64_t now_ms);

/* --- from the worker --- */

/* Once per loop turn, after all news of the turn were fed: serves every live
 * subscription that has something to get and so many of those in windows, then
 * asks for the windows wanted. */
void hub_flush(struct hub *hub, uint64_t now_ms);
/* About every 100 ms: cursor notices after 15 s, blocked positions in windows
 * given up after 1 s, budgets. */
void hub_tick(struct hub *hub, uint64_t now_ms);
/* True when hub_flush has something to do. */
bool hub_is_dirty(const struct hub *hub);

/* For status and tests: what is alive right now. */
struct hub_figures {
	size_t streams, subscriptions, behind, blocks, windows;
	size_t block_bytes;
};
void hub_figures(const struct hub *hub, struct hub_figures *figures_r);

#endif
