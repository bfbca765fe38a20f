/* SPDX-License-Identifier: MIT */
#ifndef LOAD_TALLY_H
#define LOAD_TALLY_H

/* What the connections of a run have seen, all together. Plain data. */

#include "load_histogram.h"
#include "load_slices.h"

struct load_tally {
	uint64_t events;   /* each once and in its place; probes left out */
	uint64_t missing;  /* numbers that were left out */
	uint64_t repeated; /* doubled or out of order */
	uint64_t strayed;  /* events and probes of another stream */
	uint64_t probes;
	uint64_t others;     /* messages without a stamp */
	uint64_t compressed; /* messages, inflated and looked at like others */
	uint64_t bytes;
	uint64_t reads;
	unsigned open;                 /* connections after the upgrade, now */
	unsigned opened;               /* ... ever */
	unsigned ready;                /* have seen a probe */
	unsigned complete;             /* have seen their last event */
	unsigned refused;              /* no upgrade */
	unsigned closed;               /* by the server, after the upgrade */
	unsigned broken;               /* frames that no server may send */
	unsigned close_code;           /* of the first close frame; 0: none */
	char refusal[64];              /* the first one's status line */
	struct load_histogram latency; /* of events that were not prefilled */
	struct load_slices slices;     /* the same over time, if wanted */
};

static inline void
load_tally_latency(struct load_tally *tally, uint64_t ns, uint64_t now_ns)
{
	load_histogram_add(&tally->latency, ns, 1);
	if (tally->slices.slice_ns)
		load_slices_add(&tally->slices, ns, now_ns - ns);
}

#endif
