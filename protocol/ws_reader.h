/* SPDX-License-Identifier: MIT */
#ifndef WS_READER_H
#define WS_READER_H

/*
 * Reads what a client sends after the upgrade, by RFC 6455 sections 5 to 8 to
 * the letter: masks, shortest lengths, reserved bits and opcodes, fragments,
 * UTF-8, close codes. A frame is judged by the bytes of its header as they
 * come, so that no limit waits for a payload. Pure: bytes in, what they mean
 * out. Holds memory only while a message comes in pieces.
 */

#include "buf.h"
#include "utf8.h"

#define WS_CONTROL_MAX 125

struct ws_inflater;

struct ws_reader_limits {
	size_t max_bytes;       /* of a message; over it: 1009 */
	unsigned max_fragments; /* over it: 1008; 0: no limit */
	bool takes_binary;      /* else 1003 */
	/* For readers with `deflate`; borrowed, may be shared by many. */
	struct ws_inflater *inflater;
};

enum ws_read_kind {
	WS_READ_MORE,    /* all bytes are used up */
	WS_READ_MESSAGE, /* payload: the whole message */
	WS_READ_PING,    /* payload: to be given back */
	WS_READ_PONG,
	WS_READ_CLOSE,  /* code: to be given back; 0: without one */
	WS_READ_REFUSED /* code: close with it; the bytes behind mean nothing */
};

struct ws_read {
	enum ws_read_kind kind;
	struct view payload;
	uint16_t code;
	bool is_binary; /* of a message */
};

/* Embedded in the connection. */
struct ws_reader {
	bool deflate; /* permessage-deflate was agreed on; set by the owner */
	uint8_t header[14]; /* of the frame that comes in */
	uint8_t header_len;
	bool in_payload;
	uint64_t rest; /* payload that is still to come */
	unsigned mask_at;
	char control[WS_CONTROL_MAX]; /* payload of a control frame */
	size_t control_len;
	/* The message that comes in. */
	bool in_message;
	bool is_binary;
	bool is_deflated;
	unsigned fragments;
	struct utf8_pieces utf8;
	struct buf bytes;
};

void ws_reader_init(struct ws_reader *reader);
void ws_reader_fini(struct ws_reader *reader);

/* Takes bytes (which it unmasks in place) up to the end of the next thing that
 * means something; returns how many. *read_r is good until ws_reader_done, until the bytes go or the inflater is
 * used again. Not to be called again after WS_READ_REFUSED. */
size_t ws_reader_next(struct ws_reader *reader,
    const struct ws_reader_limits *limits, char *bytes, size_t len,
    struct ws_read *read_r);
/* The message was used: gives its memory back. */
void ws_reader_done(struct ws_reader *reader);
/* Stands between two messages: it may go, and a new one go on. */
bool ws_reader_is_idle(const struct ws_reader *reader);

#endif
