/* SPDX-License-Identifier: MIT */
#include "ws_message.h"

#define CLOSE_NOT_TEXT  1003
#define CLOSE_POLICY    1008
#define CLOSE_TOO_LARGE 1009

void
ws_message_init(struct ws_message *message)
{
	*message = (struct ws_message){ .fragments = 0 };
	buf_init(&message->bytes, 0);
}

void
ws_message_fini(struct ws_message *message)
{
	buf_fini(&message->bytes);
	message->fragments = 0;
}

static enum ws_message_state
refuse(uint16_t code, uint16_t *close_r)
{
	*close_r = code;
	return WS_MESSAGE_REFUSED;
}

/* The announced rest counts at once, so that a frame of 2^62 bytes is refused
 * by its first. No sum here can wrap: each term was bounded before. */
static bool
is_too_large(const struct ws_message *message,
    const struct ws_message_limits *limits, const struct ws_piece *piece)
{
	size_t room = limits->max_bytes > message->bytes.len
	    ? limits->max_bytes - message->bytes.len
	    : 0;

	return piece->bytes.len > room ||
	    piece->frame_rest > room - piece->bytes.len;
}

enum ws_message_state
ws_message_add(struct ws_message *message,
    const struct ws_message_limits *limits, const struct ws_piece *piece,
    struct view *whole_r, uint16_t *close_r)
{
	if (piece->is_binary)
		return refuse(CLOSE_NOT_TEXT, close_r);
	if (is_too_large(message, limits, piece))
		return refuse(CLOSE_TOO_LARGE, close_r);
	if (piece->frame_rest == 0 &&
	    ++message->fragments > limits->max_fragments)
		return refuse(CLOSE_POLICY, close_r);
	if (piece->is_first && piece->is_last) {
		*whole_r = piece->bytes;
		return WS_MESSAGE_WHOLE;
	}
	buf_add(&message->bytes, piece->bytes);
	if (!piece->is_last)
		return WS_MESSAGE_MORE;
	*whole_r = buf_view(&message->bytes);
	return WS_MESSAGE_WHOLE;
}
