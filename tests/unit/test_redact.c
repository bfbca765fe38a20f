/* SPDX-License-Identifier: MIT */
#include "redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define JWT                                                         \
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9m" \
	"LWEtdG9rZW4"

static struct redact redact;

static int
begin(void **state)
{
	(void)state;
	redact_init(&redact);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	redact_fini(&redact);
	return 0;
}

static void
assert_becomes(const char *text, const char *expected)
{
	struct buf out;
	buf_init(&out, 0);
	redact_text(&redact, view_of(text), &out);
	buf_add_char(&out, '\0');
	assert_string_equal(out.data, expected);
	buf_fini(&out);
}

static void
what_is_no_secret_stays_as_it_is(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "a", "127.0.0.1:8080",
		"auth.query_token = false  (default)",
		"modes = [\"execution.assistant_token=warn\"]",
		"relay_events_total{type=\"assistant_token\"} 5",
		"{\"tickets\":5,\"type\":\"assistant_token\",\"token\":null}",
		"redis://127.0.0.1:6379/0", "unix:/run/redis.sock",
		"/usr/lib/x86_64-linux-gnu/libwebsockets.so.18",
		"schemas/fleet-rlm/3/execution.completed.schema.json",
		"task-management-of-something-long disk-usage-of-something",
		"auth.secret_file = \"/etc/relay/secret\"",
		"{\"token\":{\"count\":1}}", "the ticket: ", "password=",
		"-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----",
		"a hash: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d"
	};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_becomes(texts[i], texts[i]);
}

static void
values_with_a_telling_name_are_hidden(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "GET /x?a=1&access_token=abc&b=2",
		    "GET /x?a=1&access_token=***&b=2" },
		{ "?ticket=abc HTTP", "?ticket=*** HTTP" },
		{ "access_token%3Dabc", "access_token%3D***" },
		{ "password: abc", "password: ***" },
		{ "DB_PASSWORD='a b'", "DB_PASSWORD='***'" },
		{ "{\"clientSecret\" : \"a \\\" b\"}",
		    "{\"clientSecret\" : \"***\"}" },
		{ "\"{\\\"token\\\":\\\"abc\\\",\\\"n\\\":1}\"",
		    "\"{\\\"token\\\":\\\"***\\\",\\\"n\\\":1}\"" },
		{ "%22token%22%3A%22abc%22", "%22token%22%3A%22***%22" },
		{ "\"password\":\"abc", "\"password\":\"***" },
		{ "X-Api-Key: abc", "X-Api-Key: ***" },
		{ "requirepass=a,b)c", "requirepass=***" },
		{ "password=true1", "password=***" },
		{ "password=abc\nb", "password=***\nb" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_becomes(rows[i][0], rows[i][1]);
}

static void
headers_with_credentials_are_hidden_to_their_end(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "Authorization: Basic abc==\nb", "Authorization: ***\nb" },
		{ "authorization=Bearer a b", "authorization=***" },
		{ "Set-Cookie: a=b; c=\"d e\"", "Set-Cookie: ***" },
		{ "\"authorization\":\"Bearer a\",\"b\":1",
		    "\"authorization\":\"***\",\"b\":1" },
		{ "sent Bearer abc.def to", "sent Bearer *** to" },
		{ "BASIC  abc", "BASIC  ***" },
		{ "Bearer%20abc", "Bearer%20***" },
		{ "Sec-WebSocket-Protocol: relay.v1, ticket.a",
		    "Sec-WebSocket-Protocol: ***" },
		{ "took ticket.abcd-1 in", "took *** in" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_becomes(rows[i][0], rows[i][1]);
}

static void
tokens_and_keys_are_hidden_wherever_they_stand(void **state)
{
	(void)state;
	static const char *const rows[][2] = { { JWT, "***" },
		{ "x=" JWT "&y", "x=***&y" }, { "x%3D" JWT " y", "x%*** y" },
		{ "<" JWT ">", "<***>" },
		{ "(Abcdefgh.Abcdefgh.Abcdefgh)", "(***)" },
		{ "(Abcdefgh.Abcdefgh.Abcdefg)",
		    "(Abcdefgh.Abcdefgh.Abcdefg)" },
		{ "sk-0123456789abcdef", "***" },
		{ "sk-0123456789abcde", "sk-0123456789abcde" },
		{ "ghp_0123456789abcdefgh", "***" },
		{ "a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC "
		  "PRIVATE KEY-----\nb",
		    "a\n-----BEGIN ***-----END EC PRIVATE KEY-----\nb" },
		{ "-----BEGIN PRIVATE KEY-----\nMHc", "-----BEGIN ***" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_becomes(rows[i][0], rows[i][1]);
}

static void
user_and_password_of_a_url_are_hidden(void **state)
{
	(void)state;
	static const char *const rows[][2] = { { "redis://u:p@h:1/0",
						   "redis://***@h:1/0" },
		{ "redis://:p@q@h/0", "redis://***@h/0" },
		{ "at https://u:p/w@h, b", "at https://***@h, b" },
		{ "\"http://u@h\"", "\"http://***@h\"" },
		{ "http://h a@b", "http://h a@b" } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_becomes(rows[i][0], rows[i][1]);
}

static void
known_secrets_are_hidden_in_every_spelling(void **state)
{
	(void)state;
	redact_know(&redact, view_of(" pl/nt\"d \n"));
	assert_becomes("pl/nt\"d", "***");
	assert_becomes("xpl/nt\\\"dy", "x***y");
	assert_becomes("pl%2Fnt%22d pl%2fnt%22d", "*** ***");
	redact_know(&redact, view_of("an%20other"));
	assert_becomes("an%20other an other", "*** ***");
	redact_know(&redact, view_of("0azAZ9/-._~"));
	assert_becomes("0azAZ9%2F-._~", "***");
}

static void
of_two_secrets_the_longer_one_goes_first(void **state)
{
	(void)state;
	redact_know(&redact, view_of("abcd"));
	redact_know(&redact, view_of("abcdefgh"));
	redact_know(&redact, view_of("abcd"));
	assert_int_equal(redact.count, 2);
	assert_becomes("-abcdefgh-abcd-", "-***-***-");
}

static void
secrets_that_are_too_short_are_not_looked_for(void **state)
{
	(void)state;
	redact_know(&redact, view_of("abc"));
	assert_becomes("abc", "abc");
	redact_know(&redact, view_of("abcd"));
	assert_becomes("abcd", "***");
}

static void
the_secrets_of_a_url_are_known_one_by_one(void **state)
{
	(void)state;
	redact_know_url(&redact, view_of("http://user:pa%40ss@h/x?key=value"));
	assert_becomes(
	    "user pa%40ss pa@ss key=value h/x", "*** *** *** *** h/x");
	redact_know_url(&redact, view_of("unix:/some/path?query"));
	assert_becomes("/some/path?query", "/some/path?query");
	redact_know_url(&redact, view_of(""));
	redact_know_url(&redact, view_of("none:word@h:1"));
	assert_becomes("word@h:1", "***@h:1");
	redact_know_url(&redact, view_of("http://h/x?mail=a@b&item=hidden"));
	assert_becomes("/x?mail=a@b&item=hidden", "/x?***");
}

static void
the_last_look_knows_nothing_of_shapes(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 0);
	redact_know(&redact, view_of("planted"));
	redact_known(&redact, view_of("password=a planted"), &out);
	assert_true(view_is(buf_view(&out), "password=a ***"));
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, begin, end)
		SCENE(what_is_no_secret_stays_as_it_is),
		SCENE(values_with_a_telling_name_are_hidden),
		SCENE(headers_with_credentials_are_hidden_to_their_end),
		SCENE(tokens_and_keys_are_hidden_wherever_they_stand),
		SCENE(user_and_password_of_a_url_are_hidden),
		SCENE(known_secrets_are_hidden_in_every_spelling),
		SCENE(of_two_secrets_the_longer_one_goes_first),
		SCENE(secrets_that_are_too_short_are_not_looked_for),
		SCENE(the_secrets_of_a_url_are_known_one_by_one),
		SCENE(the_last_look_knows_nothing_of_shapes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
