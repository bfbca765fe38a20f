/* SPDX-License-Identifier: MIT */
#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CALLS_BETWEEN 256
#define EVERY_MS      200
#define FIRST_MS      300 /* what is done before then shows nothing */

static uint64_t
now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void
progress_init(struct progress *progress, bool wanted)
{
	*progress =
	    (struct progress){ .is_on = wanted && isatty(STDERR_FILENO) };
	if (progress->is_on)
		progress->next_ms = now_ms() + FIRST_MS;
}

void
progress_show(struct progress *progress, uint64_t frames, uint64_t invalid,
    uint64_t done, uint64_t all)
{
	if (!progress->is_on || ++progress->calls % CALLS_BETWEEN != 0)
		return;
	uint64_t now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + EVERY_MS;
	progress->is_shown = true;
	fprintf(stderr, "\r\033[K%" PRIu64 " frames, %" PRIu64 " invalid",
	    frames, invalid);
	if (all > 0)
		fprintf(stderr, ", %" PRIu64 " %%",
		    done < all ? done * 100 / all : 100);
	fflush(stderr);
}

void
progress_clear(struct progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}
