/* SPDX-License-Identifier: MIT */

/* Heads that the gate refuses, row by row of the list of bad inputs. */

#include "handshake_helper.h"

#include <stdio.h>

/* Each is judged at its last byte at the latest. */
static const struct bad_row {
	const char *row; /* of the list of bad inputs, or what it is */
	struct view head;
	int status;
} bad_rows[] = {
	{ "B2 two keys", LITERAL("GET / HTTP/1.1\r\nHost: a\r\n" KEY KEY),
	    400 },
	{ "B5 HTTP/2.0", LITERAL("GET / HTTP/2.0\r\n"), 400 },
	{ "B5 HTTP/1.2", LITERAL("GET / HTTP/1.2\r\n"), 400 },
	{ "B5 HTTP/1.10", LITERAL("GET / HTTP/1.10\r\n"), 400 },
	{ "B5 lower case", LITERAL("GET / http/1.1\r\n"), 400 },
	{ "B5 JUNK", LITERAL("GET / JUNK\r\n"), 400 },
	{ "B5 no version", LITERAL("GET /\r\n"), 400 },
	{ "B5 empty version", LITERAL("GET / \r\n"), 400 },
	{ "B5 space behind", LITERAL("GET / HTTP/1.1 \r\n"), 400 },
	{ "B5 two spaces", LITERAL("GET  / HTTP/1.1\r\n"), 400 },
	{ "B6 no Host", LITERAL("GET / HTTP/1.1\r\n\r\n"), 400 },
	{ "B6 two Host", LITERAL("GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n"),
	    400 },
	{ "B6 two Host, one empty",
	    LITERAL("GET / HTTP/1.1\r\nHost:\r\nHost: a\r\n"), 400 },
	{ "B6 empty Host", LITERAL("GET / HTTP/1.1\r\nHost: \r\n\r\n"), 400 },
	{ "B6 Host list", LITERAL("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"),
	    400 },
	{ "B6 user in Host", LITERAL("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"),
	    400 },
	{ "B7 two Origin",
	    LITERAL("GET / HTTP/1.1\r\nOrigin: http://a\r\nOrigin: null\r\n"),
	    400 },
	{ "two Authorization",
	    LITERAL("GET / HTTP/1.1\r\nAuthorization: a\r\n"
		    "Authorization: b\r\n"),
	    400 },
	{ "B9 ..", LITERAL("GET /a/../b HTTP/1.1\r\n"), 400 },
	{ "B9 .. at the end", LITERAL("GET /a/.. HTTP/1.1\r\n"), 400 },
	{ "B9 ..?", LITERAL("GET /a/..?q HTTP/1.1\r\n"), 400 },
	{ "B9 .", LITERAL("GET /./a HTTP/1.1\r\n"), 400 },
	{ "B9 %2e%2e", LITERAL("GET /a/%2e%2e/b HTTP/1.1\r\n"), 400 },
	{ "B9 .%2E", LITERAL("GET /a/.%2E HTTP/1.1\r\n"), 400 },
	{ "B9 %00", LITERAL("GET /a%00 HTTP/1.1\r\n"), 400 },
	{ "B9 bad escape", LITERAL("GET /a%g0 HTTP/1.1\r\n"), 400 },
	{ "B9 cut escape", LITERAL("GET /a%0 HTTP/1.1\r\n"), 400 },
	{ "B9 backslash", LITERAL("GET /a\\b HTTP/1.1\r\n"), 400 },
	{ "B9 fragment", LITERAL("GET /a#b HTTP/1.1\r\n"), 400 },
	{ "B9 8-bit path", LITERAL("GET /\xc3\xa9 HTTP/1.1\r\n"), 400 },
	{ "B9 tab in target", LITERAL("GET /a\tb HTTP/1.1\r\n"), 400 },
	{ "B9 absolute URI", LITERAL("GET http://a/b HTTP/1.1\r\n"), 400 },
	{ "B9 no slash", LITERAL("GET a HTTP/1.1\r\n"), 400 },
	{ "B9 empty target", LITERAL("GET  HTTP/1.1\r\n"), 400 },
	{ "B9 GET *", LITERAL("GET * HTTP/1.1\r\n"), 400 },
	{ "B10 long list",
	    LITERAL("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: relay.v1, "
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaa\r\n"),
	    400 },
	{ "B10 no token",
	    LITERAL("GET / HTTP/1.1\r\nSec-WebSocket-Protocol: a b\r\n"), 400 },
	{ "B11 h2 preface", LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 0 },
	{ "B13 negative length",
	    LITERAL("POST / HTTP/1.1\r\nContent-Length: -1\r\n"), 400 },
	{ "B13 signed length",
	    LITERAL("POST / HTTP/1.1\r\nContent-Length: +1\r\n"), 400 },
	{ "B13 empty length", LITERAL("POST / HTTP/1.1\r\nContent-Length:\r\n"),
	    400 },
	{ "B13 length list",
	    LITERAL("POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n"), 400 },
	{ "B13 huge length",
	    LITERAL("POST / HTTP/1.1\r\n"
		    "Content-Length: 18446744073709551617\r\n"),
	    400 },
	{ "B13 two lengths",
	    LITERAL("POST / HTTP/1.1\r\nContent-Length: 1\r\n"
		    "Content-Length: 1\r\n"),
	    400 },
	{ "B13 CL and TE",
	    LITERAL("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n"
		    "Transfer-Encoding: chunked\r\n\r\n"),
	    400 },
	{ "B14 CONNECT", LITERAL("CONNECT a:443 HTTP/1.1\r\n"), 405 },
	{ "B14 TRACE", LITERAL("TRACE / HTTP/1.1\r\n"), 405 },
	{ "B14 OPTIONS *", LITERAL("OPTIONS * HTTP/1.1\r\n"), 405 },
	{ "B19 bare LF in the request line", LITERAL("GET / HTTP/1.1\n"), 400 },
	{ "B19 bare LF in a field", LITERAL("GET / HTTP/1.1\r\nHost: a\n"),
	    400 },
	{ "B19 bare LF at the end", LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\n"),
	    400 },
	{ "B19 bare CR", LITERAL("GET / HTTP/1.1\r\nHost: a\rb"), 400 },
	{ "B19 folded by space", LITERAL("GET / HTTP/1.1\r\nA: b\r\n c\r\n"),
	    400 },
	{ "B19 folded by tab", LITERAL("GET / HTTP/1.1\r\nA: b\r\n\tc\r\n"),
	    400 },
	{ "B19 space in the first field",
	    LITERAL("GET / HTTP/1.1\r\n Host: a\r\n"), 400 },
	{ "B19 X :", LITERAL("GET / HTTP/1.1\r\nX : a\r\n"), 400 },
	{ "B19 no colon", LITERAL("GET / HTTP/1.1\r\nHost\r\n"), 400 },
	{ "B19 no name", LITERAL("GET / HTTP/1.1\r\n: a\r\n"), 400 },
	{ "B19 space in a name", LITERAL("GET / HTTP/1.1\r\nX Y: a\r\n"), 400 },
	{ "B19 NUL in a value", LITERAL("GET / HTTP/1.1\r\nX: a\0"), 400 },
	{ "B19 NUL in a name", LITERAL("GET / HTTP/1.1\r\nX\0"), 400 },
	{ "B19 NUL in the target", LITERAL("GET /\0"), 400 },
	{ "B19 DEL", LITERAL("GET / HTTP/1.1\r\nX: \x7f"), 400 },
	{ "B19 8-bit name", LITERAL("GET / HTTP/1.1\r\nX\xe9: a\r\n"), 400 },
	{ "B20 TLS hello", LITERAL("\x16\x03\x01\x02\x00\x01"), 0 },
	{ "B20 PROXY v1", LITERAL("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n"), 0 },
	{ "B20 PROXY v2", LITERAL("\r\n\r\n\0\r\nQUIT\n"), 0 },
	{ "B20 text", LITERAL("hello\r\n"), 0 },
	{ "B20 SSH", LITERAL("SSH-2.0-OpenSSH_9.2\r\n"), 0 },
	{ "B20 long word", LITERAL("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), 0 },
	{ "B20 RESP", LITERAL("*1\r\n$4\r\nPING\r\n"), 0 },
};

static void
bad_heads_get_their_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_rows); i++) {
		const struct bad_row *row = &bad_rows[i];
		if (parse(row->head) != HANDSHAKE_BAD)
			fail_msg("%s: not refused", row->row);
		if (status != row->status)
			fail_msg("%s: status %d", row->row, status);
		assert_non_null(reason);
	}
}

static void
bad_heads_stay_bad_whatever_follows(void **state)
{
	(void)state;
	char longer[1024];
	for (size_t i = 0; i < COUNT(bad_rows); i++) {
		struct view head = bad_rows[i].head;
		memcpy(longer, head.data, head.len);
		memcpy(longer + head.len, "\r\n\r\n", 4);
		assert_int_equal(
		    parse(view_make(longer, head.len + 4)), HANDSHAKE_BAD);
	}
}

static void
random_bytes_are_dropped_or_refused(void **state)
{
	(void)state;
	for (unsigned seed = 0; seed < 1000; seed++) {
		uint8_t noise[64];
		uint32_t next = seed * 2654435761u + 1;
		for (size_t i = 0; i < sizeof(noise); i++) {
			next = next * 1664525u + 1013904223u;
			noise[i] = (uint8_t)(next >> 24);
		}
		if (parse(view_make(noise, sizeof(noise))) == HANDSHAKE_BAD)
			assert_true(status == 0 || status == 400);
		else
			assert_int_not_equal(status, 200);
	}
}

static enum handshake_state
parse_padded(size_t size)
{
	static char head[32768];
	int length =
	    snprintf(head, sizeof(head), "GET / HTTP/1.1\r\nHost: a\r\nX: ");
	memset(head + length, 'x', size);
	memcpy(head + size - 4, "\r\n\r\n", 4);
	return parse(view_make(head, size));
}

/* B15 */
static void
a_head_of_eight_kilobytes_is_the_limit(void **state)
{
	(void)state;
	assert_int_equal(parse_padded(8192), HANDSHAKE_COMPLETE);
	assert_int_equal(result.head_length, 8192);
	assert_int_equal(parse_padded(8193), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
	assert_int_equal(parse_padded(9000), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
	assert_int_equal(parse_padded(20000), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
}

static enum handshake_state
parse_fields(unsigned count)
{
	struct buf head;
	buf_init(&head, 0);
	buf_add_text(&head, "GET / HTTP/1.1\r\nHost: a\r\n");
	for (unsigned i = 1; i < count; i++)
		buf_add_text(&head, "a: b\r\n");
	buf_add_text(&head, "\r\n");
	enum handshake_state state = parse(buf_view(&head));
	buf_fini(&head);
	return state;
}

static void
a_hundred_fields_are_the_limit(void **state)
{
	(void)state;
	assert_int_equal(parse_fields(100), HANDSHAKE_COMPLETE);
	assert_int_equal(parse_fields(101), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
	assert_int_equal(parse_fields(400), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
}

static enum handshake_state
parse_target(size_t size)
{
	struct buf head;
	buf_init(&head, 0);
	buf_add_text(&head, "GET /");
	for (size_t i = 1; i < size; i++)
		buf_add_char(&head, 'a');
	buf_add_text(&head, " HTTP/1.1\r\nHost: a\r\n\r\n");
	enum handshake_state state = parse(buf_view(&head));
	buf_fini(&head);
	return state;
}

static void
a_target_holds_a_token_but_not_five_kilobytes(void **state)
{
	(void)state;
	assert_int_equal(parse_target(4800), HANDSHAKE_COMPLETE);
	assert_int_equal(parse_target(4801), HANDSHAKE_BAD);
	assert_int_equal(status, 431);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_heads_get_their_status),
		cmocka_unit_test(bad_heads_stay_bad_whatever_follows),
		cmocka_unit_test(random_bytes_are_dropped_or_refused),
		cmocka_unit_test(a_head_of_eight_kilobytes_is_the_limit),
		cmocka_unit_test(a_hundred_fields_are_the_limit),
		cmocka_unit_test(a_target_holds_a_token_but_not_five_kilobytes),
	};
	return cmocka_run_group_tests(tests, NULL, handshake_teardown);
}
