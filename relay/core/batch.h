/* SPDX-License-Identifier: MIT */
#ifndef BATCH_H
#define BATCH_H

/*
 * What the Redis side hands to the core: a run of stream entries that is
 * proven complete between two ids, with an announced gap in front where
 * completeness cannot be had. The same shape serves live reads and windows for
 * those behind. All views are borrowed for the length of the call.
 */

#include "entry_id.h"
#include "view.h"

enum gap_reason {
	GAP_TRIMMED,
	GAP_DELETED,
	GAP_RECREATED,
	GAP_REWOUND,
	GAP_DEAD_LETTERED
};

/* "trimmed", "deleted", … as on the wire. */
const char *gap_reason_name(enum gap_reason reason);

struct gap {
	enum gap_reason reason;
	struct entry_id after;      /* last id that is certain */
	struct entry_id through;    /* usable as a cursor */
	struct entry_id resumes_at; /* first id that is there */
	bool resumes_known;
};

struct batch_entry {
	struct entry_id id;
	bool has_event; /* false: no `event` field */
	struct view event;
	struct view producer;    /* empty when absent */
	struct view traceparent; /* empty when absent */
	struct entry_id command; /* 0-0 when absent or malformed */
};

/* After a gap of GAP_RECREATED or GAP_REWOUND all ids mean something new: then
 * `through` (which may be lower than `after`) is the stream's tail now, from
 * which the source reads on, and there are no entries: who is to get them
 * reads them from 0-0. */
struct batch {
	struct entry_id after;   /* complete from here (exclusive) … */
	struct entry_id through; /* … to here (inclusive) */
	bool has_gap;            /* gap lies before the first entry */
	struct gap gap;
	const struct batch_entry *entries;
	size_t count;
};

/* What Redis says of a stream: XINFO STREAM and TIME in one transaction. */
struct stream_info {
	bool exists;
	bool wrong_type;        /* the key holds something else */
	struct entry_id oldest; /* 0-0 when it has no entry */
	struct entry_id newest; /* last-generated-id */
	/* The highest id that was ever deleted by name; 0-0: none. Where Redis
	 * does not say, the highest there can be. */
	struct entry_id deleted;
	uint64_t redis_now_ms; /* unix ms on Redis's clock */
};

#endif
