/* SPDX-License-Identifier: MIT */
#ifndef WS_MESSAGE_H
#define WS_MESSAGE_H

/*
 * Puts a client's message together from the pieces in which the parser hands
 * it out, within limits. Holds memory only between the first piece and the
 * last. No sockets, no library.
 */

#include "buf.h"

#include <stdint.h>

struct ws_message_limits {
	size_t max_bytes;       /* over it: 1009 */
	unsigned max_fragments; /* over it: 1008 */
};

struct ws_piece {
	struct view bytes;
	size_t frame_rest; /* bytes of this frame that are still to come */
	bool is_first;     /* of the message */
	bool is_last;      /* of the message */
	bool is_binary;    /* 1003 */
};

/* Embedded in the connection. */
struct ws_message {
	struct buf bytes;
	unsigned fragments;
};

void ws_message_init(struct ws_message *message);
void ws_message_fini(struct ws_message *message);

enum ws_message_state {
	WS_MESSAGE_MORE,
	WS_MESSAGE_WHOLE,  /* *whole_r is the message */
	WS_MESSAGE_REFUSED /* *close_r says with which code */
};

/* *whole_r points into the piece or into the message: good until the piece
 * goes or ws_message_fini, which follows a whole or refused message. */
enum ws_message_state ws_message_add(struct ws_message *message,
    const struct ws_message_limits *limits, const struct ws_piece *piece,
    struct view *whole_r, uint16_t *close_r);

#endif
