/* SPDX-License-Identifier: MIT */
#ifndef VIEW_H
#define VIEW_H

/*
 * A view is borrowed bytes: a pointer and a length, no terminator, no owner.
 * It is good for as long as the bytes it points to are; whoever hands one out
 * says until when.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct view {
	const char *data;
	size_t len;
};

/* The bytes of a C string, without its terminator. */
static inline struct view
view_of(const char *text)
{
	return (struct view){ .data = text, .len = text ? strlen(text) : 0 };
}

static inline struct view
view_make(const void *data, size_t len)
{
	return (struct view){ .data = data, .len = len };
}

/* True when both hold the same bytes; two empty views are equal. */
static inline bool
view_equal(struct view a, struct view b)
{
	return a.len == b.len &&
	    (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool
view_is(struct view a, const char *text)
{
	return view_equal(a, view_of(text));
}

/* One to digits_max (at most 19) decimal digits and nothing else; false
 * otherwise, and *number_r stays. Leading zeros are fine. */
bool view_decimal(struct view text, size_t digits_max, uint64_t *number_r);

#endif
