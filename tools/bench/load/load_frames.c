/* SPDX-License-Identifier: MIT */
#include "load_frames.h"

#include <assert.h>
#include <string.h>

#define FRAME_MAX (16u << 20)

static uint64_t
big_endian(const unsigned char *bytes, unsigned count)
{
	uint64_t value = 0;
	for (unsigned i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static int
is_broken(const unsigned char *bytes)
{
	unsigned opcode = bytes[0] & 0x0fu;
	int is_known = opcode == LOAD_TEXT || opcode == LOAD_BINARY ||
	    (opcode >= LOAD_CLOSE && opcode <= LOAD_PONG);
	int is_message = opcode == LOAD_TEXT || opcode == LOAD_BINARY;
	unsigned flags = bytes[0] & (is_message ? 0xb0u : 0xf0u);
	int is_masked = bytes[1] >> 7;
	return !is_known || flags != 0x80u || is_masked;
}

enum load_parse
load_frames_next(const unsigned char *bytes, size_t len,
    struct load_frame *frame_r, size_t *used_r)
{
	if (len < 2)
		return LOAD_PARTIAL;
	if (is_broken(bytes))
		return LOAD_BROKEN;
	unsigned small = bytes[1] & 0x7fu;
	unsigned extra = small == 126 ? 2 : small == 127 ? 8 : 0;
	if (len < 2 + extra)
		return LOAD_PARTIAL;
	uint64_t payload = extra ? big_endian(bytes + 2, extra) : small;
	if (payload > FRAME_MAX)
		return LOAD_BROKEN;
	if (len - 2 - extra < payload)
		return LOAD_PARTIAL;
	frame_r->opcode = (enum load_opcode)(bytes[0] & 0x0f);
	frame_r->payload = (const char *)bytes + 2 + extra;
	frame_r->len = (size_t)payload;
	frame_r->is_compressed = bytes[0] >> 6 & 1;
	*used_r = 2 + extra + (size_t)payload;
	return LOAD_FRAME;
}

size_t
load_frames_write(unsigned char *out, enum load_opcode opcode,
    const void *payload, size_t len)
{
	assert(len <= 125);
	out[0] = (unsigned char)(0x80u | (unsigned)opcode);
	out[1] = (unsigned char)(0x80u | len);
	memset(out + 2, 0, 4);
	if (len)
		memcpy(out + 6, payload, len);
	return len + 6;
}
