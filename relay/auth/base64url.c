/* SPDX-License-Identifier: MIT */
#include "base64url.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_encode(struct view bytes, char *text)
{
	uint32_t bits = 0;
	unsigned held = 0;
	for (size_t i = 0; i < bytes.len; i++) {
		bits = bits << 8 | (uint8_t)bytes.data[i];
		for (held += 8; held >= 6; held -= 6)
			*text++ = alphabet[bits >> (held - 6) & 63];
	}
	if (held > 0)
		*text = alphabet[bits << (6 - held) & 63];
}

static int
value_of(char letter)
{
	if (letter >= 'A' && letter <= 'Z')
		return letter - 'A';
	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 26;
	if (letter >= '0' && letter <= '9')
		return letter - '0' + 52;
	if (letter == '-')
		return 62;
	return letter == '_' ? 63 : -1;
}

long
base64url_decode(struct view text, void *bytes, size_t room)
{
	uint8_t *out = bytes;
	uint32_t bits = 0;
	unsigned held = 0;
	size_t length = text.len * 3 / 4;
	if (text.len % 4 == 1 || length > room)
		return -1;
	for (size_t i = 0; i < text.len; i++) {
		int value = value_of(text.data[i]);
		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*out++ = (uint8_t)(bits >> held);
		}
	}
	return (bits & ((1u << held) - 1)) == 0 ? (long)length : -1;
}
