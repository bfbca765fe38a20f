/* SPDX-License-Identifier: MIT */
#include "gateway_scene.h"

#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- heads that are not good --- */

static void
heads_that_are_not_good_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *head;
		const char *answer;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
		    "HTTP/1.1 400 Bad Request\r\n" },
		{ "GET / HTTP/1.1\nHost: x\n\n",
		    "HTTP/1.1 400 Bad Request\r\n" },
		{ "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
		  "Transfer-Encoding: chunked\r\n\r\nx",
		    "HTTP/1.1 400 Bad Request\r\n" },
		/* No request line: no answer either. */
		{ "\x16\x03\x01\x02", "" },
		{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct scene scene;

		open_scene(&scene, &patient);
		assert_answer(
		    &scene, call_with(&scene, rows[i].head), rows[i].answer);
		assert_int_equal(scene.requests, 0);
		assert_int_equal(
		    stat_get(&scene.stats, connections_refused), 1);
		close_scene(&scene);
	}
}

/* A head of `size` bytes in all, the empty line included. */
static char *
head_of(size_t size)
{
	static const char begin[] = "GET / HTTP/1.1\r\nHost: x\r\nX: ";
	char *head = xmalloc(size + 1);

	memset(head, 'a', size);
	memcpy(head, begin, sizeof(begin) - 1);
	memcpy(head + size - 4, "\r\n\r\n", 5);
	return head;
}

static void
the_limit_of_a_head_is_exact(void **state)
{
	(void)state;
	struct scene scene;
	char *fits = head_of(HANDSHAKE_HEAD_MAX);
	char *larger = head_of(HANDSHAKE_HEAD_MAX + 1);

	open_scene(&scene, &patient);
	assert_answer(&scene, call_with(&scene, fits), "HTTP/1.1 200 OK\r\n");
	assert_answer(&scene, call_with(&scene, larger),
	    "HTTP/1.1 431 Request Header Fields Too Large\r\n");
	close_scene(&scene);
	free(fits);
	free(larger);
}

/* --- those who keep us waiting --- */

static void
a_head_that_is_not_whole_in_time_is_dropped(void **state)
{
	(void)state;
	static const char *const heads[] = { "", "G", "GET / HTTP/1.1\r\nHo" };
	struct gateway_options options = patient;

	options.handshake_ms = 20;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct scene scene;

		open_scene(&scene, &options);
		struct buf got = read_all(&scene, call_with(&scene, heads[i]));
		assert_string_equal(got.data, "");
		assert_int_equal(
		    stat_get(&scene.stats, connections_timeout), 1);
		buf_fini(&got);
		close_scene(&scene);
	}
}

static void
when_too_many_wait_a_newcomer_does_not_throw_out_the_young(void **state)
{
	(void)state;
	struct gateway_options options = patient;
	struct scene scene;

	options.max_waiting = 2;
	open_scene(&scene, &options);
	int first = call(&scene);
	int second = call(&scene);
	assert_answer(&scene, call_with(&scene, GET),
	    "HTTP/1.1 503 Service Unavailable\r\n");
	assert_int_equal(stat_get(&scene.stats, connections_timeout), 0);
	close(first);
	close(second);
	close_scene(&scene);
}

/* Newcomers are refused until the first have had their time; then the silent
 * one goes, though the one that talks is older. */
static void
when_too_many_wait_the_oldest_silent_one_goes(void **state)
{
	(void)state;
	struct gateway_options options = patient;
	struct scene scene;
	struct buf nothing;
	bool was_reset;

	options.max_waiting = 2;
	open_scene(&scene, &options);
	int talker = call_with(&scene, "GET / HT");
	int silent = call(&scene);
	WAIT_FOR(&scene, stat_get(&scene.stats, connections_accepted) == 2);
	buf_init(&nothing, 0);
	while (stat_get(&scene.stats, connections_timeout) == 0) {
		struct buf got = read_all(&scene, call_with(&scene, GET));

		buf_fini(&got);
	}
	WAIT_FOR(&scene, has_ended(silent, &nothing, &was_reset));
	assert_false(has_ended(talker, &nothing, &was_reset));
	assert_int_equal(scene.requests, 1);
	buf_fini(&nothing);
	close(talker);
	close(silent);
	close_scene(&scene);
}

/* A first byte does not keep a place for ever. */
static void
when_all_who_wait_talk_the_one_who_began_first_goes(void **state)
{
	(void)state;
	struct gateway_options options = patient;
	struct scene scene;
	struct buf nothing;
	bool was_reset;

	options.max_waiting = 2;
	open_scene(&scene, &options);
	int first = call_with(&scene, "GET / HT");
	WAIT_FOR(&scene, stat_get(&scene.stats, connections_accepted) == 1);
	uv_run(&scene.loop, UV_RUN_NOWAIT);
	int second = call_with(&scene, "GET / HT");
	WAIT_FOR(&scene, stat_get(&scene.stats, connections_accepted) == 2);
	uint64_t give_up = uv_hrtime() + 10000000000u;
	buf_init(&nothing, 0);
	while (stat_get(&scene.stats, connections_timeout) == 0) {
		struct buf got = read_all(&scene, call_with(&scene, GET));

		buf_fini(&got);
		assert_true(uv_hrtime() < give_up);
	}
	WAIT_FOR(&scene, has_ended(first, &nothing, &was_reset));
	assert_false(has_ended(second, &nothing, &was_reset));
	buf_fini(&nothing);
	close(first);
	close(second);
	close_scene(&scene);
}

/* However it ended: answered, left, or refused. */
static void
who_has_gone_takes_no_room_from_those_who_come(void **state)
{
	(void)state;
	static const char *const heads[] = { GET, "", "GET / HT",
		"GET / HTTP/1.1\r\nHost : x\r\n\r\n" };
	struct gateway_options options = patient;
	struct scene scene;

	options.max_waiting = 2;
	open_scene(&scene, &options);
	for (size_t i = 0; i < 12; i++) {
		int fd = call_with(&scene, heads[i % 4]);

		shutdown(fd, SHUT_WR);
		struct buf got = read_all(&scene, fd);
		buf_fini(&got);
	}
	assert_answer(&scene, call_with(&scene, GET), "HTTP/1.1 200 OK\r\n");
	assert_int_equal(scene.requests, 4);
	close_scene(&scene);
}

static void
a_cap_at_the_door_is_answered(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	scene.admission = 429;
	assert_answer(&scene, call_with(&scene, GET),
	    "HTTP/1.1 429 Too Many Requests\r\n");
	assert_int_equal(scene.requests, 0);
	close_scene(&scene);
}

/* --- out of descriptors --- */

static rlim_t
set_descriptor_limit(rlim_t limit)
{
	struct rlimit old;

	getrlimit(RLIMIT_NOFILE, &old);
	struct rlimit new = { .rlim_cur = limit, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &new), 0);
	return old.rlim_cur;
}

/* Each turn of the loop then waits for the pause to end: five of them within
 * the time of a few would be a spin. The client gets its answer later. */
static void
without_descriptors_it_waits_and_does_not_spin(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	int fd = call_with(&scene, GET);
	int next = dup(fd);
	close(next);
	rlim_t before = set_descriptor_limit((rlim_t)next);
	uint64_t start = uv_hrtime();
	for (int turn = 0; turn < 5; turn++)
		uv_run(&scene.loop, UV_RUN_ONCE);
	assert_true(uv_hrtime() - start > 100 * 1000000u);
	assert_int_equal(stat_get(&scene.stats, connections_accepted), 0);
	set_descriptor_limit(before);
	assert_answer(&scene, fd, "HTTP/1.1 200 OK\r\n");
	close_scene(&scene);
}

/* With the pause it would take a dozen turns. */
static void
without_descriptors_those_answered_make_room(void **state)
{
	(void)state;
	struct scene scene;
	struct buf got;
	bool was_reset;
	int turns = 0;

	open_scene(&scene, &patient);
	buf_init(&got, 0);
	int lingers = call_with(&scene, GET);
	WAIT_FOR(&scene, has_ended(lingers, &got, &was_reset));
	int fd = call_with(&scene, GET);
	int next = dup(fd);
	close(next);
	rlim_t before = set_descriptor_limit((rlim_t)next);
	while (scene.requests < 2 && turns++ < 100)
		uv_run(&scene.loop, UV_RUN_ONCE);
	assert_true(turns <= 6);
	set_descriptor_limit(before);
	assert_answer(&scene, fd, "HTTP/1.1 200 OK\r\n");
	buf_fini(&got);
	close(lingers);
	close_scene(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heads_that_are_not_good_are_refused),
		cmocka_unit_test(the_limit_of_a_head_is_exact),
		cmocka_unit_test(a_head_that_is_not_whole_in_time_is_dropped),
		cmocka_unit_test(
		    when_too_many_wait_a_newcomer_does_not_throw_out_the_young),
		cmocka_unit_test(when_too_many_wait_the_oldest_silent_one_goes),
		cmocka_unit_test(
		    when_all_who_wait_talk_the_one_who_began_first_goes),
		cmocka_unit_test(
		    who_has_gone_takes_no_room_from_those_who_come),
		cmocka_unit_test(a_cap_at_the_door_is_answered),
		cmocka_unit_test(
		    without_descriptors_it_waits_and_does_not_spin),
		cmocka_unit_test(without_descriptors_those_answered_make_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
