/* SPDX-License-Identifier: MIT */
#include "ws_deflate.h"

#include "buf.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define RSV1         0x40
#define LENGTH_16    126
#define LENGTH_64    127
#define PAYLOAD_MIN  64 /* below, there is nothing to gain */
#define LEVEL        3  /* costs an event what 1 does; 6 makes 2 % less of it */
#define MEMORY_LEVEL 5  /* a table of 4,096: cleared for each message */
#define INFLATE_STEP 16384
#define KEEP_BYTES   65536 /* of output, from one message to the next */

/* What ends a flushed deflate stream; it is not sent (RFC 7692, 7.2.1). */
static const char trailer[4] = { 0, 0, '\xff', '\xff' };

struct ws_deflater {
	z_stream stream;
};

struct ws_inflater {
	z_stream stream;
	struct buf message;
};

/* --- out --- */

struct ws_deflater *
ws_deflater_new(unsigned window_bits)
{
	struct ws_deflater *deflater = xcalloc(1, sizeof(*deflater));
	assert(window_bits >= 9 && window_bits <= 15);
	int status = deflateInit2(&deflater->stream, LEVEL, Z_DEFLATED,
	    -(int)window_bits, MEMORY_LEVEL, Z_DEFAULT_STRATEGY);
	assert(status == Z_OK);
	return deflater;
}

void
ws_deflater_free(struct ws_deflater **deflater)
{
	struct ws_deflater *old = *deflater;
	if (old == NULL)
		return;
	*deflater = NULL;
	deflateEnd(&old->stream);
	free(old);
}

static struct view
payload_of(struct view frame)
{
	size_t header = 2;
	if ((frame.data[1] & 0x7f) == LENGTH_16)
		header = 4;
	else if ((frame.data[1] & 0x7f) == LENGTH_64)
		header = 10;
	return view_make(frame.data + header, frame.len - header);
}

/* Returns the bytes at `out`, 0 when `room` is not enough. */
static size_t
compress_into(
    struct ws_deflater *deflater, struct view payload, char *out, size_t room)
{
	z_stream *stream = &deflater->stream;
	deflateReset(stream);
	stream->next_in = (Bytef *)(uintptr_t)payload.data; /* only read */
	stream->avail_in = (uInt)payload.len;
	stream->next_out = (Bytef *)out;
	stream->avail_out = (uInt)room;
	if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_out == 0)
		return 0;
	size_t length = room - stream->avail_out - sizeof(trailer);
	assert(memcmp(out + length, trailer, sizeof(trailer)) == 0);
	return length;
}

/* The header's size is known only behind the payload: this leaves the room
 * that it takes at most, and closes up. */
size_t
ws_deflate_frame(struct ws_deflater *deflater, struct view frame, char *out)
{
	struct view payload = payload_of(frame);
	size_t most = frame.len - payload.len;
	size_t length = payload.len < PAYLOAD_MIN
	    ? 0
	    : compress_into(deflater, payload, out + most, payload.len);
	if (length == 0) {
		memcpy(out, frame.data, frame.len);
		return frame.len;
	}
	size_t header = ws_frame_header_size(length);
	memmove(out + header, out + most, length);
	ws_frame_header(out, WS_TEXT, length);
	out[0] = (char)(frame.data[0] | RSV1);
	return header + length;
}

/* --- in --- */

struct ws_inflater *
ws_inflater_new(void)
{
	struct ws_inflater *inflater = xcalloc(1, sizeof(*inflater));
	int status = inflateInit2(&inflater->stream, -MAX_WBITS);
	assert(status == Z_OK);
	buf_init(&inflater->message, 0);
	return inflater;
}

void
ws_inflater_free(struct ws_inflater **inflater)
{
	struct ws_inflater *old = *inflater;
	if (old == NULL)
		return;
	*inflater = NULL;
	inflateEnd(&old->stream);
	buf_fini(&old->message);
	free(old);
}

/* One byte more than is allowed tells that there is too much. */
static enum ws_inflate_result
step(struct ws_inflater *inflater, size_t max_bytes, int *status_r)
{
	z_stream *stream = &inflater->stream;
	struct buf *message = &inflater->message;
	size_t room = max_bytes + 1 - message->len;
	if (room > INFLATE_STEP)
		room = INFLATE_STEP;
	stream->next_out = (Bytef *)buf_reserve(message, room);
	stream->avail_out = (uInt)room;
	*status_r = inflate(stream, Z_SYNC_FLUSH);
	message->len += room - stream->avail_out;
	if (message->len > max_bytes)
		return WS_INFLATE_TOO_LARGE;
	if (*status_r == Z_OK || *status_r == Z_STREAM_END ||
	    *status_r == Z_BUF_ERROR)
		return WS_INFLATE_OK;
	return WS_INFLATE_INVALID;
}

/* Some end their stream for good and begin another one behind it (RFC 7692,
 * 7.2.3.4). *ended_r: the last bytes were the end of one. */
static enum ws_inflate_result
feed(struct ws_inflater *inflater, struct view bytes, size_t max_bytes,
    bool *ended_r)
{
	z_stream *stream = &inflater->stream;
	int status = Z_OK;
	stream->next_in = (Bytef *)(uintptr_t)bytes.data; /* only read */
	stream->avail_in = (uInt)bytes.len;
	do {
		enum ws_inflate_result result =
		    step(inflater, max_bytes, &status);
		if (result != WS_INFLATE_OK)
			return result;
		*ended_r = status == Z_STREAM_END;
		if (*ended_r)
			inflateReset(stream);
	} while (stream->avail_in > 0 || stream->avail_out == 0);
	return WS_INFLATE_OK;
}

/* zlib says so in data_type: between two blocks, no bit left over. */
static bool
is_between_blocks(const z_stream *stream)
{
	return (stream->data_type & 128) != 0 && (stream->data_type & 63) == 0;
}

/* The sender took it away. It says nothing: where it does, or ends the stream,
 * it stands for something else that is missing. */
static enum ws_inflate_result
feed_trailer(struct ws_inflater *inflater, size_t max_bytes)
{
	bool ended = false;
	size_t before = inflater->message.len;
	enum ws_inflate_result result = feed(
	    inflater, view_make(trailer, sizeof(trailer)), max_bytes, &ended);
	if (ended || inflater->message.len != before ||
	    !is_between_blocks(&inflater->stream))
		return WS_INFLATE_INVALID;
	return result;
}

static void
forget_large(struct buf *message)
{
	if (message->capacity > KEEP_BYTES)
		buf_fini(message);
	buf_clear(message);
}

enum ws_inflate_result
ws_inflate(struct ws_inflater *inflater, struct view payload, size_t max_bytes,
    struct view *message_r)
{
	bool ended = false;
	forget_large(&inflater->message);
	inflateReset(&inflater->stream);
	enum ws_inflate_result result =
	    feed(inflater, payload, max_bytes, &ended);
	if (result == WS_INFLATE_OK && !ended)
		result = feed_trailer(inflater, max_bytes);
	*message_r = buf_view(&inflater->message);
	if (result != WS_INFLATE_OK)
		forget_large(&inflater->message);
	return result;
}
