/* SPDX-License-Identifier: MIT */
#include "ws_frame.h"

#define FIN           0x80
#define LENGTH_16_BIT 126
#define LENGTH_64_BIT 127

size_t
ws_frame_header_size(uint64_t payload_length)
{
	if (payload_length < LENGTH_16_BIT)
		return 2;
	return payload_length <= UINT16_MAX ? 4 : 10;
}

static void
put_big_endian(char *out, uint64_t number, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		out[i] = (char)(number >> (8 * (bytes - 1 - i)) & 0xff);
}

size_t
ws_frame_header(char header[WS_FRAME_HEADER_MAX], enum ws_opcode opcode,
    uint64_t payload_length)
{
	size_t size = ws_frame_header_size(payload_length);
	header[0] = (char)(FIN | opcode);
	if (size == 2)
		header[1] = (char)payload_length;
	else
		header[1] = size == 4 ? LENGTH_16_BIT : LENGTH_64_BIT;
	put_big_endian(header + 2, payload_length, size - 2);
	return size;
}
