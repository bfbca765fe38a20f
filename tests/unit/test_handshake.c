/* SPDX-License-Identifier: MIT */
#include "handshake_helper.h"

#include <stdio.h>

#define FULL                                                         \
	"Host: a:1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
	"Sec-WebSocket-Version: 13\r\n" KEY

static enum handshake_state
parse_text(const char *head)
{
	return parse(view_of(head));
}

static void
a_browsers_upgrade_is_read(void **state)
{
	(void)state;
	static const char head[] =
	    "GET /api/v1/ws/execution?after=1-2&x=%zz HTTP/1.1\r\n"
	    "Host: relay.example:8080\r\n"
	    "Connection: keep-alive, Upgrade\r\n"
	    "Pragma: no-cache\r\n"
	    "User-Agent: caf\xc3\xa9 (obs-text is allowed in values)\r\n"
	    "Upgrade: websocket\r\n"
	    "Origin: https://relay.example\r\n"
	    "sec-websocket-version:13\r\n"
	    "Accept: */*\r\n"
	    "Empty:\r\n"
	    "Authorization:  Bearer a.b.c \t\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate; "
	    "client_max_window_bits\r\n"
	    "Sec-WebSocket-Protocol: relay.v1, ticket.abc-_\r\n"
	    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331"
	    "-01\r\n"
	    "X-Forwarded-For: 10.0.0.1\r\n"
	    "X-Forwarded-Proto: https\r\n" KEY "\r\n";
	assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
	assert_int_equal(result.head_length, sizeof(head) - 1);
	assert_true(view_is(result.method, "GET"));
	assert_true(
	    view_is(result.target, "/api/v1/ws/execution?after=1-2&x=%zz"));
	assert_true(view_is(result.path, "/api/v1/ws/execution"));
	assert_true(view_is(result.query, "after=1-2&x=%zz"));
	assert_true(view_is(result.version, "HTTP/1.1"));
	assert_true(view_is(result.host, "relay.example:8080"));
	assert_true(view_is(result.origin, "https://relay.example"));
	assert_true(view_is(result.authorization, "Bearer a.b.c"));
	assert_true(view_is(result.key, "dGhlIHNhbXBsZSBub25jZQ=="));
	assert_true(view_is(result.accept, "*/*"));
	assert_true(view_is(result.ticket, "abc-_"));
	assert_int_equal(result.forwarded_for_count, 1);
	assert_true(view_is(result.forwarded_for[0], "10.0.0.1"));
	assert_true(view_is(result.forwarded_proto, "https"));
	assert_int_equal(result.traceparent.len, 55);
	assert_true(result.wants_upgrade && result.has_upgrade);
	assert_true(result.connection_upgrade && result.version_13);
	assert_true(result.offers_relay_v1 && result.offers_protocols);
	assert_true(result.key_valid && !result.has_body);
}

static void
every_prefix_of_a_good_head_asks_for_more(void **state)
{
	(void)state;
	static const char head[] = "GET /x HTTP/1.1\r\n" FULL "\r\n";
	for (size_t size = 0; size < sizeof(head) - 1; size++)
		assert_int_equal(parse(view_make(head, size)), HANDSHAKE_MORE);
	assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
}

static void
bytes_behind_the_head_are_left_alone(void **state)
{
	(void)state;
	static const char head[] =
	    "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\n\0";
	assert_int_equal(
	    parse(view_make(head, sizeof(head))), HANDSHAKE_COMPLETE);
	assert_int_equal(
	    result.head_length, strlen("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
}

static void
a_valid_upgrade_misses_nothing(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		const char *missing;
	} rows[] = {
		{ "GET /x HTTP/1.1\r\n" FULL "\r\n", "" },
		{ "GET /x HTTP/1.0\r\n" FULL "\r\n", "HTTP/1.1" },
		{ "GET /x HTTP/1.0\r\n\r\n",
		    "Upgrade, Connection, Sec-WebSocket-Version, HTTP/1.1" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\n\r\n",
		    "Upgrade, Connection, Sec-WebSocket-Version" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n"
		  "Connection: Upgrade, HTTP2-Settings\r\n"
		  "Sec-WebSocket-Version: 13\r\n\r\n",
		    "Upgrade" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: foo\r\n"
		  "Upgrade: h2c, WebSocket\r\nConnection: close\r\n"
		  "Connection: keep-alive , UPGRADE\r\n"
		  "Sec-WebSocket-Version: 13\r\n\r\n",
		    "" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
		  "Connection: close\r\nSec-WebSocket-Version: 13\r\n\r\n",
		    "Connection" },
		{ "GET /x HTTP/1.1\r\nHost: a\r\nUpgrade: websockets\r\n"
		  "Connection: Upgraded\r\nSec-WebSocket-Version: 13\r\n\r\n",
		    "Upgrade, Connection" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;
		buf_init(&out, 0);
		assert_int_equal(parse_text(rows[i].head), HANDSHAKE_COMPLETE);
		handshake_missing(&result, &out);
		assert_true(view_is(buf_view(&out), rows[i].missing));
		buf_fini(&out);
	}
}

/* B1: 426, not 400. */
static void
only_one_version_13_counts(void **state)
{
	(void)state;
	static const char *const rows[] = { "", "Sec-WebSocket-Version: 7\r\n",
		"Sec-WebSocket-Version: 8\r\n", "Sec-WebSocket-Version: 99\r\n",
		"Sec-WebSocket-Version: 13, 8\r\n",
		"Sec-WebSocket-Version: 013\r\n", "Sec-WebSocket-Version:\r\n",
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13\r\n",
		"Sec-WebSocket-Version: 8\r\nSec-WebSocket-Version: 13\r\n" };
	for (size_t i = 0; i < COUNT(rows); i++) {
		char head[512];
		struct buf out;
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
		    "Connection: Upgrade\r\n%s\r\n",
		    rows[i]);
		buf_init(&out, 0);
		assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
		handshake_missing(&result, &out);
		assert_true(view_is(buf_view(&out), "Sec-WebSocket-Version"));
		buf_fini(&out);
	}
}

/* B2 */
static void
a_key_is_sixteen_bytes_in_base64(void **state)
{
	(void)state;
	static const struct {
		const char *field;
		bool is_valid;
	} rows[] = {
		{ KEY, true },
		{ "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAA+/A==\r\n", true },
		{ "", false },
		{ "Sec-WebSocket-Key:\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQA=\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==A\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBs SBub25jZQ==\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZ===\r\n", false },
		{ "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub2-jZQ==\r\n", false },
		{ "Sec-WebSocket-Key: ????????????????????????\r\n", false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char head[256];
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].field);
		assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
		assert_int_equal(result.key_valid, rows[i].is_valid);
	}
}

/* B4, B13, B14: the route says 405 or 404. */
static void
other_methods_and_bodies_are_read(void **state)
{
	(void)state;
	assert_int_equal(
	    parse_text("FOO /x HTTP/1.1\r\n" FULL "\r\n"), HANDSHAKE_COMPLETE);
	assert_true(view_is(result.method, "FOO"));
	assert_int_equal(parse_text("POST / HTTP/1.1\r\nHost: a\r\n"
				    "Content-Length: 3\r\n\r\nabc"),
	    HANDSHAKE_COMPLETE);
	assert_true(result.has_body);
	assert_int_equal(parse_text("POST / HTTP/1.1\r\nHost: a\r\n"
				    "Content-Length: 00\r\n\r\n"),
	    HANDSHAKE_COMPLETE);
	assert_false(result.has_body);
	assert_int_equal(parse_text("POST / HTTP/1.1\r\nHost: a\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n"),
	    HANDSHAKE_COMPLETE);
	assert_true(result.has_body);
	assert_int_equal(
	    parse_text("OPTIONS /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
	    HANDSHAKE_COMPLETE);
}

static void
harmless_paths_pass(void **state)
{
	(void)state;
	static const char *const rows[] = { "/", "//", "/...", "/.a", "/a.",
		"/a..b/", "/%41%2f%2E%2Ea", "/sessions/a%23b%25/events",
		"/a:b@c;d=e,f", "/a?b=../..&c=%00&d={|}" };
	for (size_t i = 0; i < COUNT(rows); i++) {
		char head[128];
		snprintf(head, sizeof(head),
		    "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", rows[i]);
		if (parse_text(head) != HANDSHAKE_COMPLETE)
			fail_msg("refused: %s (%s)", rows[i], reason);
	}
}

static void
sub_protocols_are_listed_over_all_fields(void **state)
{
	(void)state;
	static const struct {
		const char *fields;
		bool offers_any, offers_relay;
		const char *ticket;
	} rows[] = {
		{ "", false, false, "" },
		{ "Sec-WebSocket-Protocol:\r\n", true, false, "" },
		{ "Sec-WebSocket-Protocol: chat\r\n", true, false, "" },
		{ "Sec-WebSocket-Protocol: relay.v10\r\n", true, false, "" },
		{ "Sec-WebSocket-Protocol: RELAY.V1\r\n", true, false, "" },
		{ "Sec-WebSocket-Protocol: chat,relay.v1,\r\n", true, true,
		    "" },
		{ "Sec-WebSocket-Protocol: chat\r\n"
		  "Sec-WebSocket-Protocol: ticket.,ticket.x,ticket.y\r\n"
		  "Sec-WebSocket-Protocol: relay.v1\r\n",
		    true, true, "x" },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char head[512];
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", rows[i].fields);
		assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
		assert_int_equal(result.offers_protocols, rows[i].offers_any);
		assert_int_equal(result.offers_relay_v1, rows[i].offers_relay);
		assert_true(view_is(result.ticket, rows[i].ticket));
	}
}

static void
the_answer_to_an_upgrade_proves_itself(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	/* The example of RFC 6455 section 1.3. */
	assert_int_equal(parse_text("GET /x?y HTTP/1.1\r\n"
				    "Host: a\r\nUpgrade: websocket\r\n"
				    "Connection: Upgrade\r\n"
				    "Sec-WebSocket-Key: "
				    "dGhlIHNhbXBsZSBub25jZQ==\r\n"
				    "Sec-WebSocket-Version: 13\r\n"
				    "Sec-WebSocket-Protocol: ticket.x\r\n"
				    "\r\n"),
	    HANDSHAKE_COMPLETE);
	assert_false(handshake_accept(&result, true, &out));
	assert_true(view_is(buf_view(&out),
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Accept: "
	    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"));
	buf_clear(&out);
	assert_int_equal(
	    parse_text("GET / HTTP/1.1\r\n" FULL
		       "Sec-WebSocket-Protocol: ticket.x, relay.v1\r\n\r\n"),
	    HANDSHAKE_COMPLETE);
	handshake_accept(&result, false, &out);
	assert_non_null(memmem(
	    out.data, out.len, "\r\nSec-WebSocket-Protocol: relay.v1\r\n", 36));
	buf_fini(&out);
}

static void
deflate_is_offered_on_when_it_can_be_kept(void **state)
{
	(void)state;
	static const struct {
		const char *offer;
		bool deflate, is_written;
	} rows[] = {
		{ "permessage-deflate", true, true },
		{ "permessage-deflate", false, false },
		{ "permessage-deflate; client_max_window_bits", true, true },
		{ "x-webkit-deflate-frame, "
		  "permessage-deflate;client_max_window_bits=10; "
		  "server_no_context_takeover",
		    true, true },
		{ "permessage-deflate; server_max_window_bits=8", true, false },
		{ "permessage-deflate; what\r\n"
		  "Sec-WebSocket-Extensions: permessage-deflate",
		    true, true },
		{ "permessage-deflate; server_max_window_bits=10, "
		  "permessage-deflate",
		    true, true },
		{ "permessage-bzip2", true, false },
		{ "permessage-deflate; what", true, false },
		{ "", true, false },
		{ ";,;", true, false },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		char head[512];
		struct buf out;
		snprintf(head, sizeof(head),
		    "GET / HTTP/1.1\r\nHost: a\r\n"
		    "Sec-WebSocket-Extensions: %s\r\n\r\n",
		    rows[i].offer);
		buf_init(&out, 0);
		assert_int_equal(parse_text(head), HANDSHAKE_COMPLETE);
		assert_int_equal(
		    handshake_accept(&result, rows[i].deflate, &out),
		    rows[i].is_written);
		assert_int_equal(
		    memmem(out.data, out.len, "Extensions", 10) != NULL,
		    rows[i].is_written);
		buf_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_browsers_upgrade_is_read),
		cmocka_unit_test(every_prefix_of_a_good_head_asks_for_more),
		cmocka_unit_test(bytes_behind_the_head_are_left_alone),
		cmocka_unit_test(a_valid_upgrade_misses_nothing),
		cmocka_unit_test(only_one_version_13_counts),
		cmocka_unit_test(a_key_is_sixteen_bytes_in_base64),
		cmocka_unit_test(other_methods_and_bodies_are_read),
		cmocka_unit_test(harmless_paths_pass),
		cmocka_unit_test(sub_protocols_are_listed_over_all_fields),
		cmocka_unit_test(the_answer_to_an_upgrade_proves_itself),
		cmocka_unit_test(deflate_is_offered_on_when_it_can_be_kept),
	};
	return cmocka_run_group_tests(tests, NULL, handshake_teardown);
}
