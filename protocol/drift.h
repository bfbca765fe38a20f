/* SPDX-License-Identifier: MIT */
#ifndef DRIFT_H
#define DRIFT_H

/*
 * What traffic showed against what the contract says: breaches, members that
 * are sent and not declared, types, members and values that are declared and
 * never sent. Kept in cells, one for each (direction, endpoint, type, pointer
 * with `*` for items, rule, producer, name), at most as many as the bound says;
 * what does not fit is counted as `other`. Holds names, types and counts, never values,
 * except short identifiers that stand where the contract names values.
 *
 * One thread writes; any thread may print at the same time. Without breach and
 * new names nothing is allocated and an event costs a hash over its tape.
 */

#include "contract.h"
#include "entry_id.h"

#define DRIFT_CELLS 4096u /* where nobody says how many */

enum drift_direction { DRIFT_SERVER, DRIFT_CLIENT };

struct drift;

/* Is this the first time that anybody here sees the frame? Asked only when
 * something would be counted in a cell, so that it may cost a little. */
typedef bool drift_first_fn(void *arg);

/* Where a frame came from. Borrowed for the call. */
struct drift_origin {
	enum drift_direction direction;
	size_t endpoint;      /* of the contract; for an unknown type: any */
	struct view producer; /* empty: it gave no name */
	struct entry_id id;   /* of the stream entry; 0-0: none */
	drift_first_fn *is_first; /* NULL: it is */
	void *arg;
};

/* What the cells of all drifts of a contract are counted against; 1 to a
 * million. Shared by threads, owned by who makes the drifts. */
struct drift_bound {
	uint32_t cells_max;
	_Atomic uint32_t cells;
};

/* Contract and bound are borrowed for the drift's life. */
struct drift *drift_new(const struct contract *contract,
    struct drift_bound *bound, uint64_t now_ms);
void drift_free(struct drift **drift);

/* What time it is, unix ms: first and last seen are no finer than this. */
void drift_tick(struct drift *drift, uint64_t now_ms);

/* A frame of a declared message, valid or not. */
void drift_see(struct drift *drift, const struct drift_origin *origin,
    const struct contract_message *message, struct schema_scratch *scratch,
    const struct json_doc *doc);
/* And what its schema has against it. */
void drift_breach(struct drift *drift, const struct drift_origin *origin,
    const struct contract_message *message, const struct json_doc *doc,
    const struct violation *violations, size_t count);
/* An object whose type is missing or not declared. */
void drift_unknown(struct drift *drift, const struct drift_origin *origin,
    const struct json_doc *doc);
/* A frame that could not be judged: a code of dead letters, where (or ""), and
 * why in words without values. */
void drift_fault(struct drift *drift, const struct drift_origin *origin,
    const char *code, const char *pointer, const char *why);

/* --- from any thread; drifts of one contract taken together --- */

/* The report as a JSON object. */
void drift_print(struct drift *const *drifts, size_t count, uint64_t now_ms,
    struct buf *out);
/* relay_contract_violations_total, as Prometheus or OpenMetrics text. */
void drift_print_metrics(struct drift *const *drifts, size_t count,
    bool as_openmetrics, struct buf *out);
/* For status: breaches and undeclared members so far, and cells in use. */
struct drift_totals {
	uint64_t breaches, undeclared, other, cells;
};
struct drift_totals drift_totals(struct drift *const *drifts, size_t count);

#endif
