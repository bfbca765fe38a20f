/* SPDX-License-Identifier: MIT */
#ifndef LOAD_TEMPLATE_H
#define LOAD_TEMPLATE_H

/* Texts with places to fill in, for each stream of a load run. */

#include "buf.h"

/* Appends `text` with {run}, {n} and {event} filled in; other braces stay. */
void load_template(struct buf *out, const char *text, const char *run,
    unsigned stream, struct view event);

#endif
