/* SPDX-License-Identifier: MIT */

/*
 * Why greedy is right: where the class of an item shares no character with
 * anything that may come behind it, no other split of the text could match
 * either. Where that does not hold, or the pattern has anything but classes,
 * literals and counts, there is no shape and PCRE2 does it.
 */

#include "schema_shape_parts.h"
#include "xmalloc.h"

#include <stdlib.h>

#define UNBOUNDED UINT32_MAX

struct reader {
	const char *at;
	const char *end;
};

static void
add_range(struct shape_item *item, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		item->ascii[c / 64] |= UINT64_C(1) << c % 64;
}

static void
add_spaces(struct shape_item *item)
{
	add_range(item, '\t', '\r');
	add_range(item, ' ', ' ');
}

static void
invert(struct shape_item *item)
{
	static const enum shape_wide opposite[] = { WIDE_ALL, WIDE_NONE,
		WIDE_NOT_SPACES, WIDE_SPACES, WIDE_NOT_LINE };
	item->ascii[0] = ~item->ascii[0];
	item->ascii[1] = ~item->ascii[1];
	item->wide = opposite[item->wide];
}

/* \d \w \s and their opposites into an empty item. */
static bool
read_set(struct shape_item *item, char c)
{
	switch (c | 0x20) {
	case 'd':
		add_range(item, '0', '9');
		break;
	case 'w':
		add_range(item, '0', '9');
		add_range(item, 'A', 'Z');
		add_range(item, 'a', 'z');
		add_range(item, '_', '_');
		break;
	case 's':
		add_spaces(item);
		item->wide = WIDE_SPACES;
		break;
	default:
		return false;
	}
	if (c < 'a')
		invert(item);
	return true;
}

/* One plain ASCII character, escaped or not; -1: something else. */
static int
read_char(struct reader *in)
{
	if (in->at == in->end || (*in->at & 0x80) || *in->at == '\0')
		return -1;
	if (*in->at != '\\')
		return *in->at++;
	if (in->end - in->at < 2)
		return -1;
	char c = in->at[1];
	bool is_punctuation = c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') &&
	    !((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
	if (!is_punctuation)
		return -1;
	in->at += 2;
	return c;
}

static bool
read_class_member(struct reader *in, struct shape_item *item)
{
	if (*in->at == '\\' && in->end - in->at > 1) {
		struct shape_item set = { 0 };
		if (read_set(&set, in->at[1])) {
			in->at += 2;
			item->ascii[0] |= set.ascii[0];
			item->ascii[1] |= set.ascii[1];
			if (item->wide == WIDE_NONE)
				item->wide = set.wide;
			else if (set.wide != WIDE_NONE &&
			    set.wide != item->wide)
				item->wide = WIDE_ALL; /* [\s\S] */
			return in->at == in->end || *in->at != '-' ||
			    (in->end - in->at > 1 && in->at[1] == ']');
		}
	}
	int from = read_char(in);
	int to = from;
	if (in->end - in->at > 1 && in->at[0] == '-' && in->at[1] != ']') {
		in->at++;
		to = read_char(in);
	}
	if (from < 0 || to < from)
		return false;
	add_range(item, (unsigned)from, (unsigned)to);
	return true;
}

static bool
read_class(struct reader *in, struct shape_item *item)
{
	in->at++;
	bool is_inverted = in->at < in->end && *in->at == '^';
	in->at += is_inverted;
	while (in->at < in->end && *in->at != ']')
		if (!read_class_member(in, item))
			return false;
	if (in->at == in->end)
		return false;
	in->at++;
	if (is_inverted)
		invert(item);
	return true;
}

static bool
read_atom(struct reader *in, struct shape_item *item)
{
	char c = *in->at;
	if (c == '[')
		return read_class(in, item);
	if (c == '.') {
		add_range(item, '\n', '\n');
		add_range(item, '\r', '\r');
		invert(item);
		item->wide = WIDE_NOT_LINE;
		in->at++;
		return true;
	}
	if (c == '\\' && in->end - in->at > 1 && read_set(item, in->at[1])) {
		in->at += 2;
		return true;
	}
	if (c == '\0' || strchr("^$()|*+?{}]", c))
		return false;
	int literal = read_char(in);
	if (literal < 0)
		return false;
	add_range(item, (unsigned)literal, (unsigned)literal);
	return true;
}

static bool
read_count(struct reader *in, uint32_t *count)
{
	const char *start = in->at;
	uint32_t value = 0;
	while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
		if (value > 100000)
			return false;
		value = value * 10 + (uint32_t)(*in->at++ - '0');
	}
	if (in->at == start)
		return false;
	*count = value;
	return true;
}

/* {n}, {n,}, {n,m}; in->at is behind the brace. */
static bool
read_braces(struct reader *in, struct shape_item *item)
{
	if (!read_count(in, &item->min))
		return false;
	item->max = item->min;
	if (in->at < in->end && *in->at == ',') {
		in->at++;
		item->max = UNBOUNDED;
		if (in->at < in->end && *in->at != '}' &&
		    !read_count(in, &item->max))
			return false;
	}
	if (in->at == in->end || *in->at != '}')
		return false;
	in->at++;
	return item->min <= item->max;
}

static bool
read_quantifier(struct reader *in, struct shape_item *item)
{
	item->min = 1;
	item->max = 1;
	if (in->at == in->end || !strchr("*+?{", *in->at) || *in->at == '\0')
		return true;
	char c = *in->at++;
	if (c == '{' && !read_braces(in, item))
		return false;
	if (c == '*' || c == '?')
		item->min = 0;
	if (c == '*' || c == '+')
		item->max = UNBOUNDED;
	if (in->at < in->end && *in->at == '?')
		in->at++; /* lazy: matches the same texts */
	return true;
}

static bool
is_disjoint(const struct shape_item *a, const struct shape_item *b)
{
	bool shares_wide = a->wide != WIDE_NONE && b->wide != WIDE_NONE;
	return !shares_wide && (a->ascii[0] & b->ascii[0]) == 0 &&
	    (a->ascii[1] & b->ascii[1]) == 0;
}

/* Each item of variable length against all that may follow at once. */
static bool
is_deterministic(const struct schema_shape *shape)
{
	for (uint32_t i = 0; i < shape->count; i++) {
		const struct shape_item *item = &shape->items[i];
		if (item->min == item->max)
			continue;
		for (uint32_t k = i + 1; k < shape->count; k++) {
			if (!is_disjoint(item, &shape->items[k]))
				return false;
			if (shape->items[k].min > 0)
				break;
		}
	}
	return true;
}

/* Without ^ every place would be a start; only rows that can be tried at each
 * place in constant time may. */
static bool
is_searchable(const struct schema_shape *shape)
{
	if (shape->at_start)
		return true;
	if (shape->at_end || shape->count == 0)
		return false;
	if (shape->count == 1)
		return shape->items[0].min <= 1;
	uint64_t length = 0;
	for (uint32_t i = 0; i < shape->count; i++) {
		if (shape->items[i].min != shape->items[i].max)
			return false;
		length += shape->items[i].min;
	}
	return length <= SHAPE_ITEMS_MAX;
}

/* The one ASCII character that fits an item without a count, or NUL. */
static unsigned char
only_character(const struct shape_item *item)
{
	unsigned char found = 0;
	if (item->min != 1 || item->max != 1 || item->wide != WIDE_NONE)
		return 0;
	for (unsigned char c = 1; c < 0x80; c++) {
		if (shape_item_has(item, c)) {
			if (found)
				return 0;
			found = c;
		}
	}
	return shape_item_has(item, 0) ? 0 : found;
}

static bool
read_items(struct schema_shape *shape, struct reader *in)
{
	if (in->at < in->end && *in->at == '^') {
		shape->at_start = true;
		in->at++;
	}
	while (in->at < in->end) {
		if (*in->at == '$' && in->at + 1 == in->end) {
			shape->at_end = true;
			break;
		}
		if (shape->count == SHAPE_ITEMS_MAX)
			return false;
		struct shape_item *item = &shape->items[shape->count++];
		if (!read_atom(in, item) || !read_quantifier(in, item))
			return false;
		item->literal = only_character(item);
	}
	return is_deterministic(shape) && is_searchable(shape);
}

/* ^(a|b)$ or ^(?:a|b)$ with plain words: their range, else nothing. */
static struct view
find_words(struct view pattern)
{
	struct view none = { 0 };
	size_t open = 2;
	if (pattern.len < 4 || memcmp(pattern.data, "^(", 2) != 0 ||
	    memcmp(pattern.data + pattern.len - 2, ")$", 2) != 0)
		return none;
	if (pattern.len >= 6 && memcmp(pattern.data, "^(?:", 4) == 0)
		open = 4;
	struct view inside =
	    view_make(pattern.data + open, pattern.len - open - 2);
	for (size_t i = 0; i < inside.len; i++)
		if (inside.data[i] == '\0' ||
		    strchr("\\^$.*+?()[]{}", inside.data[i]))
			return none;
	return inside;
}

static void
split_words(struct schema_shape *shape, struct view inside)
{
	shape->text = xstrndup(inside.data, inside.len);
	shape->words = xcalloc(inside.len + 1, sizeof(*shape->words));
	const char *start = shape->text;
	const char *end = shape->text + inside.len;
	for (const char *at = start; at <= end; at++) {
		if (at < end && *at != '|')
			continue;
		shape->words[shape->word_count++] =
		    view_make(start, (size_t)(at - start));
		start = at + 1;
	}
}

struct schema_shape *
schema_shape_new(struct view pattern)
{
	struct schema_shape *shape = xcalloc(1, sizeof(*shape));
	struct view inside = find_words(pattern);
	struct reader in = { pattern.data, pattern.data + pattern.len };
	if (inside.data)
		split_words(shape, inside);
	else if (pattern.len == 0 || !read_items(shape, &in))
		schema_shape_free(&shape);
	return shape;
}

void
schema_shape_free(struct schema_shape **shape)
{
	if (!*shape)
		return;
	free((*shape)->words);
	free((*shape)->text);
	free(*shape);
	*shape = NULL;
}
