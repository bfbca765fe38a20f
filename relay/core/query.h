/* SPDX-License-Identifier: MIT */
#ifndef QUERY_H
#define QUERY_H

/* The query string of a request: `name=value&…`, percent-encoded, '+' for a
 * space. Malformed escapes stay as they are written. */

#include "buf.h"

/* True when a parameter of that (decoded) name is there; its decoded value, of
 * the last one if there are several, replaces what value_r holds. */
bool query_get(struct view query, const char *name, struct buf *value_r);

/* Without white space at both ends. */
struct view query_trim(struct view text);

#endif
