/* SPDX-License-Identifier: MIT */
#include "ws_reader.h"

#include "ws_deflate.h"
#include "ws_frame.h"

#include <assert.h>

#define FIN        0x80
#define RSV        0x70
#define RSV1       0x40 /* the message is deflated */
#define OPCODE     0x0f
#define IS_CONTROL 0x08
#define MASKED     0x80
#define LENGTH     0x7f

#define LENGTH_16_BIT 126
#define MASK_BYTES    4

#define CLOSE_PROTOCOL  1002
#define CLOSE_NOT_TEXT  1003
#define CLOSE_NOT_UTF8  1007
#define CLOSE_POLICY    1008
#define CLOSE_TOO_LARGE 1009

/* Where each step leads: 0, or the code to close with. */
typedef unsigned verdict;

void
ws_reader_init(struct ws_reader *reader)
{
	*reader = (struct ws_reader){ .header_len = 0 };
	buf_init(&reader->bytes, 0);
}

void
ws_reader_fini(struct ws_reader *reader)
{
	buf_fini(&reader->bytes);
}

void
ws_reader_done(struct ws_reader *reader)
{
	if (reader->in_message)
		return;
	buf_fini(&reader->bytes);
	buf_init(&reader->bytes, 0);
}

bool
ws_reader_is_idle(const struct ws_reader *reader)
{
	return reader->header_len == 0 && !reader->in_message;
}

/* --- the header --- */

static unsigned
opcode_of(const struct ws_reader *reader)
{
	return reader->header[0] & OPCODE;
}

static bool
is_control(const struct ws_reader *reader)
{
	return (reader->header[0] & IS_CONTROL) != 0;
}

static bool
is_final(const struct ws_reader *reader)
{
	return (reader->header[0] & FIN) != 0;
}

static verdict
begin_message(struct ws_reader *reader)
{
	if (reader->in_message)
		return CLOSE_PROTOCOL; /* the one before has not ended */
	reader->is_binary = opcode_of(reader) == WS_BINARY;
	reader->is_deflated = (reader->header[0] & RSV1) != 0;
	reader->in_message = true;
	reader->fragments = 0;
	reader->utf8 = (struct utf8_pieces){ .more = 0 };
	return 0;
}

/* RSV1 stands on the first frame of a message only, if at all. */
static verdict
judge_reserved(const struct ws_reader *reader)
{
	unsigned allowed = reader->deflate && !is_control(reader) &&
		opcode_of(reader) != WS_CONTINUATION
	    ? RSV1
	    : 0;
	return (reader->header[0] & RSV & ~allowed) ? CLOSE_PROTOCOL : 0;
}

static verdict
judge_first_byte(struct ws_reader *reader)
{
	if (judge_reserved(reader) != 0)
		return CLOSE_PROTOCOL;
	switch (opcode_of(reader)) {
	case WS_CONTINUATION:
		return reader->in_message ? 0 : CLOSE_PROTOCOL;
	case WS_TEXT:
	case WS_BINARY:
		return begin_message(reader);
	case WS_CLOSE:
	case WS_PING:
	case WS_PONG:
		return is_final(reader) ? 0 : CLOSE_PROTOCOL;
	default:
		return CLOSE_PROTOCOL; /* an opcode of no meaning */
	}
}

static verdict
judge_second_byte(
    const struct ws_reader *reader, const struct ws_reader_limits *limits)
{
	if (!(reader->header[1] & MASKED))
		return CLOSE_PROTOCOL;
	if (opcode_of(reader) == WS_BINARY && !limits->takes_binary)
		return CLOSE_NOT_TEXT;
	if (is_control(reader) && (reader->header[1] & LENGTH) > WS_CONTROL_MAX)
		return CLOSE_PROTOCOL;
	return 0;
}

/* Bytes that hold the length besides the second one: 0, 2 or 8. */
static size_t
length_bytes(const struct ws_reader *reader)
{
	unsigned length = reader->header[1] & LENGTH;

	if (length < LENGTH_16_BIT)
		return 0;
	return length == LENGTH_16_BIT ? 2 : 8;
}

static uint64_t
read_length(const struct ws_reader *reader)
{
	size_t count = length_bytes(reader);
	uint64_t length = 0;

	if (count == 0)
		return reader->header[1] & LENGTH;
	for (size_t i = 0; i < count; i++)
		length = length << 8 | reader->header[2 + i];
	return length;
}

static verdict
judge_length(struct ws_reader *reader, const struct ws_reader_limits *limits)
{
	uint64_t length = read_length(reader);
	size_t least = length_bytes(reader) == 0 ? 2
	    : length_bytes(reader) == 2          ? 4
						 : WS_FRAME_HEADER_MAX;

	if (length > INT64_MAX || ws_frame_header_size(length) != least)
		return CLOSE_PROTOCOL;
	reader->rest = length;
	if (is_control(reader))
		return 0;
	if (length > limits->max_bytes ||
	    reader->bytes.len > limits->max_bytes - length)
		return CLOSE_TOO_LARGE;
	reader->fragments++;
	return limits->max_fragments > 0 &&
		reader->fragments > limits->max_fragments
	    ? CLOSE_POLICY
	    : 0;
}

static verdict
judge_header(struct ws_reader *reader, const struct ws_reader_limits *limits)
{
	size_t len = reader->header_len;
	verdict code = 0;

	if (len == 1)
		return judge_first_byte(reader);
	if (len == 2)
		code = judge_second_byte(reader, limits);
	if (code == 0 && len == 2 + length_bytes(reader))
		code = judge_length(reader, limits);
	if (code == 0 && len == 2 + length_bytes(reader) + MASK_BYTES) {
		reader->in_payload = true;
		reader->mask_at = 0;
		reader->control_len = 0;
	}
	return code;
}

static verdict
take_header(struct ws_reader *reader, const struct ws_reader_limits *limits,
    const char *bytes, size_t len, size_t *used_r)
{
	verdict code = 0;

	while (code == 0 && !reader->in_payload && *used_r < len) {
		reader->header[reader->header_len++] =
		    (uint8_t)bytes[(*used_r)++];
		code = judge_header(reader, limits);
	}
	return code;
}

/* --- the payload --- */

static void
unmask(struct ws_reader *reader, char *bytes, size_t len)
{
	const uint8_t *mask = reader->header + reader->header_len - MASK_BYTES;
	uint8_t turned[8];
	uint64_t eight, mask_8;
	size_t at = 0;

	for (unsigned i = 0; i < sizeof(turned); i++)
		turned[i] = mask[(reader->mask_at + i) % MASK_BYTES];
	memcpy(&mask_8, turned, sizeof(mask_8));
	for (; len - at >= sizeof(eight); at += sizeof(eight)) {
		memcpy(&eight, bytes + at, sizeof(eight));
		eight ^= mask_8;
		memcpy(bytes + at, &eight, sizeof(eight));
	}
	for (size_t i = 0; at + i < len; i++)
		bytes[at + i] = (char)(bytes[at + i] ^ turned[i]);
	reader->mask_at = (unsigned)((reader->mask_at + len) % MASK_BYTES);
}

static void
end_frame(struct ws_reader *reader)
{
	reader->header_len = 0;
	reader->in_payload = false;
}

/* RFC 6455 section 7.4 and the registry: codes that may stand in a frame. */
static bool
is_close_code(unsigned code)
{
	return (code >= 1000 && code <= 1003) ||
	    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
}

static verdict
end_close(const struct ws_reader *reader, struct ws_read *read)
{
	const uint8_t *bytes = (const uint8_t *)reader->control;
	unsigned code;

	read->kind = WS_READ_CLOSE;
	read->code = 0;
	if (reader->control_len == 0)
		return 0;
	if (reader->control_len == 1)
		return CLOSE_PROTOCOL;
	code = (unsigned)(bytes[0] << 8 | bytes[1]);
	if (!is_close_code(code) ||
	    !utf8_is_valid(
		view_make(reader->control + 2, reader->control_len - 2)))
		return CLOSE_PROTOCOL;
	read->code = (uint16_t)code;
	return 0;
}

static verdict
end_control(struct ws_reader *reader, struct ws_read *read)
{
	read->payload = view_make(reader->control, reader->control_len);
	end_frame(reader);
	switch (opcode_of(reader)) {
	case WS_PING:
		read->kind = WS_READ_PING;
		return 0;
	case WS_PONG:
		read->kind = WS_READ_PONG;
		return 0;
	default:
		return end_close(reader, read);
	}
}

static verdict
take_control(struct ws_reader *reader, struct view piece, struct ws_read *read)
{
	assert(piece.len <= WS_CONTROL_MAX - reader->control_len);
	if (piece.len > 0)
		memcpy(reader->control + reader->control_len, piece.data,
		    piece.len);
	reader->control_len += piece.len;
	return reader->rest == 0 ? end_control(reader, read) : 0;
}

static verdict
judge_text(struct ws_reader *reader, struct view piece)
{
	return reader->is_binary || utf8_add(&reader->utf8, piece)
	    ? 0
	    : CLOSE_NOT_UTF8;
}

/* A message that is there in one piece is not copied. */
static struct view
collect(struct ws_reader *reader, struct view piece, bool is_end)
{
	if (is_end && reader->bytes.len == 0)
		return piece;
	buf_add(&reader->bytes, piece);
	return buf_view(&reader->bytes);
}

static verdict
inflate_whole(struct ws_reader *reader, const struct ws_reader_limits *limits,
    struct view deflated, struct view *message_r)
{
	switch (ws_inflate(
	    limits->inflater, deflated, limits->max_bytes, message_r)) {
	case WS_INFLATE_OK:
		break;
	case WS_INFLATE_INVALID:
		return CLOSE_NOT_UTF8; /* or what else it should have been */
	case WS_INFLATE_TOO_LARGE:
		return CLOSE_TOO_LARGE;
	}
	return judge_text(reader, *message_r);
}

static verdict
take_data(struct ws_reader *reader, const struct ws_reader_limits *limits,
    struct view piece, struct ws_read *read)
{
	bool is_end = reader->rest == 0 && is_final(reader);
	verdict code = reader->is_deflated ? 0 : judge_text(reader, piece);

	if (code != 0)
		return code;
	read->payload = collect(reader, piece, is_end);
	if (is_end && reader->is_deflated)
		code = inflate_whole(
		    reader, limits, read->payload, &read->payload);
	if (code != 0)
		return code;
	if (reader->rest == 0)
		end_frame(reader);
	if (!is_end)
		return 0;
	reader->in_message = false;
	if (!reader->is_binary && reader->utf8.more > 0)
		return CLOSE_NOT_UTF8;
	read->kind = WS_READ_MESSAGE;
	read->is_binary = reader->is_binary;
	return 0;
}

static verdict
take_payload(struct ws_reader *reader, const struct ws_reader_limits *limits,
    char *bytes, size_t len, struct ws_read *read)
{
	struct view piece = view_make(bytes, len);

	unmask(reader, bytes, len);
	reader->rest -= len;
	return is_control(reader) ? take_control(reader, piece, read)
				  : take_data(reader, limits, piece, read);
}

size_t
ws_reader_next(struct ws_reader *reader, const struct ws_reader_limits *limits,
    char *bytes, size_t len, struct ws_read *read_r)
{
	size_t used = 0;
	verdict code = 0;

	*read_r = (struct ws_read){ .kind = WS_READ_MORE };
	while (code == 0 && read_r->kind == WS_READ_MORE) {
		code = take_header(reader, limits, bytes, len, &used);
		if (code != 0 || !reader->in_payload ||
		    (used == len && reader->rest > 0))
			break;
		size_t room = len - used;
		size_t count =
		    reader->rest < room ? (size_t)reader->rest : room;
		code =
		    take_payload(reader, limits, bytes + used, count, read_r);
		used += count;
	}
	if (code != 0)
		*read_r = (struct ws_read){ .kind = WS_READ_REFUSED,
			.code = (uint16_t)code };
	return used;
}
