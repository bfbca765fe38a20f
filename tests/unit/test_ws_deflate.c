/* SPDX-License-Identifier: MIT */
#include "ws_deflate.h"

#include "buf.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#define MANY (1024 * 1024)

/* Words in an order that does not repeat: matches everywhere, near and far. */
static char *
prose(size_t length)
{
	static const char *const words[] = { "relay ", "event ", "stream ",
		"agent ", "token ", "tool ", "result ", "session " };
	char *text = xmalloc(length + 16);
	uint32_t seed = 7;
	for (size_t at = 0; at < length;) {
		seed = seed * 1664525u + 1013904223u;
		at += (size_t)sprintf(text + at, "%s", words[seed >> 29]);
	}
	return text;
}

static char *
noise(size_t length)
{
	char *text = xmalloc(length);
	uint32_t seed = 7;
	for (size_t i = 0; i < length; i++) {
		seed = seed * 1664525u + 1013904223u;
		text[i] = (char)(seed >> 24);
	}
	return text;
}

static struct buf
frame_of(struct view payload)
{
	struct buf frame;
	char header[WS_FRAME_HEADER_MAX];
	buf_init(&frame, 0);
	size_t size = ws_frame_header(header, WS_TEXT, payload.len);
	buf_add(&frame, view_make(header, size));
	buf_add(&frame, payload);
	return frame;
}

static size_t
header_of(const char *frame)
{
	int length = frame[1] & 0x7f;
	return length < 126 ? 2 : length == 126 ? 4 : 10;
}

/* What a peer that has `window_bits` of memory makes of the payload: in steps
 * of a few bytes, so that zlib looks into its window and not into our output. */
static struct buf
read_through_window(struct view payload, unsigned window_bits)
{
	static const unsigned char trailer[4] = { 0, 0, 0xff, 0xff };
	struct buf message;
	z_stream stream = { 0 };
	buf_init(&message, 0);
	assert_int_equal(inflateInit2(&stream, -(int)window_bits), Z_OK);
	struct buf input;
	buf_init(&input, 0);
	buf_add(&input, payload);
	buf_add(&input, view_make(trailer, 4));
	stream.next_in = (Bytef *)input.data;
	stream.avail_in = (uInt)input.len;
	int status = Z_OK;
	while (status == Z_OK) {
		stream.next_out = (Bytef *)buf_reserve(&message, 7);
		stream.avail_out = 7;
		status = inflate(&stream, Z_SYNC_FLUSH);
		message.len += 7 - stream.avail_out;
	}
	assert_int_equal(status, Z_BUF_ERROR);
	assert_int_equal(stream.avail_in, 0);
	inflateEnd(&stream);
	buf_fini(&input);
	return message;
}

static void
a_frame_is_read_through_the_window_that_was_promised(void **state)
{
	(void)state;
	static const size_t sizes[] = { 64, 125, 126, 600, 5000, 70000, MANY };
	for (unsigned bits = 9; bits <= 15; bits++) {
		struct ws_deflater *deflater = ws_deflater_new(bits);
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			char *text = prose(sizes[i]);
			struct buf frame = frame_of(view_make(text, sizes[i]));
			char *out = xmalloc(frame.len);
			size_t length =
			    ws_deflate_frame(deflater, buf_view(&frame), out);
			assert_true(length < frame.len);
			assert_int_equal((uint8_t)out[0], 0xc1);
			size_t header = header_of(out);
			assert_int_equal(
			    header, ws_frame_header_size(length - header));
			struct buf message = read_through_window(
			    view_make(out + header, length - header), bits);
			assert_int_equal(message.len, sizes[i]);
			assert_memory_equal(message.data, text, sizes[i]);
			buf_fini(&message);
			buf_fini(&frame);
			free(out);
			free(text);
		}
		ws_deflater_free(&deflater);
	}
}

static void
a_frame_that_would_not_shrink_stays_as_it_is(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 63, 64, 125, 126, 400, 66000 };
	struct ws_deflater *deflater = ws_deflater_new(12);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char *bytes = noise(sizes[i] + 1);
		struct buf frame = frame_of(view_make(bytes, sizes[i]));
		char *out = xmalloc(frame.len);
		assert_int_equal(
		    ws_deflate_frame(deflater, buf_view(&frame), out),
		    frame.len);
		assert_memory_equal(out, frame.data, frame.len);
		buf_fini(&frame);
		free(out);
		free(bytes);
	}
	ws_deflater_free(&deflater);
}

static void
a_frame_depends_on_no_other(void **state)
{
	(void)state;
	char *text = prose(900);
	struct buf frame = frame_of(view_make(text, 900));
	char first[1000];
	char again[1000];
	struct ws_deflater *deflater = ws_deflater_new(12);
	size_t length = ws_deflate_frame(deflater, buf_view(&frame), first);
	assert_int_equal(
	    ws_deflate_frame(deflater, buf_view(&frame), again), length);
	assert_memory_equal(first, again, length);
	ws_deflater_free(&deflater);
	buf_fini(&frame);
	free(text);
}

/* --- in --- */

/* As a client compresses a message: `flush` Z_SYNC_FLUSH without its last four
 * bytes, or Z_FINISH and an empty block behind it. */
static struct buf
compressed(struct view message, int level, int flush)
{
	struct buf out;
	z_stream stream = { 0 };
	buf_init(&out, 0);
	assert_int_equal(deflateInit2(&stream, level, Z_DEFLATED, -15, 8,
			     Z_DEFAULT_STRATEGY),
	    Z_OK);
	size_t room = message.len + message.len / 100 + 64;
	stream.next_in = (Bytef *)(uintptr_t)message.data;
	stream.avail_in = (uInt)message.len;
	stream.next_out = (Bytef *)buf_reserve(&out, room);
	stream.avail_out = (uInt)room;
	deflate(&stream, flush);
	out.len = room - stream.avail_out;
	deflateEnd(&stream);
	if (flush == Z_SYNC_FLUSH)
		out.len -= 4;
	else
		buf_add_char(&out, 0);
	return out;
}

static void
a_message_comes_out_as_it_went_in(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 100, 16384, 16385, 300000 };
	static const int flushes[] = { Z_SYNC_FLUSH, Z_FINISH };
	struct ws_inflater *inflater = ws_inflater_new();
	for (int level = 0; level <= 9; level += 3)
		for (size_t f = 0; f < 2; f++)
			for (size_t i = 0; i < 6; i++) {
				char *text = prose(sizes[i]);
				struct buf sent =
				    compressed(view_make(text, sizes[i]), level,
					flushes[f]);
				struct view got;
				assert_int_equal(
				    ws_inflate(inflater, buf_view(&sent),
					sizes[i], &got),
				    WS_INFLATE_OK);
				assert_true(
				    view_equal(got, view_make(text, sizes[i])));
				buf_fini(&sent);
				free(text);
			}
	ws_inflater_free(&inflater);
}

static void
two_streams_that_were_ended_are_one_message(void **state)
{
	(void)state;
	struct buf sent = compressed(view_of("hello "), 6, Z_FINISH);
	sent.len--;
	struct buf rest = compressed(view_of("world"), 6, Z_SYNC_FLUSH);
	buf_add(&sent, buf_view(&rest));
	struct view got;
	struct ws_inflater *inflater = ws_inflater_new();
	assert_int_equal(
	    ws_inflate(inflater, buf_view(&sent), 100, &got), WS_INFLATE_OK);
	assert_true(view_is(got, "hello world"));
	ws_inflater_free(&inflater);
	buf_fini(&rest);
	buf_fini(&sent);
}

static void
one_byte_too_many_is_too_large(void **state)
{
	(void)state;
	char *zeros = xcalloc(1, MANY);
	struct buf bomb = compressed(view_make(zeros, MANY), 9, Z_SYNC_FLUSH);
	struct view got;
	struct ws_inflater *inflater = ws_inflater_new();
	assert_true(bomb.len < MANY / 900);
	assert_int_equal(
	    ws_inflate(inflater, buf_view(&bomb), MANY, &got), WS_INFLATE_OK);
	assert_int_equal(ws_inflate(inflater, buf_view(&bomb), MANY - 1, &got),
	    WS_INFLATE_TOO_LARGE);
	assert_int_equal(ws_inflate(inflater, buf_view(&bomb), 1, &got),
	    WS_INFLATE_TOO_LARGE);
	ws_inflater_free(&inflater);
	buf_fini(&bomb);
	free(zeros);
}

static void
what_is_no_whole_stream_is_invalid(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t length;
	} rows[] = {
		{ "", 0 },
		{ "\x07", 1 }, /* block type 3 */
		{ "\xff\xff\xff", 3 },
		{ "\x00\x05\x00\xfa\xff"
		  "abc",
		    8 },                       /* a stored block cut short */
		{ "\x00\x05\x00\xfb\xff", 5 }, /* its length is wrong */
		{ "\x4b\x04\x82\x02\xff", 5 }, /* reaches in front of it */
		{ "plain text, not compressed", 26 },
	};
	struct ws_inflater *inflater = ws_inflater_new();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct view got;
		assert_int_equal(
		    ws_inflate(inflater,
			view_make(rows[i].bytes, rows[i].length), 100, &got),
		    WS_INFLATE_INVALID);
	}
	ws_inflater_free(&inflater);
}

/* Of one block. Its first byte alone may be an empty message. */
static void
a_message_that_was_cut_is_never_taken_for_whole(void **state)
{
	(void)state;
	char *text = prose(3000);
	struct ws_inflater *inflater = ws_inflater_new();
	for (int level = 0; level <= 9; level += 9) {
		struct buf sent =
		    compressed(view_make(text, 3000), level, Z_SYNC_FLUSH);
		for (size_t length = 0; length + 1 < sent.len; length++) {
			struct view got;
			bool is_whole =
			    ws_inflate(inflater, view_make(sent.data, length),
				3000, &got) == WS_INFLATE_OK;
			assert_false(is_whole && got.len > 0);
		}
		buf_fini(&sent);
	}
	ws_inflater_free(&inflater);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_frame_is_read_through_the_window_that_was_promised),
		cmocka_unit_test(a_frame_that_would_not_shrink_stays_as_it_is),
		cmocka_unit_test(a_frame_depends_on_no_other),
		cmocka_unit_test(a_message_comes_out_as_it_went_in),
		cmocka_unit_test(two_streams_that_were_ended_are_one_message),
		cmocka_unit_test(one_byte_too_many_is_too_large),
		cmocka_unit_test(what_is_no_whole_stream_is_invalid),
		cmocka_unit_test(
		    a_message_that_was_cut_is_never_taken_for_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
