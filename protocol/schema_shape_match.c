/* SPDX-License-Identifier: MIT */

/* A text against a shape: an item takes all that it can and gives nothing back;
 * schema_shape.c says why that is right. */

#include "schema_shape_parts.h"

/* ECMA-262 white space and line ends beyond ASCII. */
static bool
is_wide_space(uint32_t c)
{
	return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	    c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
	    c == 0x3000 || c == 0xfeff;
}

static uint32_t
decode(const unsigned char **at)
{
	const unsigned char *p = *at;
	unsigned extra = p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	uint32_t code_point = p[0] & (0x3fu >> extra);
	for (unsigned i = 1; i <= extra; i++)
		code_point = code_point << 6 | (p[i] & 0x3fu);
	*at += extra + 1;
	return code_point;
}

static bool
has_wide(enum shape_wide wide, uint32_t code_point)
{
	switch (wide) {
	case WIDE_NONE:
		return false;
	case WIDE_ALL:
		return true;
	case WIDE_SPACES:
		return is_wide_space(code_point);
	case WIDE_NOT_SPACES:
		return !is_wide_space(code_point);
	case WIDE_NOT_LINE:
		return code_point != 0x2028 && code_point != 0x2029;
	}
	return false;
}

/* Steps over one character beyond ASCII when the item has it. */
static bool
take_wide(const struct shape_item *item, const unsigned char **at)
{
	const unsigned char *next = *at;
	if (!has_wide(item->wide, decode(&next)))
		return false;
	*at = next;
	return true;
}

/* A run of ASCII characters of the class, at most `max` of them. */
static const unsigned char *
take_ascii(const struct shape_item *item, const unsigned char *at,
    const unsigned char *end, uint32_t max)
{
	if ((size_t)(end - at) > max)
		end = at + max;
	while (at < end && shape_item_has(item, *at))
		at++;
	return at;
}

static uint32_t
take_many(const struct shape_item *item, const unsigned char **at,
    const unsigned char *end)
{
	uint32_t taken = 0;
	for (;;) {
		const unsigned char *next =
		    take_ascii(item, *at, end, item->max - taken);
		taken += (uint32_t)(next - *at);
		*at = next;
		if (taken == item->max || next == end || *next < 0x80 ||
		    !take_wide(item, at))
			return taken;
		taken++;
	}
}

static bool
match_here(const struct schema_shape *shape, const unsigned char *at,
    const unsigned char *end)
{
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct shape_item *item = &shape->items[i];
		if (item->literal != '\0') {
			if (at == end || *at != item->literal)
				return false;
			at++;
		} else if (take_many(item, &at, end) < item->min) {
			return false;
		}
	}
	return !shape->at_end || at == end;
}

static bool
match_words(const struct schema_shape *shape, struct view text)
{
	for (uint32_t i = 0; i < shape->word_count; i++)
		if (view_equal(shape->words[i], text))
			return true;
	return false;
}

bool
schema_shape_match(const struct schema_shape *shape, struct view text)
{
	if (shape->words)
		return match_words(shape, text);
	const unsigned char *at = (const unsigned char *)text.data;
	const unsigned char *end = at + text.len;
	if (shape->at_start)
		return match_here(shape, at, end);
	for (; at < end; at++) {
		bool is_inside = (*at & 0xc0) == 0x80;
		if (!is_inside && match_here(shape, at, end))
			return true;
	}
	return match_here(shape, end, end);
}
