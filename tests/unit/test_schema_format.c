/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schema_format.h"
#include "schema_idna.h"

#define WIDE_STOP "\xef\xbc\x8e"
#define ALEF      "\xd8\xa7"

static const struct {
	const char *format;
	const char *yes;
	const char *no;
} rows[] = {
	{ "date", "2024-02-29", "2023-02-29" },
	{ "date", "2024-02-29", "2024-02-29Z" },
	{ "date", "0000-01-31", "2023-04-31" },
	{ "date", "2024-01-01", "2024-01-00" },
	{ "date", "2024-12-31", "2024-13-01" },
	{ "date", "2024-10-31", "2024-00-01" },
	{ "time", "23:59:60Z", "23:59:60+01:00" },
	{ "time", "00:00:00.0-23:59", "00:00:00.Z" },
	{ "time", "23:59:59Z", "24:00:00Z" },
	{ "time", "00:00:00Z", "00:60:00Z" },
	{ "date-time", "1998-12-31t15:59:60.1-08:00", "1998-12-31 15:59:59Z" },
	{ "duration", "P1Y2M3DT4H5M6S", "P1Y3D" },
	{ "duration", "P10W", "P10W1D" },
	{ "email", "a.b@example.org", "a..b@example.org" },
	{ "email", "\"a b\"@[IPv6:::1]", "a b@example.org" },
	{ "email", "a@[127.0.0.1]", "a@[127.0.0.256]" },
	{ "email", "\"a\\\\\"@b.example", "\"a\\\"@b.example" },
	{ "email", "\"ab\"@b.example", "\"ab@b.example" },
	{ "idn-email",
	    "\xc3\xa4@b\xc3\xbc"
	    "cher.example",
	    "@b" },
	{ "hostname", "xn--bcher-kva.example", "xn--bcher-kvb-.example" },
	{ "hostname", "a-b.1", "a_b" },
	{ "idn-hostname",
	    "b\xc3\xbc"
	    "cher.example",
	    "-b\xc3\xbc" },
	{ "idn-hostname", "a" WIDE_STOP "b", "a" WIDE_STOP "-b" },
	{ "idn-hostname", ALEF, "a" ALEF },
	{ "idn-hostname", "a", "a\xd9\xa0" }, /* an Arabic digit */
	{ "hostname", "a.b", "a" WIDE_STOP "b" },
	{ "idn-hostname", ALEF "\xd9\xa0\xd9\xa9", /* Arabic digits */
	    ALEF "\xd9\xa0\xdb\xb0" },
	{ "idn-hostname", ALEF "\xdb\xb0\xdb\xb9", /* the other ones */
	    ALEF "\xdb\xb0\xd9\xa0" },
	{ "idn-hostname", "xn-a", "xn--a" },
	{ "hostname", "xa--a", "xn--a" },
	{ "ipv4", "0.0.0.255", "0.0.0.256" },
	{ "ipv4", "1.2.3.4", "1.2.3" },
	{ "ipv4", "10.0.0.1", "010.0.0.1" },
	{ "ipv6", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8:9" },
	{ "ipv6", "1::8", "1::2::3" },
	{ "ipv6", "::ffff:1.2.3.4", "1.2.3.4::" },
	{ "ipv6", "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:8::" },
	{ "uri", "a+b:?q#f", "//h/p" },
	{ "uri", "a:b", "a/b:c" },
	{ "uri", "a:%2f", "a:%g0" },
	{ "uri", "a:%0F", "a:%0G" },
	{ "uri", "http://[v1.a]:80/%41", "http://[::1]x/" },
	{ "uri-reference", "../a?b", "a b" },
	{ "iri", "http://\xc3\xa4/", "http://\x01/" },
	{ "iri", "a:\xc2\xa0", "a:\xc2\x9f" },
	{ "iri", "a:?\xee\x80\x80", "a:\xee\x80\x80" },
	{ "iri-reference", "\xc3\xa4", "%4" },
	{ "uri-template", "/{?a*,b:10}", "/{a" },
	{ "uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380",
	    "2eb8aa08-aa98-11ea-b4aa-73b441d1638" },
	{ "uuid", "2EB8AA08-AA98-11EA-B4AA-73B441D16380",
	    "2eb8aa08-aa98-11ea-b4aa-73b441d1638g" },
	{ "uuid", "00000000-0000-0000-0000-000000000000",
	    "0000000-00000-0000-0000-000000000000" },
	{ "json-pointer", "/a~1b/0", "/a~2" },
	{ "relative-json-pointer", "10/a", "01/a" },
	{ "relative-json-pointer", "0#", "0#a" },
	{ "regex", "(?<=a+)b", "(?<=a" },
};

static bool
fits(const char *name, struct view text)
{
	const struct schema_format *format = schema_format_find(view_of(name));
	if (!format)
		fail_msg("no format %s", name);
	return format->is_valid(text);
}

static void
each_format_accepts_and_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!fits(rows[i].format, view_of(rows[i].yes)))
			fail_msg("%s is a %s", rows[i].yes, rows[i].format);
		if (fits(rows[i].format, view_of(rows[i].no)))
			fail_msg("%s is no %s", rows[i].no, rows[i].format);
	}
}

static void
nothing_but_the_given_bytes_is_read(void **state)
{
	(void)state;
	/* Every prefix of every row, copied so that a sanitizer sees more. */
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t n = 0; n <= strlen(rows[i].yes); n++) {
			char copy[128];
			memcpy(copy, rows[i].yes, n);
			if (n == 0 || !(rows[i].yes[n] & 0x80))
				fits(rows[i].format, view_make(copy, n));
		}
	}
	assert_null(schema_format_find(view_of("unheard-of")));
}

static void
labels_and_names_have_their_limits(void **state)
{
	(void)state;
	char name[300];
	memset(name, 'a', sizeof(name));
	assert_true(fits("hostname", view_make(name, 63)));
	assert_false(fits("hostname", view_make(name, 64)));
	for (size_t i = 63; i < sizeof(name); i += 64)
		name[i] = '.';
	assert_true(fits("hostname", view_make(name, 253)));
	assert_false(fits("hostname", view_make(name, 254)));
}

static void
punycode_goes_there_and_back(void **state)
{
	(void)state;
	static const char *const texts[] = { "bcher-kva", "mgba3a4f16a",
		"ihqwcrb4cv8a8dqg056pqjye", "maana-pta" };
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct schema_idna_label label;
		char again[IDNA_LABEL_MAX];
		assert_true(schema_punycode_decode(view_of(texts[i]), &label));
		size_t length = schema_punycode_encode(&label, again);
		assert_true(view_is(view_make(again, length), texts[i]));
	}
	struct schema_idna_label label;
	assert_false(schema_punycode_decode(view_of("99999999"), &label));
	assert_false(schema_punycode_decode(view_of("a-!"), &label));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_format_accepts_and_refuses),
		cmocka_unit_test(nothing_but_the_given_bytes_is_read),
		cmocka_unit_test(labels_and_names_have_their_limits),
		cmocka_unit_test(punycode_goes_there_and_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
