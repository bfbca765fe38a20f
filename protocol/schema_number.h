/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_NUMBER_H
#define SCHEMA_NUMBER_H

/*
 * Exact decimals straight from JSON text: nothing is rounded, however long the
 * number. A decimal borrows the digits of the text it was read from; its value
 * is ±D × 10^scale, D being the digits of head and tail in a row. Leading and
 * trailing zeros are cut off, so equal values have equal digits and scale.
 */

#include "buf.h"

#include <stdint.h>

struct decimal {
	struct view head; /* digits left of the point */
	struct view tail; /* digits right of it */
	int64_t scale;
	int64_t small; /* the value, when is_small */
	bool is_small; /* an integer of at most 18 digits */
	bool is_negative;
};

/* `text` is a number that the scanner accepted. */
struct decimal decimal_of(struct view text);

/* <0, 0, >0. */
int decimal_compare(const struct decimal *a, const struct decimal *b);

bool decimal_is_integer(const struct decimal *number);

/* True when number = n × divisor for an integer n. divisor > 0. */
bool decimal_is_multiple(
    const struct decimal *number, const struct decimal *divisor);

/* Equal values have equal hashes under one seed (odd, secret). */
uint64_t decimal_hash(const struct decimal *number, uint64_t seed);

/* Writes the value in its shortest form: 0.5, 1200, 1e30. */
void decimal_print(const struct decimal *number, struct buf *out);

static inline size_t
decimal_digits(const struct decimal *number)
{
	return number->head.len + number->tail.len; /* 0: the value is zero */
}

#endif
