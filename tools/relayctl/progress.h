/* SPDX-License-Identifier: MIT */
#ifndef PROGRESS_H
#define PROGRESS_H

/*
 * One line on stderr that is written over a few times a second, for whoever
 * waits in front of a terminal. Silent everywhere else.
 */

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool is_on;
	bool is_shown;
	uint64_t calls;
	uint64_t next_ms;
};

/* `wanted`: false with --json. */
void progress_init(struct progress *progress, bool wanted);

/* Cheap: looks at the clock only now and then. done of all bytes; all may be
 * 0. */
void progress_show(struct progress *progress, uint64_t frames, uint64_t invalid,
    uint64_t done, uint64_t all);

/* Takes the line off the screen. */
void progress_clear(struct progress *progress);

#endif
