/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_JSONC_H
#define REFERENCE_JSONC_H

/* json-c's opinion, in a file of its own: its names collide with ours. */

#include "buf.h"

#include <stdint.h>

/* Integers of fewer digits than these are compared as such. */
#define REFERENCE_INTEGER 100000000000000000 /* 10^17 */

/*
 * True when json-c parses the text (or only finds it too deep). What it
 * understood is appended to `shape`, nothing when it was too deep: one letter
 * a value (n t f s [ ] { } i d N), integers and doubles with their value,
 * strings and keys with their length and bytes. N is an integer of 10^17 or
 * more, which json-c clamps.
 */
bool reference_jsonc(const char *text, size_t size, struct buf *shape);

/* The same letters, for the side that knows no json-c. */
void reference_add_integer(struct buf *shape, int64_t value);
void reference_add_double(struct buf *shape, double value);
void reference_add_string(struct buf *shape, struct view text);

#endif
