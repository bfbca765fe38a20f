/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_ECMA_H
#define SCHEMA_ECMA_H

/* Checks that a pattern is ECMA-262 (unicode mode, with the leniency of Annex
 * B for escaped punctuation and lone braces) and rewrites it for PCRE2. */

#include "buf.h"
#include "error.h"

/* Appends to `out`. -1 and err: not ECMA-262. */
int schema_ecma_translate(
    struct view pattern, struct buf *out, struct error *err);

/* The PCRE2 spelling of what stands in \p{…}; NULL: no such property. Valid
 * until the next call with the same buffer. */
const char *schema_ecma_property(struct view name, char buffer[64]);

#endif
