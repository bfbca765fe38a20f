/* SPDX-License-Identifier: MIT */
#include "users.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

static void
a_user_has_as_many_connections_as_the_bound_says(void **state)
{
	(void)state;
	struct users *users = users_new();
	struct view t = view_of("t");
	assert_true(users_enter(users, t, view_of("u"), 2));
	assert_true(users_enter(users, t, view_of("u"), 2));
	assert_false(users_enter(users, t, view_of("u"), 2));
	assert_true(users_enter(users, t, view_of("v"), 2));
	assert_true(users_enter(users, view_of("tu"), view_of(""), 1));
	users_leave(users, t, view_of("u"));
	assert_true(users_enter(users, t, view_of("u"), 2));
	assert_true(users_enter(users, t, view_of("u"), 0));
	assert_int_equal(users_count(users), 3);
	for (int i = 0; i < 3; i++)
		users_leave(users, t, view_of("u"));
	users_leave(users, t, view_of("v"));
	users_leave(users, view_of("tu"), view_of(""));
	assert_int_equal(users_count(users), 0);
	users_free(&users);
	assert_null(users);
}

static void *
come_and_go(void *arg)
{
	struct users *users = arg;
	for (int round = 0; round < 20; round++) {
		char name[16];
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			assert_true(
			    users_enter(users, view_of("t"), view_of(name), 2));
		}
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			users_leave(users, view_of("t"), view_of(name));
		}
	}
	return NULL;
}

static void
workers_count_together(void **state)
{
	(void)state;
	pthread_t other;
	struct users *users = users_new();
	assert_int_equal(pthread_create(&other, NULL, come_and_go, users), 0);
	come_and_go(users);
	pthread_join(other, NULL);
	assert_int_equal(users_count(users), 0);
	users_free(&users);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_user_has_as_many_connections_as_the_bound_says),
		cmocka_unit_test(workers_count_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
