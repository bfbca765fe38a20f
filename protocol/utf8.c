/* SPDX-License-Identifier: MIT */
#include "utf8.h"

/* Unicode 15, table 3-7: the second byte's range depends on the first. */
static void
range_of_second(uint8_t first, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (first == 0xe0)
		*low = 0xa0; /* below: overlong */
	else if (first == 0xed)
		*high = 0x9f; /* above: surrogates */
	else if (first == 0xf0)
		*low = 0x90; /* below: overlong */
	else if (first == 0xf4)
		*high = 0x8f; /* above: over U+10FFFF */
}

static bool
second_byte_fits(uint8_t first, uint8_t second)
{
	uint8_t low, high;
	range_of_second(first, &low, &high);
	return second >= low && second <= high;
}

static size_t
length_by_first(uint8_t first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t
utf8_sequence(const uint8_t *at, const uint8_t *end)
{
	size_t length = length_by_first(at[0]);
	if (length < 2)
		return length;
	if ((size_t)(end - at) < length || !second_byte_fits(at[0], at[1]))
		return 0;
	for (size_t i = 2; i < length; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	}
	return length;
}

bool
utf8_is_valid(struct view text)
{
	const uint8_t *at = (const uint8_t *)(text.len ? text.data : "");
	const uint8_t *end = at + text.len;
	while (at < end) {
		size_t length = utf8_sequence(at, end);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

static bool
add_byte(struct utf8_pieces *pieces, uint8_t byte)
{
	if (pieces->more == 0) {
		size_t length = length_by_first(byte);
		if (length == 0)
			return false;
		pieces->more = (uint8_t)(length - 1);
		range_of_second(byte, &pieces->low, &pieces->high);
		return true;
	}
	if (byte < pieces->low || byte > pieces->high)
		return false;
	pieces->more--;
	pieces->low = 0x80;
	pieces->high = 0xbf;
	return true;
}

/* Bytes at the beginning that are ASCII, looked at eight at a time. */
static size_t
ascii_run(const char *at, size_t len)
{
	size_t run = 0;
	uint64_t eight;
	for (; len - run >= sizeof(eight); run += sizeof(eight)) {
		memcpy(&eight, at + run, sizeof(eight));
		if (eight & 0x8080808080808080u)
			break;
	}
	return run;
}

bool
utf8_add(struct utf8_pieces *pieces, struct view piece)
{
	size_t at = 0;
	while (at < piece.len) {
		if (pieces->more == 0)
			at += ascii_run(piece.data + at, piece.len - at);
		if (at < piece.len &&
		    !add_byte(pieces, (uint8_t)piece.data[at++]))
			return false;
	}
	return true;
}

size_t
utf8_encode(uint32_t code_point, char out[4])
{
	if (code_point < 0x80) {
		out[0] = (char)code_point;
		return 1;
	}
	if (code_point < 0x800) {
		out[0] = (char)(0xc0 | code_point >> 6);
		out[1] = (char)(0x80 | (code_point & 0x3f));
		return 2;
	}
	if (code_point < 0x10000) {
		out[0] = (char)(0xe0 | code_point >> 12);
		out[1] = (char)(0x80 | (code_point >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code_point & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code_point >> 18);
	out[1] = (char)(0x80 | (code_point >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code_point >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code_point & 0x3f));
	return 4;
}
