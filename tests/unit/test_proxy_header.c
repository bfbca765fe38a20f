/* SPDX-License-Identifier: MIT */
#include "proxy_header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define SIGNATURE   "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text)                    \
	{                              \
		text, sizeof(text) - 1 \
	}

static void
assert_client(const struct proxy_header *header, const char *client)
{
	char text[ADDRESS_TEXT];

	address_print(&header->client, text);
	assert_string_equal(text, client);
}

/* Complete exactly with its last byte, and not touched by what follows. */
static void
assert_complete(struct view bytes, const char *client)
{
	struct proxy_header header;
	char more[PROXY_HEADER_MAX + 8];

	for (size_t len = 0; len < bytes.len; len++)
		assert_int_equal(
		    proxy_header_parse(view_make(bytes.data, len), &header),
		    PROXY_MORE);
	memcpy(more, bytes.data, bytes.len);
	memcpy(more + bytes.len, "GET /", 5);
	for (size_t extra = 0; extra <= 5; extra++) {
		assert_int_equal(
		    proxy_header_parse(
			view_make(more, bytes.len + extra), &header),
		    PROXY_COMPLETE);
		assert_int_equal(header.length, bytes.len);
		assert_client(&header, client);
	}
}

static void
a_line_names_the_client(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "PROXY TCP4 192.0.2.1 192.0.2.2 1111 443\r\n", "192.0.2.1" },
		{ "PROXY TCP6 2001:db8::1 ::1 65535 0\r\n", "2001:db8::1" },
		{ "PROXY UNKNOWN\r\n", "unknown" },
		{ "PROXY UNKNOWN ffff:f...f:ffff what ever\r\n", "unknown" },
		{ "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_complete(view_of(rows[i][0]), rows[i][1]);
}

static void
a_line_that_is_none_is_bad(void **state)
{
	(void)state;
	static const struct view rows[] = {
		BYTES("GET / HTTP/1.1\r\n"),
		BYTES("PROXZ"),
		BYTES("proxy TCP4"),
		BYTES("PROXY TCP4\r\n"),
		BYTES("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 ::1 ::1 1 1\r\n"),
		BYTES("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1:5 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP6 [::1] ::1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1  1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\n"),
		BYTES("PROXY TCP4 1.1.1.1\0"),
		BYTES("PROXY TCP4 1.1.1.1\rx"),
	};
	struct proxy_header header;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    proxy_header_parse(rows[i], &header), PROXY_BAD);
}

static void
a_line_has_107_bytes_at_most(void **state)
{
	(void)state;
	char line[120];
	struct proxy_header header;
	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	memcpy(line + 105, "\r\n", 2);
	assert_complete(view_make(line, 107), "unknown");
	memcpy(line + 105, "x\r\n", 3);
	assert_int_equal(
	    proxy_header_parse(view_make(line, 108), &header), PROXY_BAD);
	assert_int_equal(
	    proxy_header_parse(view_make(line, 106), &header), PROXY_BAD);
}

static void
the_binary_form_names_the_client(void **state)
{
	(void)state;
	static const struct {
		struct view bytes;
		const char *client;
	} rows[] = {
		{ BYTES(SIGNATURE "\x21\x11\0\x0c"
				  "\xc0\0\x02\x01\xc0\0\x02\x02\1\2\3\4"),
		    "192.0.2.1" },
		/* With three bytes of extensions behind. */
		{ BYTES(SIGNATURE "\x21\x11\0\x0f"
				  "\xc0\0\x02\x01\xc0\0\x02\x02\1\2\3\4"
				  "\x04\0\0"),
		    "192.0.2.1" },
		{ BYTES(SIGNATURE "\x21\x21\0\x24"
				  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
				  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\1\2\3\4"),
		    "2001:db8::1" },
		{ BYTES(SIGNATURE "\x20\0\0\0"), "unknown" },
		{ BYTES(SIGNATURE "\x20\x11\0\0"), "unknown" },
		{ BYTES(SIGNATURE "\x21\0\0\2xx"), "unknown" },
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_complete(rows[i].bytes, rows[i].client);
}

static void
a_unix_socket_behind_the_proxy_is_one(void **state)
{
	(void)state;
	char bytes[16 + 216] = SIGNATURE "\x21\x31\0\xd8";
	assert_complete(view_make(bytes, sizeof(bytes)), "unix");
}

static void
a_binary_header_that_is_none_is_bad(void **state)
{
	(void)state;
	static const struct view rows[] = {
		BYTES("\r\n\r\n\0\r\nQUIX"),
		BYTES(SIGNATURE "\x11"),           /* another version */
		BYTES(SIGNATURE "\x22"),           /* another command */
		BYTES(SIGNATURE "\x21\x41"),       /* another family */
		BYTES(SIGNATURE "\x21\x13"),       /* another transport */
		BYTES(SIGNATURE "\x21\x11\0\x0b"), /* too short for IPv4 */
		BYTES(SIGNATURE "\x21\x21\0\x23"),
		BYTES(SIGNATURE "\x21\x31\0\xd7"),
		BYTES(SIGNATURE "\x21\x11\x0f\xf1"), /* 4097 bytes in all */
		BYTES(SIGNATURE "\x21\x11\xff\xff"),
	};
	struct proxy_header header;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
		    proxy_header_parse(rows[i], &header), PROXY_BAD);
	assert_int_equal(
	    proxy_header_parse(
		(struct view)BYTES(SIGNATURE "\x21\x11\x0f\xf0"), &header),
	    PROXY_MORE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_names_the_client),
		cmocka_unit_test(a_line_that_is_none_is_bad),
		cmocka_unit_test(a_line_has_107_bytes_at_most),
		cmocka_unit_test(the_binary_form_names_the_client),
		cmocka_unit_test(a_unix_socket_behind_the_proxy_is_one),
		cmocka_unit_test(a_binary_header_that_is_none_is_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
