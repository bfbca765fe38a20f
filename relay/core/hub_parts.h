/* SPDX-License-Identifier: MIT */
#ifndef HUB_PARTS_H
#define HUB_PARTS_H

/* The hub's own state, shared by the files that it is made of. */

#include "hub.h"
#include "run.h"
#include "stats.h"
#include "subscription.h"

/* The hub's rules that are no options. */
#define HUB_LATE_OPEN_MS 250  /* later, START_LIVE becomes START_SINCE */
#define HUB_BLOCKED_MS   1000 /* then a place in a window is given up */
#define HUB_KEEP_MS      1000 /* so long a window is kept for others */
#define HUB_KEEP_ALONE   2    /* of a stream, while used by one alone */
/* What those in windows get in one flush, in bytes, and what a write weighs
 * besides: news of the next turn wait for no more than that. */
#define HUB_READING_BYTES (256 * 1024)
#define HUB_WRITE_WEIGHT  4096
/* So long behind the last live events windows are half as large, and no larger
 * than that: judging one holds up live news. */
#define HUB_LIVELY_MS      1000
#define HUB_LIVELY_BYTES   (64 * 1024)
#define HUB_FAST_MS        100   /* who is through a window by then is fast */
#define HUB_CURSOR_MS      15000 /* then a cursor notice is due */
#define HUB_CURSOR_ENTRIES 1000  /* likewise */

struct ws_deflater;

struct hub {
	struct hub_options options;
	const struct contract *contract;
	struct judge *judge;
	struct stats *stats;
	const struct hub_source_ops *source;
	void *source_arg;
	struct block_pool pool;
	struct stream_map streams;
	struct judged_memo judged; /* of streams that were followed before */
	struct list dirty;         /* topic.dirty: frames to serve */
	struct list runnable;      /* subscription.link: has something to do */
	struct list reading; /* subscription.link: likewise, in a window */
	struct list stuck;   /* subscription.link: blocked in a window, FIFO */
	struct list hungry;  /* stream.hungry: want a window */
	struct list paused;  /* stream.hungry: not before the next tick */
	struct list quiet;   /* topic.quiet, FIFO */
	struct list loaded;  /* topic.loaded */
	struct list windows; /* window.link, oldest first */
	size_t window_count;
	size_t subscription_count;
	size_t behind_count;
	size_t in_flight; /* fetches asked and not answered */
	uint64_t last_stream_id;
	uint64_t last_window_id;
	uint64_t void_windows; /* answers up to this id are void */
	uint64_t now_ms;
	uint64_t lively_ms; /* until then windows are small */
	bool is_up;
	struct run memos[FORM_COUNT];
	struct ws_deflater *deflaters[FORM_COUNT]; /* NULL: not yet needed */
	/* What became of frames that were accepted for subscriptions. */
	uint64_t sent;
	uint64_t skipped;
	uint64_t marks;
};

/* The first link, taken out of its list. */
static inline struct list *
list_pop(struct list *list)
{
	struct list *first = list->next;
	list_remove(first);
	return first;
}

/* All links of `from` go to `to`, which is initialized. */
static inline void
list_take(struct list *to, struct list *from)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	*to = *from;
	to->next->prev = to;
	to->prev->next = to;
	list_init(from);
}

void hub_gauges(struct hub *hub);

/* Asserts that everything fits together; linear in all there is. For tests. */
void hub_check(struct hub *hub);

#endif
