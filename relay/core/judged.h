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

/* Embedded in its stream; all zero is empty. */
struct judged {
	struct judged_range ranges[JUDGED_RANGES]; /* ascending, disjoint */
	unsigned count;
};

bool judged_has(const struct judged *judged, struct entry_id id);
/* after < through, else nothing is added. */
void judged_add(
    struct judged *judged, struct entry_id after, struct entry_id through);

#endif
