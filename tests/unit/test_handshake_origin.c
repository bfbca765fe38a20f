/* SPDX-License-Identifier: MIT */
#include "handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
an_origin_must_be_ours_or_listed(void **state)
{
	(void)state;
	static const struct {
		const char *host;
		const char *origin; /* NULL: no such field */
		const char *proto;
		bool is_allowed;
	} rows[] = {
		{ "relay.example", NULL, NULL, true },
		{ "relay.example", "", NULL, false },
		{ "relay.example", "null", NULL, false },
		{ "relay.example", "http://relay.example", NULL, true },
		{ "relay.example", "HTTP://Relay.Example", NULL, true },
		{ "relay.example", "https://relay.example", NULL, true },
		{ "relay.example", "http://relay.example:80", NULL, true },
		{ "relay.example:80", "http://relay.example", NULL, true },
		{ "relay.example:443", "https://relay.example", NULL, true },
		{ "relay.example:443", "http://relay.example", NULL, false },
		{ "relay.example:80", "https://relay.example", NULL, false },
		{ "relay.example:", "http://relay.example", NULL, true },
		{ "relay.example:8080", "http://relay.example:8080", NULL,
		    true },
		{ "relay.example:8080", "http://relay.example:8081", NULL,
		    false },
		{ "relay.example:8080", "http://relay.example", NULL, false },
		{ "relay.example", "http://relay.example:8080", NULL, false },
		{ "[::1]:8080", "http://[::1]:8080", NULL, true },
		{ "[::1]", "http://[::1]", NULL, true },
		{ "[::1]:8080", "http://[::2]:8080", NULL, false },
		{ "relay.example", "http://evil.example", NULL, false },
		{ "relay.example", "http://relay.example.evil", NULL, false },
		{ "relay.example", "http://evilrelay.example", NULL, false },
		{ "relay.example", "http://relay.exampl", NULL, false },
		{ "relay.example", "http://relay.example/", NULL, false },
		{ "relay.example", "http://relay.example#", NULL, false },
		{ "relay.example", "http://a@relay.example", NULL, false },
		{ "relay.example", "http://relay.example:0", NULL, false },
		{ "relay.example", "http://relay.example:65616", NULL, false },
		{ "relay.example", "http://relay.example:8x", NULL, false },
		{ "relay.example", "http://relay.example:100080", NULL, false },
		{ "relay.example", "ftp://relay.example", NULL, false },
		{ "relay.example", "relay.example", NULL, false },
		{ "relay.example", "://relay.example", NULL, false },
		{ "relay.example", "http://", NULL, false },
		{ "relay.example", "http://[relay.example", NULL, false },
		{ "relay.example", "https://relay.example", "https", true },
		{ "relay.example", "https://relay.example", "wss, http", true },
		{ "relay.example", "http://relay.example", "https", false },
		{ "relay.example", "https://relay.example", "http", false },
		{ "relay.example", "http://relay.example", "gopher", true },
		{ "relay.example", "https://app.example", NULL, true },
		{ "relay.example", "https://app.example:443", "http", true },
		{ "relay.example", "https://APP.example", NULL, true },
		{ "relay.example", "http://app.example", NULL, false },
		{ "relay.example", "https://app.example:444", NULL, false },
		{ "relay.example", "https://dev.example:5173", NULL, true },
		{ "relay.example", "https://dev.example", NULL, false },
		{ "relay.example", "chrome-extension://abc", NULL, true },
		{ "relay.example", "chrome-extension://abd", NULL, false },
	};
	static const char *const listed[] = { "https://app.example",
		"https://dev.example:5173", "chrome-extension://abc" };
	struct origin known[COUNT(listed)];
	for (size_t i = 0; i < COUNT(listed); i++)
		assert_true(origin_parse(view_of(listed[i]), &known[i]));
	/* Such cannot be on the list. */
	assert_false(origin_parse(view_of("nonsense"), &(struct origin){ 0 }));
	assert_false(origin_parse(view_of("null"), &(struct origin){ 0 }));
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct handshake seen = { .host = view_of(rows[i].host) };
		if (rows[i].origin)
			seen.origin = view_of(rows[i].origin);
		if (rows[i].proto)
			seen.forwarded_proto = view_of(rows[i].proto);
		if (handshake_origin_allowed(&seen, known, COUNT(known)) !=
		    rows[i].is_allowed)
			fail_msg("row %zu: %s at %s", i, rows[i].origin,
			    rows[i].host);
	}
}

static void
only_a_trusted_proxy_says_host_and_scheme(void **state)
{
	(void)state;
	static const struct {
		bool is_trusted, is_tls;
		const char *proto, *host, *origin;
		bool is_allowed;
	} rows[] = {
		{ false, false, "https", "a.example", "http://relay", true },
		{ false, false, NULL, "a.example", "http://a.example", false },
		{ true, false, "https", NULL, "http://relay", false },
		{ true, false, "https", NULL, "https://relay", true },
		{ true, false, "http, https", NULL, "http://relay", false },
		{ true, false, "https, http", NULL, "http://relay", true },
		{ true, false, NULL, "a.example", "http://a.example", true },
		{ true, false, NULL, "a.example", "http://relay", false },
		{ true, false, NULL, "b, a.example", "http://a.example", true },
		{ true, false, NULL, "b, a.example", "http://b", false },
		/* Its own eyes, unless a proxy that it trusts knows better. */
		{ false, true, NULL, NULL, "http://relay", false },
		{ false, true, NULL, NULL, "https://relay", true },
		{ false, true, "http", NULL, "http://relay", false },
		{ true, true, "http", NULL, "http://relay", true },
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct handshake seen = { .host = view_of("relay"),
			.origin = view_of(rows[i].origin),
			.forwarded_proto = view_of(rows[i].proto),
			.forwarded_host = view_of(rows[i].host) };
		handshake_trust(&seen, rows[i].is_trusted, rows[i].is_tls);
		if (handshake_origin_allowed(&seen, NULL, 0) !=
		    rows[i].is_allowed)
			fail_msg("row %zu", i);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_trusted_proxy_says_host_and_scheme),
		cmocka_unit_test(an_origin_must_be_ours_or_listed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
