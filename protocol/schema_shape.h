/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_SHAPE_H
#define SCHEMA_SHAPE_H

/*
 * Patterns that need no backtracking, run as byte loops: a row of classes with
 * counts where each class is disjoint from what may follow it
 * (^[a-z]+-[0-9]{4}$, ^x-, \S), and alternations of literals (^(a|b)$).
 */

#include "view.h"

struct schema_shape;

/* `pattern` is known to be ECMA-262. NULL: it has no such shape. */
struct schema_shape *schema_shape_new(struct view pattern);
void schema_shape_free(struct schema_shape **shape);

bool schema_shape_match(const struct schema_shape *shape, struct view text);

#endif
