/* SPDX-License-Identifier: MIT */
#include "ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void
tickets_are_well_formed_and_never_the_same(void **state)
{
	(void)state;
	char made[100][TICKET_SIZE];
	for (size_t i = 0; i < 100; i++) {
		ticket_make(made[i]);
		assert_true(
		    ticket_is_well_formed(view_make(made[i], TICKET_SIZE)));
		for (size_t k = 0; k < i; k++)
			assert_memory_not_equal(made[i], made[k], TICKET_SIZE);
	}
}

static void
other_texts_are_no_tickets(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"",
		"x",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		"AAAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAA",
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_false(ticket_is_well_formed(view_of(rows[i])));
}

static void
the_key_in_redis_is_the_digest(void **state)
{
	(void)state;
	struct buf key;
	buf_init(&key, 0);
	ticket_key(view_of("relay:"), view_of("abc"), &key);
	assert_true(view_is(buf_view(&key),
	    "relay:ticket:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb4"
	    "10ff61f20015ad"));
	buf_fini(&key);
}

static void
the_bearer_comes_back_as_it_went(void **state)
{
	(void)state;
	struct buf value;
	struct token_bearer bearer = { .tenant = "t\"\\/\xc3\xa9",
		.tenant_len = 6,
		.user = "u{}:*",
		.user_len = 5,
		.expires_s = 1700000000 };
	struct token_bearer back;
	for (size_t i = 0; i < TOKEN_KEY_ID; i++)
		bearer.key_id[i] = (uint8_t)(i * 9);
	buf_init(&value, 0);
	ticket_write(&bearer, &value);
	assert_int_equal(ticket_read(buf_view(&value), &back), 0);
	assert_memory_equal(&back, &bearer, sizeof(bearer));
	buf_fini(&value);
}

static void
what_nobody_here_has_written_is_refused(void **state)
{
	(void)state;
#define KEY "\"key\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}"
	static const struct {
		const char *text;
		int status;
	} rows[] = {
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":1," KEY, 0 },
		{ "", -1 },
		{ "1", -1 },
		{ "[]", -1 },
		{ "{}", -1 },
		{ "{\"tenant\":\"\",\"user\":\"u\",\"exp\":1," KEY, -1 },
		{ "{\"tenant\":7,\"user\":\"u\",\"exp\":1," KEY, -1 },
		{ "{\"tenant\":\"t\",\"exp\":1," KEY, -1 },
		{ "{\"tenant\":\"t\",\"user\":\"a\\nb\",\"exp\":1," KEY, -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":-1," KEY, -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":1e9," KEY, -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":\"1\"," KEY, -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":"
		  "1000000000000000," KEY,
		    -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":1,\"key\":\"AA\"}",
		    -1 },
		{ "{\"tenant\":\"t\",\"user\":\"u\",\"exp\":1}", -1 },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct token_bearer bearer;
		assert_int_equal(ticket_read(view_of(rows[i].text), &bearer),
		    rows[i].status);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tickets_are_well_formed_and_never_the_same),
		cmocka_unit_test(other_texts_are_no_tickets),
		cmocka_unit_test(the_key_in_redis_is_the_digest),
		cmocka_unit_test(the_bearer_comes_back_as_it_went),
		cmocka_unit_test(what_nobody_here_has_written_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
