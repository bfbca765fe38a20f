/* SPDX-License-Identifier: MIT */
#ifndef NEAREST_H
#define NEAREST_H

/* "Did you mean": the known name that a misspelt one most likely stands for. */

#include "view.h"

/* First a name that is equal but for case, '_' and '-' (maxDepth -> max_depth),
 * then the one with the fewest typing slips, if they are few for its length.
 * NULL when nothing is near. Borrowed from `names`. Not for hot paths. */
const char *nearest_name(
    struct view name, const char *const *names, size_t count);

/* The one with the fewest slips, however many these are; NULL only when there
 * is none at all. */
const char *nearest_of_all(
    struct view name, const char *const *names, size_t count);

#endif
