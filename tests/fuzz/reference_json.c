/* SPDX-License-Identifier: MIT */
#include "reference_json.h"

#define KEYS_MAX (REFERENCE_TEXT_MAX / 2)

/* A member name, decoded to code points in `points`. */
struct key {
	uint32_t start, count;
};

/* Each function returns false at the first thing that is no JSON; too_deep
 * tells the one other reason. */
struct parser {
	const uint8_t *at, *end;
	uint32_t depth, max_depth;
	uint32_t values;
	bool strict_keys;
	bool too_deep;
	uint32_t point_count;
	uint32_t key_count; /* of all objects that are open */
	uint32_t points[REFERENCE_TEXT_MAX];
	struct key keys[KEYS_MAX];
};

static int
peek(const struct parser *parser)
{
	return parser->at < parser->end ? *parser->at : -1;
}

static bool
take(struct parser *parser, int byte)
{
	if (peek(parser) != byte)
		return false;
	parser->at++;
	return true;
}

static void
space(struct parser *parser)
{
	while (take(parser, ' ') || take(parser, '\t') || take(parser, '\n') ||
	    take(parser, '\r')) {
	}
}

static bool
is_digit(int byte)
{
	return byte >= '0' && byte <= '9';
}

static bool
digits(struct parser *parser)
{
	if (!is_digit(peek(parser)))
		return false;
	while (is_digit(peek(parser)))
		parser->at++;
	return true;
}

static bool
number(struct parser *parser)
{
	take(parser, '-');
	if (!take(parser, '0') && !digits(parser))
		return false;
	if (take(parser, '.') && !digits(parser))
		return false;
	if (!take(parser, 'e') && !take(parser, 'E'))
		return true;
	if (!take(parser, '+'))
		take(parser, '-');
	return digits(parser);
}

static bool
word(struct parser *parser, const char *text)
{
	for (; *text; text++)
		if (!take(parser, *text))
			return false;
	return true;
}

/* The code point is computed first and then asked whether it may be there and
 * was written in the shortest way. */
static bool
utf8(struct parser *parser, uint32_t *point_r)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t first = *parser->at++;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	uint32_t point = first & (0x3fu >> more);
	if (first < 0x80) {
		*point_r = first;
		return true;
	}
	if (first < 0xc0 || first > 0xf7)
		return false;
	for (unsigned i = 0; i < more; i++) {
		int next = peek(parser);
		if (next < 0x80 || next > 0xbf)
			return false;
		parser->at++;
		point = point * 64 + ((uint32_t)next - 0x80);
	}
	*point_r = point;
	return point >= least[more] && point <= 0x10ffff &&
	    (point < 0xd800 || point > 0xdfff);
}

static bool
hex4(struct parser *parser, uint32_t *unit_r)
{
	static const char low[] = "0123456789abcdef";
	static const char high[] = "0123456789ABCDEF";
	*unit_r = 0;
	for (int i = 0; i < 4; i++) {
		uint32_t value = 0;
		while (value < 16 && peek(parser) != low[value] &&
		    peek(parser) != high[value])
			value++;
		if (value == 16)
			return false;
		parser->at++;
		*unit_r = *unit_r * 16 + value;
	}
	return true;
}

/* Behind "\u". Surrogates only in pairs. */
static bool
unicode(struct parser *parser, uint32_t *point_r)
{
	uint32_t low;
	if (!hex4(parser, point_r))
		return false;
	if (*point_r < 0xd800 || *point_r > 0xdfff)
		return true;
	if (*point_r > 0xdbff || !word(parser, "\\u") || !hex4(parser, &low))
		return false;
	if (low < 0xdc00 || low > 0xdfff)
		return false;
	*point_r = 0x10000 + (*point_r - 0xd800) * 1024 + (low - 0xdc00);
	return true;
}

/* Behind a backslash. */
static bool
escape(struct parser *parser, uint32_t *point_r)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char values[] = "\"\\/\b\f\n\r\t";
	if (take(parser, 'u'))
		return unicode(parser, point_r);
	for (size_t i = 0; letters[i]; i++) {
		*point_r = (uint8_t)values[i];
		if (take(parser, letters[i]))
			return true;
	}
	return false;
}

static bool
string(struct parser *parser)
{
	if (!take(parser, '"'))
		return false;
	for (;;) {
		uint32_t point;
		if (take(parser, '"'))
			return true;
		if (peek(parser) < 0x20)
			return false;
		bool is_good = take(parser, '\\') ? escape(parser, &point)
						  : utf8(parser, &point);
		if (!is_good)
			return false;
		parser->points[parser->point_count++] = point;
	}
}

static bool
is_same(const struct parser *parser, const struct key *a, const struct key *b)
{
	if (a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (parser->points[a->start + i] !=
		    parser->points[b->start + i])
			return false;
	return true;
}

/* A member name: with strict keys no U+0000. Its code points are kept. */
static bool
member_name(struct parser *parser)
{
	struct key key = { .start = parser->point_count };
	if (!string(parser))
		return false;
	parser->values++;
	key.count = parser->point_count - key.start;
	for (uint32_t i = 0; i < key.count && parser->strict_keys; i++)
		if (parser->points[key.start + i] == 0)
			return false;
	parser->keys[parser->key_count++] = key;
	return true;
}

static bool
keys_differ(struct parser *parser, uint32_t first)
{
	for (uint32_t i = first; i < parser->key_count; i++)
		for (uint32_t j = first; j < i; j++)
			if (is_same(parser, &parser->keys[i], &parser->keys[j]))
				return false;
	return true;
}

static bool value(struct parser *parser);

static bool
members(struct parser *parser)
{
	do {
		space(parser);
		if (!member_name(parser))
			return false;
		space(parser);
		if (!take(parser, ':') || !value(parser))
			return false;
	} while (take(parser, ','));
	return take(parser, '}');
}

static bool
object(struct parser *parser)
{
	uint32_t first = parser->key_count;
	uint32_t points = parser->point_count;
	space(parser);
	if (take(parser, '}'))
		return true;
	if (!members(parser))
		return false;
	bool is_good = !parser->strict_keys || keys_differ(parser, first);
	parser->key_count = first;
	parser->point_count = points;
	return is_good;
}

static bool
array(struct parser *parser)
{
	space(parser);
	if (take(parser, ']'))
		return true;
	do {
		if (!value(parser))
			return false;
	} while (take(parser, ','));
	return take(parser, ']');
}

static bool
container(struct parser *parser)
{
	if (parser->depth == parser->max_depth) {
		parser->too_deep = true;
		return false;
	}
	parser->depth++;
	bool is_good = *parser->at++ == '{' ? object(parser) : array(parser);
	parser->depth--;
	return is_good;
}

static bool
bare_value(struct parser *parser)
{
	uint32_t points = parser->point_count;
	switch (peek(parser)) {
	case '{':
	case '[':
		return container(parser);
	case '"':
		if (!string(parser))
			return false;
		parser->point_count = points;
		return true;
	case 't':
		return word(parser, "true");
	case 'f':
		return word(parser, "false");
	case 'n':
		return word(parser, "null");
	default:
		return number(parser);
	}
}

static bool
value(struct parser *parser)
{
	parser->values++;
	space(parser);
	if (!bare_value(parser))
		return false;
	space(parser);
	return true;
}

enum reference_verdict
reference_json(
    struct view text, uint32_t max_depth, bool strict_keys, uint32_t *values_r)
{
	static struct parser parser;
	parser.at = (const uint8_t *)text.data;
	parser.end = parser.at + text.len;
	parser.depth = 0;
	parser.max_depth = max_depth ? max_depth : 512;
	parser.values = 0;
	parser.strict_keys = strict_keys;
	parser.too_deep = false;
	parser.point_count = 0;
	parser.key_count = 0;
	bool is_good = value(&parser) && parser.at == parser.end;
	*values_r = parser.values;
	if (is_good)
		return REFERENCE_VALID;
	return parser.too_deep ? REFERENCE_TOO_DEEP : REFERENCE_SYNTAX;
}
