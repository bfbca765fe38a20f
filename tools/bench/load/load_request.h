/* SPDX-License-Identifier: MIT */
#ifndef LOAD_REQUEST_H
#define LOAD_REQUEST_H

/* What a connection of a load run says to be upgraded. */

#include "buf.h"
#include "load_dial.h"
#include "load_plan.h"

/* Replaces what is in `out` by the request of a subscriber of the stream,
 * terminated. Compression, where the plan demands it, is offered without
 * context takeover on either side. */
void load_request_build(struct buf *out, const struct load_plan *plan,
    const struct load_url *url, unsigned stream);

#endif
