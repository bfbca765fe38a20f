/* SPDX-License-Identifier: MIT */
#ifndef DISCREET_H
#define DISCREET_H

/*
 * Names of members and types are shown in reports, metrics and logs; values are
 * not. A map that is keyed by tokens, addresses or ids has values for names:
 * what looks like one of those is not shown either. A guess, made on the safe
 * side for what is long and full of digits, which names are not.
 */

#include "view.h"

#define DISCREET_NAME_MAX 64 /* bytes; what is longer is no name */

/* May this text be shown as a name? */
bool discreet_is_name(struct view text);

/* Writes the pointer with `*` for each token that may not be shown, as far as
 * it fits. */
void discreet_pointer(const char *pointer, char *out, size_t size);

#endif
