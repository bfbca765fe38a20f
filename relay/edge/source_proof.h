/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_PROOF_H
#define SOURCE_PROOF_H

/*
 * Was anything lost between a position and what was read behind it? XREAD
 * skips what was trimmed or deleted without a word; what XINFO STREAM said in
 * the same transaction decides. Pure: values in, verdict out.
 */

#include "batch.h"

/* What XINFO STREAM says. Redis before 7.0 knows neither the greatest deleted
 * id nor how many entries were ever added. */
struct source_info {
	bool exists;
	bool wrong_type;
	struct entry_id oldest; /* 0-0 when it has no entry */
	struct entry_id newest; /* last-generated-id */
	uint32_t
	    entry_bytes; /* of the first or last one, the larger; 0: none */
	uint64_t length;
	bool knows_deleted;
	struct entry_id max_deleted;
	bool knows_added;
	uint64_t added;
};

/* A position whose own entry was not there. `next`: the first entry behind it
 * that the same transaction read, 0-0 when there is none. True: *gap_r lies
 * between. rewound and recreated void the position: `through` is 0-0, all that
 * is there follows it. */
bool source_proof_gap(const struct source_info *info, struct entry_id position,
    struct entry_id next, struct gap *gap_r);

/* A start that is no entry's id: 0-0, or just before some point in time. */
bool source_proof_start(
    const struct source_info *info, struct entry_id start, struct gap *gap_r);

#endif
