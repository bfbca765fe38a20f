/* SPDX-License-Identifier: MIT */
#include "tls_identity.h"

#include "tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/err.h>

#include <cmocka.h>

#define DAY_S (24 * 60 * 60)

static uint64_t
now_ms(void)
{
	return (uint64_t)time(NULL) * 1000;
}

static void
refused(const char *cert, const char *key, const char *where, const char *why)
{
	struct error err = { 0 };

	assert_null(tls_identity_load(cert, key, &err));
	assert_string_equal(err.where, where);
	if (strstr(err.message, why) == NULL)
		fail_msg("%s does not say: %s", err.message, why);
	assert_null(strstr(err.message, "PRIVATE"));
	assert_int_equal(ERR_peek_error(), 0);
}

/* Both shake hands in memory; the version, or 0. */
static int
speak(const struct tls_identity *identity, int version, const char *protocols)
{
	struct tls_peer peer;
	SSL *server = SSL_new(tls_identity_context(identity));
	int fd = tls_peer_open(&peer, false);
	int spoken = 0;

	SSL_set_fd(server, fd);
	SSL_set_accept_state(server);
	SSL_set_security_level(peer.tls, 0);
	SSL_set_min_proto_version(peer.tls, version);
	SSL_set_max_proto_version(peer.tls, version);
	if (protocols != NULL)
		SSL_set_alpn_protos(peer.tls, (const unsigned char *)protocols,
		    (unsigned)strlen(protocols));
	for (int round = 0; round < 10 && spoken == 0; round++) {
		bool is_done = tls_peer_shakes(&peer);
		if (SSL_accept(server) == 1 && is_done)
			spoken = SSL_version(peer.tls);
	}
	SSL_free(server);
	close(fd);
	tls_peer_close(&peer);
	return spoken;
}

static void
a_pair_that_fits_is_served_by_tls_1_2_and_1_3(void **state)
{
	(void)state;
	struct tls_kit kit;
	struct error err;
	tls_kit_open(&kit, -60, DAY_S);
	struct tls_identity *identity =
	    tls_identity_load(kit.cert, kit.key, &err);
	assert_non_null(identity);
	assert_string_equal(tls_identity_warning(identity, now_ms()), "");
	assert_int_equal(speak(identity, TLS1_2_VERSION, NULL), TLS1_2_VERSION);
	assert_int_equal(speak(identity, TLS1_3_VERSION, NULL), TLS1_3_VERSION);
	assert_int_equal(speak(identity, TLS1_1_VERSION, NULL), 0);
	assert_int_equal(speak(identity, TLS1_3_VERSION, "\x02h2\x08http/1.1"),
	    TLS1_3_VERSION);
	assert_int_equal(speak(identity, TLS1_3_VERSION, "\x02h2"), 0);
	tls_identity_free(&identity);
	assert_null(identity);
	tls_identity_free(&identity);
	tls_kit_close(&kit);
}

static void
files_that_are_no_good_are_named_with_the_reason(void **state)
{
	(void)state;
	struct tls_kit kit, other;
	tls_kit_open(&kit, -60, DAY_S);
	tls_kit_open(&other, -60, DAY_S);
	refused("", kit.key, "tls.cert", "must name a PEM file");
	refused(kit.cert, "", "tls.key", "must name a PEM file");
	refused("/none", kit.key, "/none", "tls.cert cannot be read");
	refused(kit.cert, "/none", "/none", "tls.key cannot be read");
	refused(kit.key, kit.key, kit.key, "no certificate chain");
	refused(kit.cert, kit.cert, kit.cert, "no private key");
	const char *file = tls_kit_file(&kit, "other.pem", "");
	refused(file, kit.key, file, "no certificate chain");
	refused(kit.cert, file, file, "no private key");
	refused(kit.cert, other.key, other.key, "does not belong to");
	tls_kit_encrypt_key(&kit);
	refused(kit.cert, kit.key, kit.key, "is encrypted");
	tls_kit_close(&other);
	tls_kit_close(&kit);
}

static void
a_certificate_out_of_its_time_is_a_warning(void **state)
{
	(void)state;
	struct tls_kit kit;
	struct error err;
	tls_kit_open(&kit, -DAY_S, DAY_S);
	struct tls_identity *identity =
	    tls_identity_load(kit.cert, kit.key, &err);
	static const struct {
		int64_t at_s;
		const char *says;
	} rows[] = {
		{ -DAY_S - 60, "is not valid yet" },
		{ -DAY_S + 60, "" },
		{ DAY_S - 60, "" },
		{ DAY_S + 60, "has expired" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *warning = tls_identity_warning(identity,
		    (uint64_t)((int64_t)now_ms() + rows[i].at_s * 1000));
		assert_non_null(strstr(warning, rows[i].says));
		if (*rows[i].says == '\0')
			assert_string_equal(warning, "");
		else
			assert_non_null(strstr(warning, kit.cert));
	}
	tls_identity_free(&identity);
	tls_kit_close(&kit);
}

static void
a_chain_that_does_not_fit_together_is_a_warning(void **state)
{
	(void)state;
	struct tls_kit kit, other;
	struct error err;
	tls_kit_open(&kit, -60, DAY_S);
	tls_kit_open(&other, -60, DAY_S);
	tls_kit_append(kit.cert, other.cert);
	struct tls_identity *identity =
	    tls_identity_load(kit.cert, kit.key, &err);
	assert_non_null(identity);
	const char *warning = tls_identity_warning(identity, now_ms());
	assert_non_null(strstr(warning, "certificate 2 did not issue"));
	tls_identity_free(&identity);
	tls_kit_close(&other);
	tls_kit_close(&kit);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_that_fits_is_served_by_tls_1_2_and_1_3),
		cmocka_unit_test(
		    files_that_are_no_good_are_named_with_the_reason),
		cmocka_unit_test(a_certificate_out_of_its_time_is_a_warning),
		cmocka_unit_test(
		    a_chain_that_does_not_fit_together_is_a_warning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
