/* SPDX-License-Identifier: MIT */
#include "liveness.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define SILENCE 30000
#define STUCK   180000

static const struct liveness_limits limits = {
	.silence_ms = SILENCE,
	.stuck_ms = STUCK,
};

/* Born at 1000, heard of at 1000. */
static struct liveness liveness;

static int
setup(void **state)
{
	(void)state;
	liveness_init(&liveness, 1000);
	return 0;
}

static enum liveness_verdict
judge(struct socket_figures figures, bool holds, uint64_t now_ms)
{
	return liveness_judge(&liveness, &limits, &figures, holds, now_ms);
}

static struct socket_figures
nothing(void)
{
	return (struct socket_figures){ .unheard_ms = UINT64_MAX };
}

static void
silence_is_fine_until_its_limit(void **state)
{
	(void)state;
	assert_int_equal(
	    judge(nothing(), false, 1000 + SILENCE - 1), LIVENESS_FINE);
	assert_int_equal(
	    judge(nothing(), false, 1000 + SILENCE), LIVENESS_SILENT);
}

static void
bytes_that_the_kernel_saw_are_a_sign_of_life(void **state)
{
	(void)state;
	struct socket_figures figures = nothing();

	figures.unheard_ms = SILENCE - 1;
	assert_int_equal(judge(figures, false, 1000 + SILENCE), LIVENESS_FINE);
	figures.unheard_ms = SILENCE;
	assert_int_equal(
	    judge(figures, false, 1000 + SILENCE), LIVENESS_SILENT);
}

static void
a_missing_pong_does_not_count_while_bytes_are_queued(void **state)
{
	(void)state;
	struct socket_figures figures = nothing();

	assert_int_equal(judge(figures, true, 1000 + SILENCE), LIVENESS_FINE);
	figures.queued = 1;
	assert_int_equal(judge(figures, false, 1000 + SILENCE), LIVENESS_FINE);
}

static void
who_was_sent_much_may_take_long_to_come_to_the_ping(void **state)
{
	(void)state;
	liveness.sent_since = 4096;
	assert_int_equal(
	    judge(nothing(), false, 1000 + SILENCE), LIVENESS_SILENT);
	liveness.sent_since = 4097;
	assert_int_equal(
	    judge(nothing(), false, 1000 + STUCK - 1), LIVENESS_FINE);
	assert_int_equal(
	    judge(nothing(), false, 1000 + STUCK), LIVENESS_SILENT);
}

static void
a_peer_that_owes_an_acknowledgement_too_long_is_gone(void **state)
{
	(void)state;
	struct socket_figures figures = nothing();

	figures.queued = 7;
	figures.unanswered_ms = SILENCE - 1;
	assert_int_equal(judge(figures, true, 1000 + SILENCE), LIVENESS_FINE);
	figures.unanswered_ms = SILENCE;
	assert_int_equal(judge(figures, true, 1000 + SILENCE), LIVENESS_GONE);
}

static void
who_acknowledges_not_one_byte_is_stuck(void **state)
{
	(void)state;
	struct socket_figures figures = nothing();

	figures.queued = 100;
	figures.progress = 5;
	judge(figures, true, 2000);
	liveness.heard_ms = 2000 + STUCK;
	assert_int_equal(judge(figures, true, 2000 + STUCK - 1), LIVENESS_FINE);
	assert_int_equal(judge(figures, true, 2000 + STUCK), LIVENESS_STUCK);
}

static void
one_acknowledged_byte_starts_the_time_anew(void **state)
{
	(void)state;
	struct socket_figures figures = nothing();

	figures.queued = 100;
	figures.progress = 5;
	judge(figures, true, 2000);
	figures.progress = 6;
	judge(figures, true, 2000 + STUCK - 1);
	assert_int_equal(judge(figures, true, 2000 + STUCK), LIVENESS_FINE);
}

static void
an_empty_queue_is_never_stuck(void **state)
{
	(void)state;
	liveness.heard_ms = 2 * STUCK;
	assert_int_equal(judge(nothing(), false, 2 * STUCK), LIVENESS_FINE);
}

/* --- the kernel's figures --- */

static void
connect_pair(int pair[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&at, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&at, &len);
	pair[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(pair[0], (struct sockaddr *)&at, len), 0);
	pair[1] = accept(listener, NULL, NULL);
	close(listener);
}

static void
tcp_shows_what_came_and_what_was_acknowledged(void **state)
{
	(void)state;
	struct socket_figures before;
	struct socket_figures after;
	char byte;
	char three[3];
	int pair[2];

	connect_pair(pair);
	socket_look(pair[0], &before);
	assert_int_equal(before.queued, 0);
	assert_int_equal(send(pair[1], "abc", 3, 0), 3);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	assert_int_equal(recv(pair[1], &byte, 1, 0), 1);
	assert_int_equal(recv(pair[0], three, 3, MSG_PEEK | MSG_WAITALL), 3);
	socket_look(pair[0], &after);
	assert_int_equal(after.received - before.received, 3);
	assert_int_equal(after.unread, 3);
	assert_true(after.unheard_ms < 10000);
	close(pair[0]);
	close(pair[1]);
}

static void
a_full_socket_shows_its_queue(void **state)
{
	(void)state;
	struct socket_figures figures;
	static char block[65536];
	int pair[2];

	connect_pair(pair);
	while (send(pair[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		continue;
	socket_look(pair[0], &figures);
	assert_true(figures.queued > 0);
	close(pair[0]);
	close(pair[1]);
}

static void
a_ping_in_a_unix_socket_is_no_queue(void **state)
{
	(void)state;
	struct socket_figures figures;
	static char block[65536];
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	send(pair[0], "ping", 4, 0);
	socket_look(pair[0], &figures);
	assert_int_equal(figures.queued, 0);
	assert_true(figures.unheard_ms == UINT64_MAX);
	while (send(pair[0], block, sizeof(block), MSG_DONTWAIT) > 0)
		continue;
	socket_look(pair[0], &figures);
	assert_true(figures.queued > 0);
	close(pair[0]);
	close(pair[1]);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(silence_is_fine_until_its_limit),
		CASE(bytes_that_the_kernel_saw_are_a_sign_of_life),
		CASE(a_missing_pong_does_not_count_while_bytes_are_queued),
		CASE(who_was_sent_much_may_take_long_to_come_to_the_ping),
		CASE(a_peer_that_owes_an_acknowledgement_too_long_is_gone),
		CASE(who_acknowledges_not_one_byte_is_stuck),
		CASE(one_acknowledged_byte_starts_the_time_anew),
		CASE(an_empty_queue_is_never_stuck),
		CASE(tcp_shows_what_came_and_what_was_acknowledged),
		CASE(a_full_socket_shows_its_queue),
		CASE(a_ping_in_a_unix_socket_is_no_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
