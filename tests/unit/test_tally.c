/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <pthread.h>

#include <cmocka.h>

static struct address
address(const char *text)
{
	struct address address = { .kind = ADDRESS_UNIX };

	if (strcmp(text, "unix") != 0)
		assert_int_equal(address_parse(view_of(text), &address), 0);
	return address;
}

static int
enter(struct tally *tally, const struct tally_limits *limits, const char *who)
{
	struct address client = address(who);
	int asked = tally_ask(tally, limits, &client);
	int entered = tally_enter(tally, limits, &client);

	assert_int_equal(asked, entered);
	return entered;
}

static void
leave(struct tally *tally, const char *who)
{
	struct address client = address(who);

	tally_leave(tally, &client);
}

static void
each_address_has_its_own_share_and_all_together_theirs(void **state)
{
	(void)state;
	const struct tally_limits limits = { .total = 5, .per_address = 2 };
	struct tally *tally = tally_new();
	assert_int_equal(enter(tally, &limits, "1.1.1.1"), 0);
	assert_int_equal(enter(tally, &limits, "1.1.1.1"), 0);
	assert_int_equal(enter(tally, &limits, "1.1.1.1"), 429);
	assert_int_equal(enter(tally, &limits, "1.1.1.2"), 0);
	assert_int_equal(enter(tally, &limits, "::1"), 0);
	assert_int_equal(enter(tally, &limits, "::2"), 0); /* the same /64 */
	assert_int_equal(enter(tally, &limits, "::3"), 429);
	assert_int_equal(enter(tally, &limits, "1.1.1.3"), 503);
	leave(tally, "1.1.1.1");
	assert_int_equal(tally_total(tally), 4);
	assert_int_equal(enter(tally, &limits, "1.1.1.1"), 0);
	assert_int_equal(enter(tally, &limits, "1.1.1.1"), 429);
	tally_free(&tally);
	assert_null(tally);
}

static void
without_a_limit_and_on_unix_sockets_nobody_is_counted_out(void **state)
{
	(void)state;
	const struct tally_limits none = { .total = 100 };
	const struct tally_limits one = { .total = 100, .per_address = 1 };
	struct tally *tally = tally_new();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(enter(tally, &none, "1.1.1.1"), 0);
		assert_int_equal(enter(tally, &one, "unix"), 0);
	}
	/* A reload brings a limit: those inside count. */
	assert_int_equal(enter(tally, &one, "1.1.1.1"), 429);
	tally_free(&tally);
}

static void
many_addresses_come_and_go(void **state)
{
	(void)state;
	const struct tally_limits limits = { .total = 100000,
		.per_address = 1 };
	struct tally *tally = tally_new();
	char text[ADDRESS_TEXT];
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 5000; i++) {
			snprintf(
			    text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
			assert_int_equal(enter(tally, &limits, text), 0);
			assert_int_equal(enter(tally, &limits, text), 429);
		}
		assert_int_equal(tally_total(tally), 5000);
		for (int i = 0; i < 5000; i++) {
			snprintf(
			    text, sizeof(text), "10.0.%d.%d", i / 250, i % 250);
			leave(tally, text);
		}
		assert_int_equal(tally_total(tally), 0);
	}
	tally_free(&tally);
}

static void
the_busiest_come_first_and_no_more_than_there_is_room_for(void **state)
{
	(void)state;
	const struct tally_limits limits = { .total = 1000 };
	struct tally *tally = tally_new();
	struct tally_row rows[4];
	char text[ADDRESS_TEXT];
	assert_int_equal(tally_busiest(tally, rows, 4), 0);
	for (int i = 1; i <= 9; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", i * 7 % 10);
		for (int n = 0; n < i * 7 % 10; n++)
			assert_int_equal(enter(tally, &limits, text), 0);
		assert_int_equal(tally_busiest(tally, rows, 4), i < 4 ? i : 4);
	}
	for (int i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", 9 - i);
		struct address client = address(text);
		assert_true(address_is_equal(&rows[i].block, &client));
		assert_int_equal(rows[i].count, 9 - i);
	}
	tally_free(&tally);
}

struct rush {
	struct tally *tally;
	unsigned let_in;
};

static void *
push(void *arg)
{
	const struct tally_limits limits = { .total = 1000,
		.per_address = 100 };
	struct rush *rush = arg;
	struct address client;

	address_parse(view_of("10.0.0.1"), &client);
	for (int i = 0; i < 1000; i++) {
		if (tally_enter(rush->tally, &limits, &client) == 0)
			rush->let_in++;
	}
	return NULL;
}

static void
a_limit_is_exact_for_workers_that_ask_at_once(void **state)
{
	(void)state;
	struct rush rushes[4] = { { 0 } };
	pthread_t threads[4];
	unsigned let_in = 0;
	struct tally *tally = tally_new();
	for (int i = 0; i < 4; i++) {
		rushes[i].tally = tally;
		pthread_create(&threads[i], NULL, push, &rushes[i]);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		let_in += rushes[i].let_in;
	}
	assert_int_equal(let_in, 100);
	tally_free(&tally);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_address_has_its_own_share_and_all_together_theirs),
		cmocka_unit_test(
		    without_a_limit_and_on_unix_sockets_nobody_is_counted_out),
		cmocka_unit_test(many_addresses_come_and_go),
		cmocka_unit_test(
		    the_busiest_come_first_and_no_more_than_there_is_room_for),
		cmocka_unit_test(a_limit_is_exact_for_workers_that_ask_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
