/* SPDX-License-Identifier: MIT */
#ifndef STATUS_H
#define STATUS_H

/* The body of GET /api/v1/runtime/status: what the relay knows of itself, for
 * people and tools (schemas/relay/status.schema.json). */

#include "readiness.h"
#include "stats.h"
#include "tally.h"

#define STATUS_ADDRESSES 16

struct status_facts {
	const char *version;
	const char *node;
	const char *contract_name, *contract_version, *contract_hash;
	const char *event_mode; /* off, warn, enforce */
	uint64_t workers;
	uint64_t started_ms; /* unix */
	uint64_t now_ms;     /* unix */
	bool is_draining;
	bool is_up;            /* every worker's reading pair is in force */
	uint64_t since_ms;     /* unix; since when is_up is what it is */
	const char *redis_url; /* without secrets */
	bool redis_is_private;
	const char *wakeup;  /* source_wakeup() */
	uint64_t latency_us; /* of the last read; 0: none yet */
	const struct readiness_result *probe;
	uint64_t probe_age_ms;
	uint64_t drift_breaches;
	uint64_t drift_undeclared;
	uint64_t drift_cells;
	uint64_t drift_other;
	enum component auth;
	struct tally_row addresses[STATUS_ADDRESSES]; /* tally_busiest() */
	size_t address_count;
	struct stats *sum; /* over all workers */
	const struct stats_names *names;
};

void status_print(const struct status_facts *facts, struct buf *out);

/* The body of GET /ready. `is_draining`: not ready, whatever else holds. */
void status_print_ready(const struct readiness_result *result,
    enum component auth, bool is_draining, struct buf *out);

#endif
