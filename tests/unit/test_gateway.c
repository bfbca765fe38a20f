/* SPDX-License-Identifier: MIT */
#include "gateway_scene.h"

#include "xmalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* --- answers --- */

static void
a_request_is_handed_on_and_answered(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	int fd = call_with(&scene, GET);
	struct buf got = read_all(&scene, fd);

	assert_string_equal(got.data,
	    "HTTP/1.1 200 OK\r\n"
	    "Content-Type: text/plain\r\n"
	    "Content-Length: 5\r\n"
	    "Connection: close\r\n"
	    "X-Extra: 1\r\n"
	    "\r\n"
	    "hello");
	assert_string_equal(scene.method, "GET");
	assert_int_equal(stat_get(&scene.stats, connections_accepted), 1);
	assert_int_equal(stat_get(&scene.stats, http_requests), 1);
	buf_fini(&got);
	close_scene(&scene);
}

static void
a_head_may_come_byte_by_byte(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	int fd = call(&scene);
	for (const char *at = GET; *at != '\0'; at++) {
		assert_int_equal(send(fd, at, 1, 0), 1);
		uv_run(&scene.loop, UV_RUN_NOWAIT);
	}
	assert_answer(&scene, fd, "HTTP/1.1 200 OK\r\n");
	close_scene(&scene);
}

static void
the_answer_to_head_has_no_body(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	int fd = call_with(&scene, "HEAD / HTTP/1.1\r\nHost: here\r\n\r\n");
	struct buf got = read_all(&scene, fd);

	assert_non_null(strstr(got.data, "Content-Length: 5\r\n"));
	assert_non_null(strstr(got.data, "\r\n\r\n"));
	assert_int_equal(strlen(strstr(got.data, "\r\n\r\n")), 4);
	buf_fini(&got);
	close_scene(&scene);
}

static void
a_large_answer_arrives_whole(void **state)
{
	(void)state;
	const size_t size = 5 * 1024 * 1024;
	struct scene scene;
	char *body = xcalloc(1, size);

	open_scene(&scene, &patient);
	scene.answer = view_make(body, size);
	int fd = call_with(&scene, GET);
	struct buf got = read_all(&scene, fd);

	assert_true(got.len > size);
	buf_fini(&got);
	close_scene(&scene);
	free(body);
}

/* A body is never read, yet it must not turn the answer into a reset. */
static void
a_body_does_not_cost_the_answer(void **state)
{
	(void)state;
	struct scene scene;
	static char body[60000];

	open_scene(&scene, &patient);
	int fd = call_with(&scene,
	    "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 60000\r\n\r\n");
	assert_int_equal(send(fd, body, sizeof(body), 0), sizeof(body));
	assert_answer(&scene, fd, "HTTP/1.1 200 OK\r\n");
	assert_int_equal(scene.requests, 1);
	close_scene(&scene);
}

static void
a_second_request_on_a_connection_is_not_read(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	assert_answer(
	    &scene, call_with(&scene, GET GET), "HTTP/1.1 200 OK\r\n");
	assert_int_equal(scene.requests, 1);
	close_scene(&scene);
}

static void
a_peer_that_left_is_no_error(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	scene.reaction = KEEP;
	int fd = call_with(&scene, GET);
	WAIT_FOR(&scene, scene.requests == 1);
	struct linger now = { .l_onoff = 1 };
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd); /* a reset */
	struct http_exchange *exchange =
	    gateway_exchange(scene.gateway, scene.exchange_id);
	assert_non_null(exchange);
	gateway_answer(
	    exchange, 200, "text/plain", view_make(NULL, 0), view_of("late"));
	assert_null(gateway_exchange(scene.gateway, scene.exchange_id));
	close_scene(&scene);
}

static void
an_answer_may_come_later(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	scene.reaction = KEEP;
	int fd = call_with(&scene, GET);
	WAIT_FOR(&scene, scene.requests == 1);
	assert_null(gateway_exchange(scene.gateway, scene.exchange_id + 1));
	gateway_answer(gateway_exchange(scene.gateway, scene.exchange_id), 503,
	    "application/json", view_make(NULL, 0), view_of("{}"));
	assert_answer(&scene, fd, "HTTP/1.1 503 Service Unavailable\r\n");
	close_scene(&scene);
}

static void
without_an_answer_in_time_it_is_503(void **state)
{
	(void)state;
	struct gateway_options options = patient;
	struct scene scene;

	options.answer_ms = 20;
	open_scene(&scene, &options);
	scene.reaction = KEEP;
	assert_answer(&scene, call_with(&scene, GET),
	    "HTTP/1.1 503 Service Unavailable\r\n");
	assert_null(gateway_exchange(scene.gateway, scene.exchange_id));
	close_scene(&scene);
}

/* --- giving the socket away --- */

static void
a_taken_socket_still_holds_what_came_behind_the_head(void **state)
{
	(void)state;
	struct scene scene;
	char rest[16] = "";

	open_scene(&scene, &patient);
	scene.reaction = TAKE;
	int fd = call_with(&scene, GET "early bytes");
	WAIT_FOR(&scene, scene.requests == 1);
	assert_int_equal(recv(scene.taken, rest, sizeof(rest), 0), 11);
	assert_string_equal(rest, "early bytes");
	assert_int_equal(send(scene.taken, "back", 4, 0), 4);
	assert_int_equal(recv(fd, rest, sizeof(rest), 0), 4);
	/* It outlives the gateway. */
	close_scene(&scene);
	assert_int_equal(send(scene.taken, "more", 4, 0), 4);
	assert_int_equal(recv(fd, rest, sizeof(rest), 0), 4);
	close(scene.taken);
	close(fd);
}

static void
a_taken_socket_may_be_watched_at_once(void **state)
{
	(void)state;
	struct scene scene;
	uv_poll_t poll;

	open_scene(&scene, &patient);
	scene.reaction = TAKE;
	int fd = call_with(&scene, GET);
	WAIT_FOR(&scene, scene.requests == 1);
	assert_int_equal(uv_poll_init(&scene.loop, &poll, scene.taken), 0);
	uv_close((uv_handle_t *)&poll, NULL);
	close_scene(&scene);
	close(scene.taken);
	close(fd);
}

/* --- the end --- */

static void
who_waits_when_it_stops_is_still_served(void **state)
{
	(void)state;
	struct scene scene;

	open_scene(&scene, &patient);
	int first = call_with(&scene, GET);
	int second = call_with(&scene, GET);
	gateway_stop(scene.gateway);
	assert_int_equal(stat_get(&scene.stats, connections_accepted), 2);
	assert_int_equal(call(&scene), -1);
	assert_answer(&scene, first, "HTTP/1.1 200 OK\r\n");
	assert_answer(&scene, second, "HTTP/1.1 200 OK\r\n");
	gateway_stop(scene.gateway);
	close_scene(&scene);
}

static void
it_can_be_freed_with_connections_in_every_state(void **state)
{
	(void)state;
	const size_t size = 20 * 1024 * 1024;
	struct scene scene;
	int fds[4];
	char *body = xcalloc(1, size);

	open_scene(&scene, &patient);
	fds[0] = call(&scene);
	fds[1] = call_with(&scene, "GET /");
	scene.answer = view_make(body, size); /* more than the buffers hold */
	fds[2] = call_with(&scene, GET);
	WAIT_FOR(&scene, scene.requests == 1);
	scene.reaction = KEEP;
	fds[3] = call_with(&scene, GET);
	WAIT_FOR(&scene, scene.requests == 2);
	close_scene(&scene);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	free(body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_handed_on_and_answered),
		cmocka_unit_test(a_head_may_come_byte_by_byte),
		cmocka_unit_test(the_answer_to_head_has_no_body),
		cmocka_unit_test(a_large_answer_arrives_whole),
		cmocka_unit_test(a_body_does_not_cost_the_answer),
		cmocka_unit_test(a_second_request_on_a_connection_is_not_read),
		cmocka_unit_test(a_peer_that_left_is_no_error),
		cmocka_unit_test(an_answer_may_come_later),
		cmocka_unit_test(without_an_answer_in_time_it_is_503),
		cmocka_unit_test(
		    a_taken_socket_still_holds_what_came_behind_the_head),
		cmocka_unit_test(a_taken_socket_may_be_watched_at_once),
		cmocka_unit_test(who_waits_when_it_stops_is_still_served),
		cmocka_unit_test(
		    it_can_be_freed_with_connections_in_every_state),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
