/* SPDX-License-Identifier: MIT */
#ifndef LOAD_PROCESS_H
#define LOAD_PROCESS_H

/* What processes have cost so far, from /proc. */

#include <stddef.h>
#include <stdint.h>

#define LOAD_PIDS_MAX 16

struct load_pids {
	int items[LOAD_PIDS_MAX];
	size_t count;
};

struct load_cost {
	uint64_t cpu_us;    /* utime + stime, in steps of 10 ms */
	uint64_t pss_bytes; /* proportional memory; 0 where it is not told */
};

/* "12" or "12,34"; -1: not that, or more than LOAD_PIDS_MAX. */
int load_pids_parse(struct load_pids *pids, const char *text);

/* The sum over all of them. -1: one of them is gone. */
int load_process_cost(const struct load_pids *pids, struct load_cost *cost_r);

#endif
