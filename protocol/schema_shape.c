/* SPDX-License-Identifier: MIT */

/*
 * Why greedy is right: where the class of an item shares no character with
 * anything that may come behind it, no other split of the text could match
 * either. Where that does not hold, or the pattern has anything but classes,
 * literals and counts, there is no shape and PCRE2 does it.
 */

#include "schema_shape.h"

#include "xmalloc.h"

#include <stdint.h>
#include <stdlib.h>

#define ITEMS_MAX 48
#define UNBOUNDED UINT32_MAX

/* What a class says of characters beyond ASCII. */
enum wide { WIDE_NONE, WIDE_ALL, WIDE_SPACES, WIDE_NOT_SPACES, WIDE_NOT_LINE };

struct item {
	uint64_t ascii[4]; /* by byte; the upper half stays empty */
	uint32_t min;
	uint32_t max;
	enum wide wide;
	unsigned char literal; /* exactly this one character; else NUL */
};

struct schema_shape {
	struct item items[ITEMS_MAX];
	uint32_t count;
	bool at_start;      /* ^ */
	bool at_end;        /* $ */
	struct view *words; /* ^(a|b)$: then nothing else counts */
	uint32_t word_count;
	char *text;
};

struct reader {
	const char *at;
	const char *end;
};

static void
add_range(struct item *item, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		item->ascii[c / 64] |= UINT64_C(1) << c % 64;
}

static bool
has_byte(const struct item *item, unsigned char c)
{
	return item->ascii[c / 64] >> c % 64 & 1;
}

static void
add_spaces(struct item *item)
{
	add_range(item, '\t', '\r');
	add_range(item, ' ', ' ');
}

static void
invert(struct item *item)
{
	static const enum wide opposite[] = { WIDE_ALL, WIDE_NONE,
		WIDE_NOT_SPACES, WIDE_SPACES, WIDE_NOT_LINE };
	item->ascii[0] = ~item->ascii[0];
	item->ascii[1] = ~item->ascii[1];
	item->wide = opposite[item->wide];
}

/* \d \w \s and their opposites into an empty item. */
static bool
read_set(struct item *item, char c)
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
read_class_member(struct reader *in, struct item *item)
{
	if (*in->at == '\\' && in->end - in->at > 1) {
		struct item set = { 0 };
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
read_class(struct reader *in, struct item *item)
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
read_atom(struct reader *in, struct item *item)
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
read_braces(struct reader *in, struct item *item)
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
read_quantifier(struct reader *in, struct item *item)
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
is_disjoint(const struct item *a, const struct item *b)
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
		const struct item *item = &shape->items[i];
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
	return length <= ITEMS_MAX;
}

/* The one ASCII character that fits an item without a count, or NUL. */
static unsigned char
only_character(const struct item *item)
{
	unsigned char found = 0;
	if (item->min != 1 || item->max != 1 || item->wide != WIDE_NONE)
		return 0;
	for (unsigned char c = 1; c < 0x80; c++) {
		if (has_byte(item, c)) {
			if (found)
				return 0;
			found = c;
		}
	}
	return has_byte(item, 0) ? 0 : found;
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
		if (shape->count == ITEMS_MAX)
			return false;
		struct item *item = &shape->items[shape->count++];
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
has_wide(enum wide wide, uint32_t code_point)
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
take_wide(const struct item *item, const unsigned char **at)
{
	const unsigned char *next = *at;
	if (!has_wide(item->wide, decode(&next)))
		return false;
	*at = next;
	return true;
}

/* A run of ASCII characters of the class, at most `max` of them. */
static const unsigned char *
take_ascii(const struct item *item, const unsigned char *at,
    const unsigned char *end, uint32_t max)
{
	if ((size_t)(end - at) > max)
		end = at + max;
	while (at < end && has_byte(item, *at))
		at++;
	return at;
}

static uint32_t
take_many(
    const struct item *item, const unsigned char **at, const unsigned char *end)
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
		const struct item *item = &shape->items[i];
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
