/* SPDX-License-Identifier: MIT */
#include "ws_handover.h"

#include "tls_identity.h"
#include "tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

/* SSL_new() is the one of ws_handover.c here, as in the program. */

static void
only_what_was_offered_is_handed_over_and_only_once(void **state)
{
	(void)state;
	struct ws_handover handover = { 0 };
	SSL_CTX *gate = SSL_CTX_new(TLS_server_method());
	SSL_CTX *library = SSL_CTX_new(TLS_server_method());
	SSL *established = SSL_new(gate);
	ws_handover_attach(&handover, library);
	ws_handover_offer(&handover, established);
	/* Another context does what it always does. */
	SSL *other = SSL_new(gate);
	assert_ptr_not_equal(other, established);
	assert_ptr_equal(SSL_new(library), established);
	assert_true(ws_handover_was_taken(&handover));
	SSL *made = SSL_new(library);
	assert_non_null(made);
	assert_ptr_not_equal(made, established);
	assert_ptr_equal(SSL_get_SSL_CTX(made), library);
	SSL_free(made);
	SSL_free(other);
	SSL_free(established);
	SSL_CTX_free(library);
	SSL_CTX_free(gate);
}

static void
what_nobody_asked_for_is_freed(void **state)
{
	(void)state;
	struct ws_handover handover = { 0 };
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL *established = SSL_new(context);
	ws_handover_attach(&handover, context);
	SSL_up_ref(established); /* to look at it afterwards */
	ws_handover_offer(&handover, established);
	assert_false(ws_handover_was_taken(&handover));
	/* It is not given to the next one either. */
	SSL *next = SSL_new(context);
	assert_ptr_not_equal(next, established);
	SSL_free(next);
	SSL_free(established); /* the last one: leaks are a sanitizer's */
	/* A plain connection offers nothing, and nothing is left over. */
	ws_handover_offer(&handover, NULL);
	assert_true(ws_handover_was_taken(&handover));
	SSL_CTX_free(context);
}

/* Between a context of ours and one that holds somebody else's data there is a
 * difference. */
static void
data_that_is_none_of_ours_is_left_alone(void **state)
{
	(void)state;
	uint32_t not_ours[4] = { 1, 2, 3, 4 };
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set_app_data(context, not_ours);
	SSL *made = SSL_new(context);
	assert_non_null(made);
	assert_int_equal(not_ours[0], 1);
	SSL_free(made);
	SSL_CTX_free(context);
}

static void
an_established_connection_goes_on_where_it_was(void **state)
{
	(void)state;
	struct tls_kit kit;
	struct tls_peer peer;
	struct error err;
	struct ws_handover handover = { 0 };
	char into[16];
	tls_kit_open(&kit, -60, 3600);
	struct tls_identity *identity =
	    tls_identity_load(kit.cert, kit.key, &err);
	SSL_CTX *library = SSL_CTX_new(TLS_server_method());
	int fd = tls_peer_open(&peer, false);
	SSL *server = SSL_new(tls_identity_context(identity));
	SSL_set_fd(server, fd);
	SSL_set_accept_state(server);
	while (!tls_peer_shakes(&peer))
		SSL_accept(server);
	SSL_accept(server);
	assert_int_equal(SSL_write(peer.tls, "head|rest", 9), 9);
	assert_int_equal(SSL_read(server, into, 5), 5);
	ws_handover_attach(&handover, library);
	ws_handover_offer(&handover, server);
	SSL *taken = SSL_new(library);
	assert_true(ws_handover_was_taken(&handover));
	/* As the library does it: descriptor, then accept, which is done. */
	SSL_set_fd(taken, fd);
	assert_int_equal(SSL_accept(taken), 1);
	assert_int_equal(SSL_read(taken, into, sizeof(into)), 4);
	assert_memory_equal(into, "rest", 4);
	assert_int_equal(SSL_write(taken, "hello", 5), 5);
	assert_int_equal(SSL_read(peer.tls, into, sizeof(into)), 5);
	SSL_free(taken);
	close(fd);
	tls_peer_close(&peer);
	SSL_CTX_free(library);
	tls_identity_free(&identity);
	tls_kit_close(&kit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    only_what_was_offered_is_handed_over_and_only_once),
		cmocka_unit_test(what_nobody_asked_for_is_freed),
		cmocka_unit_test(data_that_is_none_of_ours_is_left_alone),
		cmocka_unit_test(
		    an_established_connection_goes_on_where_it_was),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
