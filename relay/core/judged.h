/* SPDX-License-Identifier: MIT */
#ifndef JUDGED_H
#define JUDGED_H

/*
 * Which entries of one stream this process has already looked at: a few
 * disjoint ranges of ids, so that drift counts an entry once although windows
 * read it again. When there would be too many, the two oldest become one:
 * then an entry may go uncounted, but never is one counted twice.
 */

#include "entry_id.h"

#define JUDGED_RANGES 4

struct judged_range {
	struct entry_id after;   /* exclusive */
	struct entry_id through; /* inclusive */
};

struct judged_set {
	struct judged_range ranges[JUDGED_RANGES]; /* ascending, disjoint */
	unsigned count;
};

/* Embedded in its stream; all zero is empty. */
struct judged {
	struct judged_set now;
	struct judged_set before; /* by a contract or modes that hold no more */
};

/* What was known of streams that nobody follows any more, in case somebody
 * comes back: one place for each hash, so a later stream may drive it out. */
#define JUDGED_MEMO_PLACES 1024

struct judged_note {
	uint32_t key_hash;
	size_t key_length;
	struct judged judged;
};

/* Embedded in the hub; all zero is empty. */
struct judged_memo {
	struct judged_note *notes[JUDGED_MEMO_PLACES]; /* owned, or NULL */
};

/* All that is known was judged by what no longer holds. */
void judged_memo_age(struct judged_memo *memo);
void judged_memo_fini(struct judged_memo *memo);
void judged_memo_keep(struct judged_memo *memo, uint32_t key_hash,
    size_t key_length, const struct judged *judged);
/* Empty when nothing is known. */
struct judged judged_memo_find(
    const struct judged_memo *memo, uint32_t key_hash, size_t key_length);

/* The greatest id that was looked at, 0-0 when there is none. */
struct entry_id judged_last(const struct judged *judged);

bool judged_has(const struct judged *judged, struct entry_id id);
bool judged_had(const struct judged *judged, struct entry_id id);
void judged_age(struct judged *judged);
/* after < through, else nothing is added. */
void judged_add(
    struct judged *judged, struct entry_id after, struct entry_id through);

#endif
