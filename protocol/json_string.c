/* SPDX-License-Identifier: MIT */

/*
 * Strings: judged in one pass, 16 or 8 bytes at a time while they are plain
 * ASCII, then hashed while they are still in the cache. Code points are
 * counted by what each sequence or escape takes more than one byte of text.
 */

#include "json_parts.h"
#include "utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define ONES  0x0101010101010101u
#define HIGHS 0x8080808080808080u

/* Nonzero at the high bit of the first byte that is a control character, a
 * quote, a backslash or not ASCII. Bytes behind the first may be false hits. */
static uint64_t
special_bytes(uint64_t word)
{
	uint64_t quote = word ^ (ONES * '"');
	uint64_t slash = word ^ (ONES * '\\');
	uint64_t hits = (quote - ONES) & ~quote;
	hits |= (slash - ONES) & ~slash;
	hits |= (word - ONES * 0x20) & ~word;
	return (hits | word) & HIGHS;
}

#if defined(__SSE2__)
/* The same for sixteen bytes, one bit each: as signed numbers, bytes that are
 * not ASCII are less than a space too. */
static unsigned
special_mask(const uint8_t *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)at);
	__m128i hits = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
	hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
	hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	return (unsigned)_mm_movemask_epi8(hits);
}
#endif

/* The first byte at or behind `at` that needs a closer look, or end. */
static const uint8_t *
skip_plain(const uint8_t *at, const uint8_t *end)
{
#if defined(__SSE2__)
	while (end - at >= 16) {
		unsigned hits = special_mask(at);
		if (hits)
			return at + __builtin_ctz(hits);
		at += 16;
	}
#endif
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	while (end - at >= 8) {
		uint64_t word;
		memcpy(&word, at, sizeof(word));
		uint64_t hits = special_bytes(word);
		if (hits)
			return at + (__builtin_ctzll(hits) >> 3);
		at += 8;
	}
#endif
	while (
	    at < end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
		at++;
	return at;
}

static int
hex_digit(uint8_t byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	byte |= 0x20;
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	return -1;
}

/* Four hex digits at `at`, all of them before `end`; -1 when they are not. */
static int32_t
hex_unit(const uint8_t *at, const uint8_t *end)
{
	int32_t unit = 0;
	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int digit = hex_digit(at[i]);
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

static bool
is_high_surrogate(int32_t unit)
{
	return unit >= 0xd800 && unit <= 0xdbff;
}

static bool
is_low_surrogate(int32_t unit)
{
	return unit >= 0xdc00 && unit <= 0xdfff;
}

/* `at` is the backslash of a \u escape. Returns its length, 6 or 12 for a
 * pair, or 0; *code_point_r is what it stands for. */
static size_t
unicode_escape(const uint8_t *at, const uint8_t *end, uint32_t *code_point_r)
{
	int32_t unit = hex_unit(at + 2, end);
	if (unit < 0 || is_low_surrogate(unit))
		return 0;
	*code_point_r = (uint32_t)unit;
	if (!is_high_surrogate(unit))
		return 6;
	if (end - at < 12 || at[6] != '\\' || at[7] != 'u')
		return 0;
	int32_t low = hex_unit(at + 8, end);
	if (!is_low_surrogate(low))
		return 0;
	*code_point_r = 0x10000u + (((uint32_t)unit - 0xd800u) << 10) +
	    ((uint32_t)low - 0xdc00u);
	return 12;
}

/* What the letter behind a backslash stands for; 0 = not allowed or 'u'. */
static const char escape_values[256] = { ['"'] = '"',
	['\\'] = '\\',
	['/'] = '/',
	['b'] = '\b',
	['f'] = '\f',
	['n'] = '\n',
	['r'] = '\r',
	['t'] = '\t' };

static int
escape_fault(struct json_scan *scan, const uint8_t *at)
{
	if (scan->end - at < 2)
		return json_fail(scan, scan->end, "");
	if (at[1] != 'u')
		return json_fail(scan, at, "invalid escape");
	if (hex_unit(at + 2, scan->end) >= 0)
		return json_fail(scan, at, "lone surrogate");
	return json_fail(scan, at, "invalid \\u escape");
}

/* The bytes that the escape at `at` takes; 0: fault filled. */
static size_t
check_escape(struct json_scan *scan, const uint8_t *at, uint8_t flags)
{
	uint32_t code_point = 1;
	size_t length = 0;
	if (scan->end - at >= 2 && escape_values[at[1]])
		return 2;
	if (scan->end - at >= 2 && at[1] == 'u')
		length = unicode_escape(at, scan->end, &code_point);
	if (length == 0)
		escape_fault(scan, at);
	if (code_point == 0 && scan->strict_keys && flags & JSON_IS_KEY) {
		json_fail(scan, at, "U+0000 in a member name");
		return 0;
	}
	return length;
}

/* A byte where the plain run stopped, not a quote: the bytes it takes, 0: fault
 * filled. */
static size_t
check_special(struct json_scan *scan, const uint8_t *at, uint8_t *flags)
{
	if (*at == '\\') {
		*flags |= JSON_HAS_ESCAPE;
		return check_escape(scan, at, *flags);
	}
	if (*at < 0x20) {
		json_fail(scan, at, "raw control character");
		return 0;
	}
	size_t length = utf8_sequence(at, scan->end);
	if (length == 0)
		json_fail(scan, at, "invalid UTF-8");
	return length;
}

static void
finish_string(
    struct json_scan *scan, const uint8_t *start, uint32_t count, uint8_t flags)
{
	struct view raw = view_make(start + 1, (size_t)(scan->at - start) - 2);
	struct json_node *node = json_push(scan, start, JSON_STRING);
	node->length = (uint32_t)(scan->at - start);
	node->count = count;
	node->flags = flags;
	if (!(flags & JSON_HAS_ESCAPE)) {
		node->hash = json_hash(raw);
		return;
	}
	buf_clear(&scan->scratch->decoded);
	json_decode(raw, &scan->scratch->decoded);
	node->hash = json_hash(buf_view(&scan->scratch->decoded));
}

int
json_scan_string(struct json_scan *scan, uint8_t flags)
{
	const uint8_t *start = scan->at;
	const uint8_t *at = start + 1;
	size_t surplus =
	    2; /* bytes of text that are no code point of their own */
	for (;;) {
		at = skip_plain(at, scan->end);
		if (at >= scan->end)
			return json_fail(scan, at, "");
		if (*at == '"')
			break;
		do { /* such bytes come in runs */
			size_t length = check_special(scan, at, &flags);
			if (length == 0)
				return -1;
			at += length;
			surplus += length - 1;
		} while (at < scan->end && *at >= 0x80);
	}
	scan->at = at + 1;
	finish_string(
	    scan, start, (uint32_t)((size_t)(at + 1 - start) - surplus), flags);
	return 0;
}

struct view
json_decode_step(const char **at_r, const char *end, char small[4])
{
	const char *start = *at_r;
	if (*start != '\\') {
		const char *stop = memchr(start, '\\', (size_t)(end - start));
		*at_r = stop ? stop : end;
		return view_make(start, (size_t)(*at_r - start));
	}
	if (start[1] != 'u') {
		small[0] = escape_values[(uint8_t)start[1]];
		*at_r = start + 2;
		return view_make(small, 1);
	}
	uint32_t code_point = 0;
	*at_r = start +
	    unicode_escape(
		(const uint8_t *)start, (const uint8_t *)end, &code_point);
	return view_make(small, utf8_encode(code_point, small));
}

void
json_decode(struct view raw, struct buf *out)
{
	const char *at = raw.data;
	const char *end = at + raw.len;
	char small[4];
	while (at < end)
		buf_add(out, json_decode_step(&at, end, small));
}
