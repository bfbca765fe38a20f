/* SPDX-License-Identifier: MIT */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

/* What came of a load run, as text and as JSON. */

struct ctl;
struct load_plan;
struct load_outcome;

void bench_report(struct ctl *ctl, const struct load_plan *plan,
    const struct load_outcome *outcome);

#endif
