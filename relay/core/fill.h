/* SPDX-License-Identifier: MIT */
#ifndef FILL_H
#define FILL_H

/*
 * A batch of entries becomes frames: each entry is judged once for all views,
 * and appended to the chain of every view that is read, be it the live chain
 * or a window. Private to the hub.
 */

#include "stream.h"

/* On the stack of one call. */
struct fill {
	struct stream *stream;
	bool is_live; /* for the counters */
	size_t chain_count;
	struct chain *chains[JUDGE_ENDPOINTS_MAX]; /* by endpoint, or NULL */
	bool marks[JUDGE_ENDPOINTS_MAX]; /* somebody there knows notices */
};

void fill_init(struct fill *fill, struct stream *stream, bool is_live);
void fill_add(struct fill *fill, struct topic *topic, struct chain *chain);

/* The batch's gap and all its entries behind `after`. Somebody must stand in
 * each chain. */
void fill_batch(
    struct fill *fill, const struct batch *batch, struct entry_id after);

/* True when a gap in front of it makes all ids mean something new. */
bool batch_voids_ids(const struct batch *batch);
/* Is this the id of one of its entries? */
bool batch_has_entry(const struct batch *batch, struct entry_id id);

#endif
