/* SPDX-License-Identifier: MIT */
#ifndef WS_FRAME_H
#define WS_FRAME_H

/*
 * Server-to-client WebSocket frame headers (RFC 6455 section 5.2): FIN set,
 * unmasked, shortest length form. What clients send: ws_reader.h.
 */

#include <stddef.h>
#include <stdint.h>

#define WS_FRAME_HEADER_MAX 10

enum ws_opcode {
	WS_CONTINUATION = 0x0,
	WS_TEXT = 0x1,
	WS_BINARY = 0x2,
	WS_CLOSE = 0x8,
	WS_PING = 0x9,
	WS_PONG = 0xa
};

/* Bytes that the header of a payload of this length takes: 2, 4 or 10. */
size_t ws_frame_header_size(uint64_t payload_length);

/* Writes the header; returns its size. */
size_t ws_frame_header(char header[WS_FRAME_HEADER_MAX], enum ws_opcode opcode,
    uint64_t payload_length);

#endif
