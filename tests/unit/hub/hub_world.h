/* SPDX-License-Identifier: MIT */
#ifndef HUB_WORLD_H
#define HUB_WORLD_H

/*
 * A hub and all that it needs, with no network: streams in memory, a source
 * that answers when the test says so, a clock that the test moves, listeners
 * that can be slow, full or gone and write down what they get.
 */

#include "buf.h"
#include "fake_judge.h"
#include "hub.h"
#include "model_redis.h"
#include "stats.h"
#include "ws_deflate.h"

#define WORLD_STREAMS  16
#define WORLD_REDIS_MS 1700000000000u /* Redis's clock at now_ms = 0 */

enum request_kind { REQUEST_OPEN, REQUEST_FETCH };

/* What the hub asked of the source and has no answer yet. */
struct request {
	enum request_kind kind;
	uint64_t stream_id;
	uint64_t window_id;
	struct entry_id after;
	uint64_t since_ms;
	size_t max_bytes;
	bool is_read; /* Redis has answered; the answer is on its way */
	struct model_read read;
};

struct followed {
	uint64_t stream_id; /* 0: none */
	struct model_stream *stream;
	struct entry_id position;
	bool is_open;
	bool has_position; /* was open once */
};

struct world {
	struct hub *hub;
	struct stats stats;
	struct fake_judge judge;
	struct contract contract;
	struct contract_endpoint endpoints[2];
	struct model_stream streams[WORLD_STREAMS];
	size_t stream_count;
	struct followed followed[WORLD_STREAMS];
	struct request requests[256];
	size_t request_count;
	uint64_t now_ms;
	bool is_up;
};

/* options NULL: small ones that bring out the bounds. */
void world_init(struct world *world, const struct hub_options *options);
void world_fini(struct world *world); /* asserts that all figures are 0 */
struct model_stream *world_stream(struct world *world, const char *key);
/* XADD with Redis's time of now. */
struct model_entry *world_add(
    struct world *world, struct model_stream *stream, char kind);

/* The source's side, one step each. */
bool world_read_request(struct world *world, size_t index);
void world_answer_request(struct world *world, size_t index);
bool world_feed(struct world *world, struct model_stream *stream);
void world_down(struct world *world);
void world_up(struct world *world);
/* All that the source has to say, and flushes, until nothing is left. Returns
 * the number of rounds that took. */
unsigned world_settle(struct world *world);

struct listener {
	struct world *world;
	struct subscription *subscription;
	uint64_t owner; /* owns commands `<owner>-…` */
	int room;       /* writes until FULL; below 0: endless */
	bool is_gone;
	bool owns_unknown;
	bool is_straight;      /* writes pass the op by while it says OK */
	enum hub_write told;   /* by the last straight write */
	unsigned deflate_bits; /* before it subscribes; 0: plain */
	struct ws_inflater *inflater;
	struct buf log; /* what it got, in short words */
	size_t writes;
	size_t straight_writes; /* of the writes */
	size_t answers;         /* of those that the op was told of */
	size_t write_bytes;
	size_t events;
	size_t deflated; /* of the events */
	/* Instead of the log, when set. */
	void (*on_opened)(struct listener *);
	void (*on_event)(struct listener *, struct entry_id, struct view text);
	void (*on_gap)(struct listener *, const struct gap *gap);
	void (*on_cursor)(struct listener *, struct entry_id cursor);
	void (*on_live)(
	    struct listener *, struct entry_id cursor, uint64_t replayed);
	void (*on_ended)(struct listener *, struct entry_id id, bool terminal);
};

extern const struct subscriber_ops listener_ops;

void listener_init(struct listener *listener, struct world *world);
void listener_fini(struct listener *listener); /* unsubscribes */
void listener_subscribe(struct listener *listener,
    const struct model_stream *stream, size_t endpoint, struct start start,
    bool notices, bool held);
/* It reads again: `room` more writes until it is full. */
void listener_read(struct listener *listener, int room);
/* The log since the last call, words separated by a space:
 * open | <id> event | gap:<reason>:<after>..<through>[>resumes] | cur:<id> |
 * live:<cursor>/<replayed> | end:<id> | ans:<id> (direct) | unusable */
const char *listener_log(struct listener *listener);

#endif
