/* SPDX-License-Identifier: MIT */
#ifndef UTF8_H
#define UTF8_H

/* Well-formed UTF-8 as in RFC 3629: shortest form, no surrogates, nothing
 * above U+10FFFF. */

#include "view.h"

#include <stdint.h>

/* Bytes of the well-formed sequence at `at` (1 to 4); 0 when it is malformed
 * or cut off by `end`. at < end. */
size_t utf8_sequence(const uint8_t *at, const uint8_t *end);

bool utf8_is_valid(struct view text);

/* Encodes a code point that is no surrogate; returns its length. */
size_t utf8_encode(uint32_t code_point, char out[4]);

#endif
