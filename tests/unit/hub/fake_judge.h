/* SPDX-License-Identifier: MIT */
#ifndef FAKE_JUDGE_H
#define FAKE_JUDGE_H

/*
 * Stands in for the judge in tests of the hub, which calls nothing of it but
 * judge_entry. There are two endpoints, 0 and 1; the entry's own member "k"
 * says what to answer:
 *   a  delivered to both          0, 1  delivered to that one, other's else
 *   t  delivered to both, terminal      d  direct at 0, nothing at 1
 *   r  refused for both           n  nobody's
 * Text without a "k" is delivered to both.
 */

#include "judge.h"

struct fake_judge {
	uint64_t judged;
	uint64_t first_looks;
	uint64_t anew_looks;
};

/* As the hub wants it. */
struct judge *fake_judge(struct fake_judge *fake);
/* Would the view of `endpoint` get entries of this kind? */
bool fake_judge_delivers(char kind, size_t endpoint);

#endif
