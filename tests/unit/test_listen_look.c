/* SPDX-License-Identifier: MIT */
#include "gateway.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void
an_address_is_looked_at_without_opening_it(void **state)
{
	(void)state;
	static const struct {
		const char *address;
		int status;
		bool is_loopback;
		const char *text;
	} rows[] = {
		{ "127.0.0.1:0", 0, true, "127.0.0.1:0" },
		{ "127.9.9.9:80", 0, true, "127.9.9.9:80" },
		{ "[::1]:65535", 0, true, "[::1]:65535" },
		{ "0.0.0.0:80", 0, false, "0.0.0.0:80" },
		{ "[::]:80", 0, false, "[::]:80" },
		{ "192.0.2.1:1", 0, false, "192.0.2.1:1" },
		{ "unix:/nowhere/x", 0, true, "unix:/nowhere/x" },
		{ "127.0.0.1", -1, false, "" },
		{ "127.0.0.1:65536", -1, false, "" },
		{ "::1:80", -1, false, "" },
		{ ":80", -1, false, "" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gateway_address address;
		struct error err;
		assert_int_equal(gateway_look(rows[i].address, &address, &err),
		    rows[i].status);
		assert_int_equal(address.is_loopback, rows[i].is_loopback);
		assert_string_equal(address.text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_looked_at_without_opening_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
