/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_SHAPE_PARTS_H
#define SCHEMA_SHAPE_PARTS_H

/* Inside of schema_shape*.c: what a pattern is read into and run from. */

#include "schema_shape.h"

#include <stdint.h>

#define SHAPE_ITEMS_MAX 48

/* What a class says of characters beyond ASCII. */
enum shape_wide {
	WIDE_NONE,
	WIDE_ALL,
	WIDE_SPACES,
	WIDE_NOT_SPACES,
	WIDE_NOT_LINE
};

struct shape_item {
	uint64_t ascii[4]; /* by byte; the upper half stays empty */
	uint32_t min;
	uint32_t max;
	enum shape_wide wide;
	unsigned char literal; /* exactly this one character; else NUL */
};

struct schema_shape {
	struct shape_item items[SHAPE_ITEMS_MAX];
	uint32_t count;
	bool at_start;      /* ^ */
	bool at_end;        /* $ */
	struct view *words; /* ^(a|b)$: then nothing else counts */
	uint32_t word_count;
	char *text;
};

static inline bool
shape_item_has(const struct shape_item *item, unsigned char c)
{
	return item->ascii[c / 64] >> c % 64 & 1;
}

#endif
