/* SPDX-License-Identifier: MIT */
#ifndef SINK_PARTS_H
#define SINK_PARTS_H

/* What sink*.c share and nobody else may include. */

#include "dead_letter.h"
#include "script.h"
#include "sink.h"
#include "stats.h"

#include <uv.h>

/*
 * Two connections: `commands` for what a client waits for (and the records that
 * belong to it), `aside` for dead letters and the chores.
 */
struct sink {
	uv_loop_t *loop;
	struct sink_options options; /* its views point into `texts` */
	struct stats *stats;
	struct session_env *env; /* NULL: nobody to answer */
	struct redis_link *commands;
	struct redis_link *aside;
	struct dead_letters *letters;
	struct script submit, release, renew, trim;

	size_t inflight;
	size_t inflight_bytes;

	uv_timer_t timer; /* chores, every second */
	unsigned ticks;
	bool is_sampling;
	uint64_t submitted; /* commands sent, ever */
	uint64_t asked_at;  /* `submitted` when the lag was asked for */
	uint64_t backlog;   /* at the last answer … */
	uint64_t counted;   /* … which counts commands up to this */
	char *texts;
};

/* --- sink_chores.c --- */
void sink_chores_start(struct sink *sink);
/* From now on commands.max_backlog is more than 0. */
void sink_backlog_begin(struct sink *sink);
/* Would one more command be over commands.max_backlog? */
bool sink_backlog_is_full(struct sink *sink);

#endif
