/* SPDX-License-Identifier: MIT */
#ifndef ONCE_H
#define ONCE_H

/*
 * Which stream entries this process has told of already, whatever worker read
 * them, and however often: so that drift counts each once. It remembers the
 * last 65,536 or so; an older one that comes again is counted again.
 */

#include "entry_id.h"
#include "view.h"

struct once;

struct once *once_new(void);
void once_free(struct once **once);

/* True for the first caller who names this entry. From any thread. */
bool once_take(struct once *once, struct view stream, struct entry_id id);

#endif
