/* SPDX-License-Identifier: MIT */
#include "credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static const struct row {
	const char *authorization, *ticket, *query;
	bool query_token;
	enum credential_kind kind;
	const char *text;
} rows[] = {
	{ NULL, NULL, "", false, CREDENTIAL_NONE, "" },
	{ "Bearer a.b.c", NULL, "", false, CREDENTIAL_TOKEN, "a.b.c" },
	{ "bEARER  a ", NULL, "", false, CREDENTIAL_TOKEN, "a" },
	{ "Bearer", NULL, "", false, CREDENTIAL_TOKEN, "" },
	{ "Bearer ", "t", "", false, CREDENTIAL_TOKEN, "" },
	{ "Bearera", NULL, "", false, CREDENTIAL_NONE, "" },
	{ "Basic a", NULL, "", false, CREDENTIAL_NONE, "" },
	{ "", NULL, "", false, CREDENTIAL_NONE, "" },
	{ "Basic a", "t", "", false, CREDENTIAL_TICKET, "t" },
	{ "Bearer a", "t", "ticket=q", false, CREDENTIAL_TOKEN, "a" },
	{ NULL, "t", "ticket=q", false, CREDENTIAL_TICKET, "t" },
	{ NULL, NULL, "ticket=q&access_token=a", true, CREDENTIAL_TICKET, "q" },
	{ NULL, NULL, "access_token=a%2Eb", true, CREDENTIAL_TOKEN, "a.b" },
	{ NULL, NULL, "access_token=a", false, CREDENTIAL_NONE, "" },
	{ NULL, NULL, "x=1&%74icket=q", false, CREDENTIAL_TICKET, "q" },
	{ NULL, NULL, "ticket", false, CREDENTIAL_TICKET, "" },
};

static struct handshake
handshake_of(const struct row *row)
{
	return (struct handshake){
		.authorization = view_of(row->authorization),
		.ticket = view_of(row->ticket),
		.query = view_of(row->query),
	};
}

static void
the_first_place_that_holds_something_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credential credential;
		const struct handshake handshake = handshake_of(&rows[i]);
		credential_find(&handshake, rows[i].query_token, &credential);
		assert_int_equal(credential.kind, rows[i].kind);
		assert_true(view_is(credential.text, rows[i].text));
		credential_fini(&credential);
		assert_null(credential.value.data);
	}
}

static void
a_plain_request_has_its_header_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct credential credential;
		const struct handshake handshake = handshake_of(&rows[i]);
		bool is_bearer = rows[i].kind == CREDENTIAL_TOKEN &&
		    rows[i].authorization != NULL;
		credential_bearer(&handshake, &credential);
		assert_int_equal(credential.kind,
		    is_bearer ? CREDENTIAL_TOKEN : CREDENTIAL_NONE);
		credential_fini(&credential);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_place_that_holds_something_counts),
		cmocka_unit_test(a_plain_request_has_its_header_alone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
