/* SPDX-License-Identifier: MIT */
#include "random.h"

#include <assert.h>
#include <stdio.h>
#include <sys/random.h>
#include <unistd.h>

/* Up to 256 bytes come whole or not at all. */
void
random_bytes(void *out, size_t size)
{
	assert(size <= 256);
	if (getrandom(out, size, 0) == (ssize_t)size)
		return;
	fputs("relay: the kernel gives no random bytes\n", stderr);
	_exit(70);
}

static char *
add_hex(char *out, const unsigned char *bytes, size_t count)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < count; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	return out;
}

void
random_uuid(char text[RANDOM_UUID_MAX])
{
	static const size_t groups[] = { 4, 2, 2, 2, 6 };
	unsigned char bytes[16];
	random_bytes(bytes, sizeof bytes);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40);
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
	const unsigned char *from = bytes;
	char *out = text;
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		if (i > 0)
			*out++ = '-';
		out = add_hex(out, from, groups[i]);
		from += groups[i];
	}
	*out = '\0';
}

void
random_traceparent(char text[RANDOM_TRACEPARENT_MAX])
{
	unsigned char bytes[24];
	random_bytes(bytes, sizeof bytes);
	bytes[0] |= 1; /* neither id may be all zero */
	bytes[16] |= 1;
	char *out = text;
	memcpy(out, "00-", 3);
	out = add_hex(out + 3, bytes, 16);
	*out++ = '-';
	out = add_hex(out, bytes + 16, 8);
	memcpy(out, "-01", 4);
}

static bool
is_hex_run(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!((text[i] >= '0' && text[i] <= '9') ||
			(text[i] >= 'a' && text[i] <= 'f')))
			return false;
	return true;
}

static bool
is_zero_run(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text[i] != '0')
			return false;
	return true;
}

/* Later versions may be longer; none is in use, so only 00's form passes. */
bool
random_traceparent_is_valid(struct view text)
{
	const char *at = text.data;
	if (text.len != RANDOM_TRACEPARENT_MAX - 1)
		return false;
	if (at[2] != '-' || at[35] != '-' || at[52] != '-')
		return false;
	if (!is_hex_run(at, 2) || !is_hex_run(at + 3, 32) ||
	    !is_hex_run(at + 36, 16) || !is_hex_run(at + 53, 2))
		return false;
	return memcmp(at, "ff", 2) != 0 && !is_zero_run(at + 3, 32) &&
	    !is_zero_run(at + 36, 16);
}

/* The remainder's bias is below 2^-32 for the small ranges asked here. */
uint64_t
random_between(uint64_t low, uint64_t high)
{
	uint64_t number;
	assert(low <= high);
	random_bytes(&number, sizeof number);
	return low + number % (high - low + 1);
}
