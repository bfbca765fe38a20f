/* SPDX-License-Identifier: MIT */
#include "ws_tls.h"

#include "tls_identity.h"
#include "tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

#include <errno.h>
#include <signal.h>

#include <cmocka.h>

#define RECORD 16384

struct scene {
	struct tls_kit kit;
	struct tls_identity *identity;
	struct tls_peer peer;
	SSL *tls;
	int fd;
};

static void
open_scene(struct scene *scene)
{
	struct error err;

	tls_kit_open(&scene->kit, -60, 3600);
	scene->identity =
	    tls_identity_load(scene->kit.cert, scene->kit.key, &err);
	scene->fd = tls_peer_open(&scene->peer, false);
	scene->tls = SSL_new(tls_identity_context(scene->identity));
	SSL_set_fd(scene->tls, scene->fd);
	SSL_set_accept_state(scene->tls);
	while (!tls_peer_shakes(&scene->peer))
		SSL_accept(scene->tls);
	assert_int_equal(SSL_accept(scene->tls), 1);
}

static void
close_scene(struct scene *scene)
{
	assert_int_equal(ERR_peek_error(), 0);
	SSL_free(scene->tls);
	close(scene->fd);
	tls_peer_close(&scene->peer);
	tls_identity_free(&scene->identity);
	tls_kit_close(&scene->kit);
}

static void
a_whole_record_is_taken_while_our_own_is_half_out(void **state)
{
	(void)state;
	static char bytes[RECORD], got[RECORD];
	struct scene scene;
	int half = 1;
	size_t sent = 0;
	open_scene(&scene);
	errno = 0;
	assert_int_equal(ws_tls_recv(scene.tls, got, sizeof(got)), -1);
	assert_int_equal(errno, EAGAIN);
	/* Until the peer, which takes nothing, lets the last one get stuck. */
	for (; half > 0; sent += half > 0 ? (size_t)half : 0)
		half = SSL_write(scene.tls, bytes, sizeof(bytes));
	assert_int_equal(SSL_get_error(scene.tls, half), SSL_ERROR_WANT_WRITE);
	memset(bytes, 'a', sizeof(bytes));
	for (int i = 0; i < 3; i++)
		assert_int_equal(
		    SSL_write(scene.peer.tls, bytes, sizeof(bytes)), RECORD);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
		    ws_tls_recv(scene.tls, got, sizeof(got)), RECORD);
		assert_memory_equal(got, bytes, sizeof(got));
		assert_int_equal(SSL_pending(scene.tls), 0);
	}
	assert_int_equal(ws_tls_recv(scene.tls, got, sizeof(got)), -1);
	/* And the rest of ours goes out as if nothing had been. */
	memset(bytes, 0, sizeof(bytes));
	for (size_t read = 0; read < sent + RECORD;) {
		int count = SSL_read(scene.peer.tls, got, sizeof(got));
		if (count <= 0)
			half = SSL_write(scene.tls, bytes, sizeof(bytes));
		for (int i = 0; i < count; i++)
			assert_int_equal(got[i], 0);
		read += count > 0 ? (size_t)count : 0;
	}
	assert_int_equal(half, RECORD);
	close_scene(&scene);
}

static void
any_end_is_one(void **state)
{
	(void)state;
	enum { GOODBYE, SOCKET, NONSENSE, ENDS };
	for (int how = 0; how < ENDS; how++) {
		struct scene scene;
		char got[8];
		open_scene(&scene);
		if (how == GOODBYE)
			SSL_shutdown(scene.peer.tls);
		else if (how == SOCKET)
			shutdown(scene.peer.fd, SHUT_WR);
		else
			assert_int_equal(
			    send(scene.peer.fd, "nonsense!", 9, 0), 9);
		ERR_clear_error();
		assert_int_equal(ws_tls_recv(scene.tls, got, sizeof(got)), 0);
		close_scene(&scene);
	}
}

static void
a_goodbye_is_heard_and_leaves_no_error(void **state)
{
	(void)state;
	struct scene scene;
	char got[8];
	open_scene(&scene);
	ws_tls_goodbye(scene.tls);
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(SSL_read(scene.peer.tls, got, sizeof(got)), 0);
	assert_int_equal(
	    SSL_get_error(scene.peer.tls, 0), SSL_ERROR_ZERO_RETURN);
	close_scene(&scene);
	/* To one who is gone, too. */
	open_scene(&scene);
	tls_peer_close(&scene.peer);
	ws_tls_goodbye(scene.tls);
	close_scene(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_whole_record_is_taken_while_our_own_is_half_out),
		cmocka_unit_test(any_end_is_one),
		cmocka_unit_test(a_goodbye_is_heard_and_leaves_no_error),
	};
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
