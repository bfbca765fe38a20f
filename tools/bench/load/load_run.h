/* SPDX-License-Identifier: MIT */
#ifndef LOAD_RUN_H
#define LOAD_RUN_H

/*
 * A load run as a whole: starts the producer, opens the connections, waits
 * until each of them gets events, lets the producer go, and ends when all has
 * arrived, nothing comes any more, or the time is up.
 */

#include "load_plan.h"
#include "load_tally.h"

struct load_outcome {
	struct load_tally tally;
	uint64_t expected;   /* deliveries, over all connections */
	uint64_t published;  /* by the producer, probes left out */
	uint64_t connect_us; /* from the first connect to the last upgrade */
	uint64_t traffic_us; /* from the start of the events to the last one */
	uint64_t began_us;   /* CLOCK_MONOTONIC at the start of the events */
	uint64_t own_cpu_us; /* this process during the traffic */
	uint64_t inflated;   /* messages that zlib was asked for */
	bool has_cost;
	struct load_cost before;  /* no connection yet */
	struct load_cost open;    /* all open, nothing sent yet */
	struct load_cost traffic; /* all has arrived */
	struct load_cost held;    /* at the end of the hold */
	const char *gave_up;      /* NULL: it came to its end */
};

/* -1: the run could not begin or its producer failed; err says why. Raises
 * RLIMIT_NOFILE as far as allowed. */
int load_run(const struct load_plan *plan, struct load_outcome *outcome_r,
    struct error *err);

/* Frees what the outcome holds. */
void load_outcome_fini(struct load_outcome *outcome);

/* Every event arrived on every connection of its stream and on no other, each
 * once, in order, and no connection was refused or closed. */
bool load_outcome_is_good(
    const struct load_plan *plan, const struct load_outcome *outcome);

#endif
