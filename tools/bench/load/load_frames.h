/* SPDX-License-Identifier: MIT */
#ifndef LOAD_FRAMES_H
#define LOAD_FRAMES_H

/*
 * Reads frames of a WebSocket server (RFC 6455 section 5.2) out of bytes that
 * were received: no copy, no state. What only a broken server sends is told
 * apart from what is not complete yet.
 */

#include <stddef.h>
#include <stdint.h>

enum load_opcode {
	LOAD_CONTINUED = 0x0,
	LOAD_TEXT = 0x1,
	LOAD_BINARY = 0x2,
	LOAD_CLOSE = 0x8,
	LOAD_PING = 0x9,
	LOAD_PONG = 0xa,
};

struct load_frame {
	enum load_opcode opcode;
	const char *payload; /* borrowed from the bytes */
	size_t len;
	int is_compressed; /* RSV1: of a message of its own (RFC 7692) */
};

enum load_parse {
	LOAD_FRAME,   /* one frame; *used_r bytes */
	LOAD_PARTIAL, /* more bytes are needed */
	LOAD_BROKEN,  /* masked, fragmented, reserved bits, unknown opcode,
		         compressed though no message, or over 16 MiB */
};

enum load_parse load_frames_next(const unsigned char *bytes, size_t len,
    struct load_frame *frame_r, size_t *used_r);

/* A client's frame of at most 125 payload bytes, masked with zeros. Returns
 * its length; `out` has room for payload + 6 bytes. */
size_t load_frames_write(unsigned char *out, enum load_opcode opcode,
    const void *payload, size_t len);

#endif
