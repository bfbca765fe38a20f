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

/* Text that comes in pieces; all zero to begin with. Embedded. */
struct utf8_pieces {
	uint8_t more; /* bytes that the sequence begun still wants */
	uint8_t low;  /* the next of them lies between these two */
	uint8_t high;
};

/* False with the first byte that cannot be right, whatever follows. Between
 * two pieces, `more` tells whether the text may end there: only when it is 0. */
bool utf8_add(struct utf8_pieces *pieces, struct view piece);

/* Encodes a code point that is no surrogate; returns its length. */
size_t utf8_encode(uint32_t code_point, char out[4]);

#endif
