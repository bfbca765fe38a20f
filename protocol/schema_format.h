/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

/* The values of `format` that can be asserted, and their judges. */

#include "view.h"

#include <stdint.h>

struct schema_format {
	const char *name;
	bool (*is_valid)(struct view text);
};

/* NULL: not a format that we know; then it decides nothing. */
const struct schema_format *schema_format_find(struct view name);

/* Each judges valid UTF-8: schema_format_date_time and so on. */
#define FORMAT(name, function) bool schema_format_##function(struct view text);
#include "schema_formats.def"
#undef FORMAT

/* What they share. */
static inline bool
format_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
format_is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static inline bool
format_is_hex(char c)
{
	return format_is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

#endif
