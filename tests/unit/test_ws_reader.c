/* SPDX-License-Identifier: MIT */
#include "ws_reader.h"

#include "ws_deflate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MASK "\x11\x22\x33\x44"

static const struct ws_reader_limits limits = {
	.max_bytes = 10,
	.max_fragments = 3,
};

static struct ws_reader reader;
static bool starts_deflated;

/* What was read, as text: "text:abc", "ping:x", "close:1000", "refused:1002";
 * several joined with spaces. */
static struct buf told;

static void
tell(const struct ws_read *read)
{
	static const char *const names[] = { "more", "text", "ping", "pong",
		"close", "refused" };

	if (read->kind == WS_READ_MORE)
		return;
	if (told.len > 0)
		buf_add_char(&told, ' ');
	buf_add_text(&told, read->is_binary ? "binary" : names[read->kind]);
	buf_add_char(&told, ':');
	if (read->kind >= WS_READ_CLOSE)
		buf_add_u64(&told, read->code);
	else
		buf_add(&told, read->payload);
}

/* A connection does without one between two messages. */
static void
renew_if_idle(void)
{
	if (!ws_reader_is_idle(&reader))
		return;
	ws_reader_fini(&reader);
	memset(&reader, 0xa5, sizeof(reader));
	ws_reader_init(&reader);
	reader.deflate = starts_deflated;
}

/* Fed in pieces of `step` bytes. */
static void
feed(const struct ws_reader_limits *by, struct view bytes, size_t step)
{
	struct ws_read read = { .kind = WS_READ_MORE };
	char piece[256];

	for (size_t at = 0; at < bytes.len; at += step) {
		size_t len = bytes.len - at < step ? bytes.len - at : step;

		memcpy(piece, bytes.data + at, len);
		for (size_t used = 0; used < len;) {
			size_t count = ws_reader_next(
			    &reader, by, piece + used, len - used, &read);

			assert_true(count > 0);
			used += count;
			tell(&read);
			ws_reader_done(&reader);
			if (read.kind == WS_READ_REFUSED)
				return;
		}
		renew_if_idle();
	}
}

struct row {
	const char *bytes;
	size_t len;
	const char *expected;
};

#define ROW(bytes, expected)                        \
	{                                           \
		bytes, sizeof(bytes) - 1, expected, \
	}

/* The same, however the network cuts it. */
static void
check(const struct ws_reader_limits *by, const struct row *row)
{
	for (size_t step = 1; step <= row->len; step++) {
		ws_reader_init(&reader);
		reader.deflate = starts_deflated;
		buf_init(&told, 0);
		feed(by, view_make(row->bytes, row->len), step);
		buf_add_char(&told, '\0');
		assert_string_equal(told.data, row->expected);
		buf_fini(&told);
		ws_reader_fini(&reader);
	}
}

static void
check_all(
    const struct ws_reader_limits *by, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check(by, &rows[i]);
}

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

/* "abc" masked is "\x70\x40\x50". */
#define ABC "\x70\x40\x50"

static void
messages_are_unmasked_and_put_together(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("\x81\x83" MASK ABC, "text:abc"),
		ROW("\x81\x80" MASK, "text:"),
		ROW("\x81\x83" MASK ABC "\x81\x80" MASK, "text:abc text:"),
		ROW("\x01\x83" MASK ABC "\x80\x83" MASK ABC, "text:abcabc"),
		ROW("\x01\x80" MASK "\x00\x83" MASK ABC "\x80\x80" MASK,
		    "text:abc"),
		/* A ping between two fragments is told at once. */
		ROW("\x01\x83" MASK ABC "\x89\x83" MASK ABC "\x80\x80" MASK,
		    "ping:abc text:abc"),
		ROW("\x89\x80" MASK "\x89\x81" MASK "\x70"
		    "\x8a\x81" MASK "\x70",
		    "ping: ping:a pong:a"),
	};

	check_all(&limits, rows, COUNT(rows));
}

static void
a_header_is_judged_as_it_comes(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("\xc1", "refused:1002"), /* reserved bits */
		ROW("\xa1", "refused:1002"),
		ROW("\x91", "refused:1002"),
		ROW("\xc9", "refused:1002"),
		ROW("\x83", "refused:1002"), /* opcodes of no meaning */
		ROW("\x87", "refused:1002"),
		ROW("\x8b", "refused:1002"),
		ROW("\x8f", "refused:1002"),
		ROW("\x80", "refused:1002"), /* nothing to go on with */
		ROW("\x00", "refused:1002"),
		ROW("\x08", "refused:1002"), /* a control frame in pieces */
		ROW("\x09", "refused:1002"),
		ROW("\x0a", "refused:1002"),
		ROW("\x81\x03", "refused:1002"), /* no mask */
		ROW("\x89\xfe", "refused:1002"), /* a long control frame */
		ROW("\x88\xff", "refused:1002"),
		ROW("\x82\x83", "refused:1003"),
		ROW("\x82\x03", "refused:1002"),
		ROW("\x01\x80" MASK "\x81", "refused:1002"),
	};

	check_all(&limits, rows, COUNT(rows));
}

static void
lengths_are_the_shortest_and_within_the_limit(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("\x81\xfe\x00\x7d", "refused:1002"), /* 125 in 16 bits */
		ROW("\x81\xff\x00\x00\x00\x00\x00\x00\xff\xff", "refused:1002"),
		ROW("\x81\xff\x80\x00\x00\x00\x00\x00\x00\x00",
		    "refused:1002"), /* 2^63 */
		ROW("\x81\xff\x40\x00\x00\x00\x00\x00\x00\x00",
		    "refused:1009"), /* 2^62 */
		ROW("\x81\xfe\x00\x7e", "refused:1009"),
		ROW("\x81\x8b", "refused:1009"), /* 11 */
		ROW("\x01\x83" MASK ABC "\x80\x88", "refused:1009"),
		ROW("\x81\x8a" MASK ABC "\x25\x70\x40\x50\x25\x70\x40",
		    "text:abcaabcaab"),
	};

	check_all(&limits, rows, COUNT(rows));
}

static void
fragments_have_a_limit(void **state)
{
	(void)state;
	static const struct ws_reader_limits any = { .max_bytes = 10 };
	static const struct row three =
	    ROW("\x01\x80" MASK "\x00\x80" MASK "\x80\x80" MASK, "text:");
	static const struct row four =
	    ROW("\x01\x80" MASK "\x00\x80" MASK "\x00\x80" MASK "\x80\x80" MASK,
		"refused:1008");
	struct row four_of_any = four;

	check(&limits, &three);
	check(&limits, &four);
	four_of_any.expected = "text:";
	check(&any, &four_of_any);
}

static void
binary_is_taken_where_it_may(void **state)
{
	(void)state;
	static const struct ws_reader_limits both = { .max_bytes = 10,
		.takes_binary = true };
	/* ff, which is no text, is "\xee" */
	static const struct row rows[] = {
		ROW("\x82\x83" MASK ABC, "binary:abc"),
		ROW("\x02\x83" MASK ABC "\x80\x80" MASK, "binary:abc"),
		ROW("\x82\x81" MASK "\xee", "binary:\xff"),
		ROW("\x81\x81" MASK "\xee", "refused:1007"),
	};

	check_all(&both, rows, COUNT(rows));
}

/* The mask is zero: these bytes are the payload. */
#define NONE "\x00\x00\x00\x00"

static void
text_is_utf8_across_fragments(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("\x81\x82" NONE "\xc3\xa9", "text:\xc3\xa9"),
		ROW("\x01\x81" NONE "\xc3"
		    "\x80\x81" NONE "\xa9",
		    "text:\xc3\xa9"),
		ROW("\x01\x83" NONE "\xf0\x9f\x98"
		    "\x80\x81" NONE "\x80",
		    "text:\xf0\x9f\x98\x80"),
		ROW("\x81\x81" NONE "\xc3", "refused:1007"), /* cut off */
		ROW("\x01\x82" NONE "\xc0\xaf", "refused:1007"),
		/* Seen with the byte that is wrong, before the frame ends. */
		ROW("\x01\x88" NONE "\xed\xa0", "refused:1007"),
		ROW("\x01\x88" NONE "\xf4\x90", "refused:1007"),
		ROW("\x01\x88" NONE "\xf8", "refused:1007"),
		ROW("\x01\x81" NONE "\xe2"
		    "\x00\x81" NONE "\x28",
		    "refused:1007"),
	};

	check_all(&limits, rows, COUNT(rows));
}

static void
a_close_frame_has_a_code_that_may_stand_there(void **state)
{
	(void)state;
	static const struct row rows[] = {
		ROW("\x88\x80" NONE, "close:0"),
		ROW("\x88\x82" NONE "\x03\xe8", "close:1000"),
		ROW("\x88\x85" NONE "\x03\xe8"
		    "bye",
		    "close:1000"),
		ROW("\x88\x82" NONE "\x03\xf6", "close:1014"),
		ROW("\x88\x82" NONE "\x0b\xb8", "close:3000"),
		ROW("\x88\x82" NONE "\x13\x87", "close:4999"),
		ROW("\x88\x81" NONE "\x03", "refused:1002"),
		/* Nor with what a ping before it left behind. */
		ROW("\x89\x82" NONE "\x03\xe8"
		    "\x88\x81" NONE "\x03",
		    "ping:\x03\xe8 refused:1002"),
		ROW("\x88\x82" NONE "\x00\x00", "refused:1002"),
		ROW("\x88\x82" NONE "\x03\xe7", "refused:1002"), /* 999 */
		ROW("\x88\x82" NONE "\x03\xec", "refused:1002"), /* 1004 */
		ROW("\x88\x82" NONE "\x03\xee", "refused:1002"), /* 1006 */
		ROW("\x88\x82" NONE "\x03\xf7", "refused:1002"), /* 1015 */
		ROW("\x88\x82" NONE "\x0b\xb7", "refused:1002"), /* 2999 */
		ROW("\x88\x82" NONE "\x13\x88", "refused:1002"), /* 5000 */
		ROW("\x88\x83" NONE "\x03\xe8\xff", "refused:1002"),
	};

	check_all(&limits, rows, COUNT(rows));
}

/* "Hello", as in RFC 7692 section 7.2.3.1, and "\xff" stored. */
#define HELLO     "\xf2\x48\xcd\xc9\xc9\x07\x00"
#define STORED_FF "\x00\x01\x00\xfe\xff\xff\x00"

static void
a_deflated_message_is_inflated(void **state)
{
	(void)state;
	struct ws_inflater *inflater = ws_inflater_new();
	const struct ws_reader_limits five = { .max_bytes = 10,
		.inflater = inflater };
	static const struct row rows[] = {
		ROW("\xc1\x87" NONE HELLO, "text:Hello"),
		ROW("\x41\x83" NONE "\xf2\x48\xcd"
		    "\x80\x84" NONE "\xc9\xc9\x07\x00",
		    "text:Hello"),
		ROW("\xc1\x87" NONE HELLO "\x81\x82" NONE "ab",
		    "text:Hello text:ab"),
		ROW("\xc1\x87" NONE STORED_FF, "refused:1007"),
		ROW("\xc1\x82" NONE "\xff\xff", "refused:1007"),
		ROW("\x41\x81" NONE "a\xc0", "refused:1002"),
		ROW("\xc9", "refused:1002"),
		ROW("\xe1", "refused:1002"),
	};

	starts_deflated = true;
	check_all(&five, rows, COUNT(rows));
	starts_deflated = false;
	ws_inflater_free(&inflater);
}

static void
what_inflates_to_more_than_the_limit_is_too_large(void **state)
{
	(void)state;
	struct ws_inflater *inflater = ws_inflater_new();
	const struct ws_reader_limits small = { .max_bytes = 7,
		.inflater = inflater };
	/* Twenty times "a". */
	static const struct row bomb =
	    ROW("\xc1\x85" NONE "\x4a\xc4\x0b\x00\x00", "refused:1009");

	starts_deflated = true;
	check(&small, &bomb);
	starts_deflated = false;
	ws_inflater_free(&inflater);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_unmasked_and_put_together),
		cmocka_unit_test(a_header_is_judged_as_it_comes),
		cmocka_unit_test(lengths_are_the_shortest_and_within_the_limit),
		cmocka_unit_test(fragments_have_a_limit),
		cmocka_unit_test(binary_is_taken_where_it_may),
		cmocka_unit_test(text_is_utf8_across_fragments),
		cmocka_unit_test(a_close_frame_has_a_code_that_may_stand_there),
		cmocka_unit_test(a_deflated_message_is_inflated),
		cmocka_unit_test(
		    what_inflates_to_more_than_the_limit_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
