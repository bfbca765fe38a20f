/* SPDX-License-Identifier: MIT */
#ifndef LOAD_PLAN_H
#define LOAD_PLAN_H

/*
 * What a run does: set once, read by the producer's process and the clients'.
 * Bursts of events go to the active streams in turn; each event is numbered
 * within its stream, those that were there before (prefill) included.
 */

#include "load_outlet.h"
#include "load_process.h"

struct load_plan {
	struct load_place place;
	bool has_producer;    /* false: the server makes the events itself */
	const char *url;      /* template, ws:// */
	const char *protocol; /* offered sub-protocol, or NULL */
	const char *hello;    /* text frame sent after the upgrade, or NULL */
	unsigned subscribers; /* spread over the streams in turn */
	unsigned streams;
	unsigned active;         /* of them, evenly spread, get events */
	unsigned bytes;          /* length of an event */
	uint64_t prefill;        /* events in each stream before the connects */
	uint64_t events;         /* in all, a multiple of burst */
	unsigned burst;          /* events that become visible at once */
	unsigned window;         /* without rate: bursts under way */
	unsigned rate;           /* events/s; 0: as fast as they arrive */
	unsigned idle_seconds;   /* nothing happens between open and traffic */
	unsigned hold_seconds;   /* keep the connections for so long */
	unsigned slice_ms;       /* latencies by slices of time; 0: none */
	bool deflate;            /* compression is demanded */
	unsigned connecting_max; /* handshakes at a time */
	unsigned stall_seconds;  /* nothing came for so long: give up */
	unsigned limit_seconds;  /* the run ends after so long, whatever */
	struct load_pids pids;   /* the server's */
};

/* From one active stream to the next. Those that are made one after another
 * lie side by side in a server's memory: the few that are active in the end are
 * no such neighbours. */
static inline unsigned
load_plan_step(const struct load_plan *plan)
{
	return plan->streams / plan->active;
}

static inline unsigned
load_plan_stream(const struct load_plan *plan, uint64_t burst)
{
	return (unsigned)(burst % plan->active) * load_plan_step(plan);
}

/* The number of the last event that a stream gets. */
static inline uint64_t
load_plan_last(const struct load_plan *plan, unsigned stream)
{
	uint64_t bursts = plan->events / plan->burst;
	uint64_t share = bursts / plan->active;
	unsigned place = stream / load_plan_step(plan);
	if (stream % load_plan_step(plan) != 0 || place >= plan->active)
		return plan->prefill;
	return plan->prefill +
	    (share + (place < bursts % plan->active)) * plan->burst;
}

#endif
