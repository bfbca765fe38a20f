/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_H
#define MEMORY_H

/*
 * How much memory there is and how much of it is in use, as the kernel sees it:
 * of this process, and of the control group that it runs in (version 1 or 2),
 * in which whatever else it started counts too. What it reads from is opened
 * once, before a sandbox closes the rest.
 */

#include <stdbool.h>
#include <stdint.h>

struct memory;

struct memory_figures {
	uint64_t used;
	uint64_t limit; /* UINT64_MAX: none is known */
};

struct memory *memory_new(void);
void memory_free(struct memory **memory);

/* By `own_limit` for the process (0: none) or by the group's limit, whichever is
 * nearer. */
struct memory_figures memory_look(struct memory *memory, uint64_t own_limit);

enum memory_level {
	MEMORY_FINE,
	MEMORY_TIGHT, /* from 85 %: nobody new comes in */
	MEMORY_DIRE   /* from 92 %: who lags is served from Redis */
};

/* The next level; back to a lower one only when there are 5 % to spare, so that
 * it does not flutter. */
enum memory_level memory_judge(
    enum memory_level now, const struct memory_figures *figures);

/* What is needed, and how much it once was: what a crowd has left behind malloc
 * keeps, unless it is told to give it back. All zero at first. */
struct memory_tide {
	uint64_t highest; /* bytes, since it was given back last */
	uint64_t ebb_ms;  /* for so long it has been half of that or less */
};

/* Every step_ms, with about how many bytes are needed now. True, once: most of
 * it has not been needed for some seconds, and it is worth the work. */
bool memory_has_ebbed(
    struct memory_tide *tide, uint64_t needed, uint64_t step_ms);

#endif
