/* SPDX-License-Identifier: MIT */
#ifndef JUDGE_DRIFT_H
#define JUDGE_DRIFT_H

/* What the judge tells the drift report of one entry. Each call is nothing when
 * there is no report, or the entry is not looked at for the first time. */

#include "batch.h"
#include "drift.h"

struct once;

struct judge_drift {
	struct drift *drift; /* NULL: no report */
	struct once *once;   /* NULL: all entries are new */
	/* The entry at hand. */
	struct drift_origin origin;
	struct view stream;
	bool is_known; /* whether it is the first time … */
	bool is_first; /* … was asked, and the answer */
};

void judge_drift_begin(struct judge_drift *drift, struct view stream,
    const struct batch_entry *entry, bool first_look);
void judge_drift_see(struct judge_drift *drift, size_t endpoint,
    const struct contract_message *message, struct schema_scratch *scratch,
    const struct json_doc *doc);
void judge_drift_breach(struct judge_drift *drift, size_t endpoint,
    const struct contract_message *message, const struct json_doc *doc,
    const struct violation *violations, size_t count);
void judge_drift_unknown(struct judge_drift *drift, const struct json_doc *doc);
void judge_drift_fault(struct judge_drift *drift, const char *code,
    const char *pointer, const char *why);

/* Would a breach be counted? Then it pays to explain it in full. */
bool judge_drift_wants(struct judge_drift *drift);

#endif
