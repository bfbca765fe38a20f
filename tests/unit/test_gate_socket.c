/* SPDX-License-Identifier: MIT */
#include "gate_socket.h"

#include "tls_identity.h"
#include "tls_kit.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include <cmocka.h>

#define BIG 20000 /* more than a record of TLS holds */

struct scene {
	struct tls_kit kit;
	struct tls_identity *identity;
	struct tls_peer peer;
	struct gate_socket socket;
};

static void
open_scene(struct scene *scene, bool is_plain)
{
	struct error err;

	tls_kit_open(&scene->kit, -60, 3600);
	scene->identity =
	    tls_identity_load(scene->kit.cert, scene->kit.key, &err);
	assert_non_null(scene->identity);
	gate_socket_init(&scene->socket, tls_peer_open(&scene->peer, is_plain));
	if (!is_plain)
		assert_int_equal(gate_socket_secure(&scene->socket,
				     tls_identity_context(scene->identity)),
		    0);
}

static void
close_scene(struct scene *scene)
{
	if (scene->socket.fd >= 0)
		gate_socket_close(&scene->socket);
	tls_peer_close(&scene->peer);
	tls_identity_free(&scene->identity);
	tls_kit_close(&scene->kit);
	assert_int_equal(ERR_peek_error(), 0);
}

static void
shake(struct scene *scene)
{
	bool is_done = false;

	for (int round = 0; round < 10 && !is_done; round++) {
		ssize_t result;
		tls_peer_shakes(&scene->peer);
		result = gate_socket_shake(&scene->socket);
		assert_true(result == 0 || result == GATE_SOCKET_AGAIN);
		is_done = result == 0;
	}
	assert_true(is_done);
	tls_peer_shakes(&scene->peer);
	assert_false(scene->socket.is_shaking);
}

static void
say(struct scene *scene, const char *text, size_t len)
{
	if (scene->peer.tls != NULL)
		assert_int_equal(
		    SSL_write(scene->peer.tls, text, (int)len), len);
	else
		assert_int_equal(send(scene->peer.fd, text, len, 0), len);
}

/* What peek shows stays, what is taken is gone, and no byte behind it. */
static void
assert_reads_exactly(struct scene *scene)
{
	char into[64];
	struct gate_socket *socket = &scene->socket;

	assert_int_equal(
	    gate_socket_peek(socket, into, sizeof(into)), GATE_SOCKET_AGAIN);
	assert_false(socket->wants_write);
	say(scene, "head|rest", 9);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    gate_socket_peek(socket, into, sizeof(into)), 9);
		assert_memory_equal(into, "head|rest", 9);
	}
	assert_int_equal(gate_socket_take(socket, into, 0), 0);
	assert_int_equal(gate_socket_take(socket, into, 5), 0);
	assert_memory_equal(into, "head|", 5);
	assert_int_equal(gate_socket_peek(socket, into, sizeof(into)), 4);
	assert_memory_equal(into, "rest", 4);
	assert_int_equal(gate_socket_take(socket, into, 4), 0);
	/* More than was shown is not there. */
	assert_int_equal(gate_socket_take(socket, into, 1), GATE_SOCKET_FAILED);
}

static void
a_plain_head_is_taken_to_the_byte(void **state)
{
	(void)state;
	struct scene scene;
	char into[8];
	open_scene(&scene, true);
	assert_reads_exactly(&scene);
	assert_false(gate_socket_has_more(&scene.socket));
	shutdown(scene.peer.fd, SHUT_WR);
	assert_int_equal(
	    gate_socket_peek(&scene.socket, into, sizeof(into)), 0);
	close_scene(&scene);
}

static void
a_head_in_tls_is_taken_to_the_byte(void **state)
{
	(void)state;
	struct scene scene;
	char into[8];
	open_scene(&scene, false);
	assert_int_equal(gate_socket_shake(&scene.socket), GATE_SOCKET_AGAIN);
	assert_false(scene.socket.wants_write);
	shake(&scene);
	assert_reads_exactly(&scene);
	say(&scene, "12345678", 8);
	assert_false(gate_socket_has_more(&scene.socket));
	assert_int_equal(gate_socket_peek(&scene.socket, into, 3), 3);
	assert_true(gate_socket_has_more(&scene.socket));
	assert_int_equal(gate_socket_take(&scene.socket, into, 8), 0);
	assert_false(gate_socket_has_more(&scene.socket));
	SSL_shutdown(scene.peer.tls);
	assert_int_equal(
	    gate_socket_peek(&scene.socket, into, sizeof(into)), 0);
	assert_false(scene.socket.has_failed);
	close_scene(&scene);
}

static void
what_is_no_handshake_fails(void **state)
{
	(void)state;
	static const char *const rows[] = { "GET / HTTP/1.1\r\n\r\n",
		"\x16\x03\x01\xff\xff\x01zzzzzzzzzz",
		/* Goodbye in the middle of it, politely. */
		"\x15\x03\x01\x00\x02\x01\x00" };
	static const size_t sizes[] = { 18, 16, 7 };
	for (size_t i = 0; i < 3; i++) {
		struct scene scene;
		char into[8];
		open_scene(&scene, false);
		assert_int_equal(
		    send(scene.peer.fd, rows[i], sizes[i], 0), sizes[i]);
		assert_int_equal(
		    gate_socket_shake(&scene.socket), GATE_SOCKET_FAILED);
		/* And it says nothing more than the alert of OpenSSL. */
		while (recv(scene.peer.fd, into, sizeof(into), 0) > 0)
			continue;
		gate_socket_end(&scene.socket);
		assert_int_equal(recv(scene.peer.fd, into, sizeof(into), 0), 0);
		close_scene(&scene);
	}
}

/* Fills the socket, then lets the peer read: all arrives, in order. */
static void
assert_sends_all(struct scene *scene)
{
	static char bytes[BIG], got[BIG];
	struct gate_socket *socket = &scene->socket;
	size_t sent = 0, read = 0;
	size_t total = 100 * (size_t)BIG;
	bool was_full = false;

	for (size_t i = 0; i < BIG; i++)
		bytes[i] = (char)(i * 7);
	while (read < total) {
		size_t at = sent % BIG;
		ssize_t count = sent == total
		    ? GATE_SOCKET_AGAIN
		    : gate_socket_send(socket, bytes + at, BIG - at);
		if (count > 0) {
			sent += (size_t)count;
			continue;
		}
		assert_int_equal(count, GATE_SOCKET_AGAIN);
		was_full |= sent < total && socket->wants_write;
		count = scene->peer.tls != NULL
		    ? SSL_read(scene->peer.tls, got, BIG)
		    : recv(scene->peer.fd, got, BIG, 0);
		assert_true(count > 0);
		for (ssize_t i = 0; i < count; i++)
			assert_int_equal(
			    got[i], bytes[(read + (size_t)i) % BIG]);
		read += (size_t)count;
	}
	assert_true(was_full);
}

static void
a_full_socket_is_waited_for(void **state)
{
	(void)state;
	struct scene scene;
	open_scene(&scene, true);
	assert_sends_all(&scene);
	close_scene(&scene);
	open_scene(&scene, false);
	shake(&scene);
	assert_sends_all(&scene);
	close_scene(&scene);
}

static void
a_peer_that_is_gone_fails_and_kills_nobody(void **state)
{
	(void)state;
	for (int is_plain = 0; is_plain < 2; is_plain++) {
		struct scene scene;
		open_scene(&scene, is_plain);
		if (!is_plain)
			shake(&scene);
		/* Sent with MSG_NOSIGNAL, or by a program that ignores it. */
		signal(SIGPIPE, is_plain ? SIG_DFL : SIG_IGN);
		tls_peer_close(&scene.peer);
		assert_int_equal(gate_socket_send(&scene.socket, "x", 1),
		    GATE_SOCKET_FAILED);
		signal(SIGPIPE, SIG_IGN);
		close_scene(&scene);
	}
}

static void
the_end_says_goodbye_once(void **state)
{
	(void)state;
	struct scene scene;
	char into[8];
	open_scene(&scene, false);
	shake(&scene);
	assert_int_equal(gate_socket_send(&scene.socket, "bye", 3), 3);
	gate_socket_end(&scene.socket);
	gate_socket_end(&scene.socket);
	assert_int_equal(SSL_read(scene.peer.tls, into, sizeof(into)), 3);
	assert_int_equal(SSL_read(scene.peer.tls, into, sizeof(into)), 0);
	assert_int_equal(
	    SSL_get_error(scene.peer.tls, 0), SSL_ERROR_ZERO_RETURN);
	assert_int_equal(recv(scene.peer.fd, into, sizeof(into), 0), 0);
	close_scene(&scene);
}

static void
both_can_be_given_away_in_the_middle(void **state)
{
	(void)state;
	struct scene scene;
	char into[16];
	SSL *tls;
	open_scene(&scene, false);
	shake(&scene);
	say(&scene, "head|rest", 9);
	assert_int_equal(gate_socket_peek(&scene.socket, into, 16), 9);
	assert_int_equal(gate_socket_take(&scene.socket, into, 5), 0);
	int fd = gate_socket_give(&scene.socket, &tls);
	assert_int_equal(scene.socket.fd, -1);
	assert_null(scene.socket.tls);
	assert_int_equal(SSL_get_fd(tls), fd);
	assert_int_equal(SSL_read(tls, into, sizeof(into)), 4);
	assert_memory_equal(into, "rest", 4);
	assert_int_equal(SSL_write(tls, "101", 3), 3);
	assert_int_equal(SSL_read(scene.peer.tls, into, sizeof(into)), 3);
	SSL_free(tls);
	close(fd);
	close_scene(&scene);
	open_scene(&scene, true);
	fd = gate_socket_give(&scene.socket, &tls);
	assert_null(tls);
	close(fd);
	close_scene(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plain_head_is_taken_to_the_byte),
		cmocka_unit_test(a_head_in_tls_is_taken_to_the_byte),
		cmocka_unit_test(what_is_no_handshake_fails),
		cmocka_unit_test(a_full_socket_is_waited_for),
		cmocka_unit_test(a_peer_that_is_gone_fails_and_kills_nobody),
		cmocka_unit_test(the_end_says_goodbye_once),
		cmocka_unit_test(both_can_be_given_away_in_the_middle),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
