/* SPDX-License-Identifier: MIT */
#include "tls_kit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cmocka.h>

/* Each is of another name. */
static X509 *
sign(EVP_PKEY *key, const char *common_name, long from_s, long until_s)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_get_subject_name(certificate);

	X509_set_version(certificate, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from_s);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)common_name, -1, -1, 0);
	X509_set_issuer_name(certificate, name);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	return certificate;
}

static FILE *
open_file(const char *path, const char *mode)
{
	FILE *file = fopen(path, mode);

	assert_non_null(file);
	return file;
}

void
tls_kit_open(struct tls_kit *kit, long from_s, long until_s)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate;
	FILE *file;

	snprintf(kit->folder, sizeof(kit->folder), "/tmp/tls_kit.XXXXXX");
	assert_non_null(mkdtemp(kit->folder));
	certificate = sign(key, kit->folder, from_s, until_s);
	snprintf(kit->cert, sizeof(kit->cert), "%s/cert.pem", kit->folder);
	snprintf(kit->key, sizeof(kit->key), "%s/key.pem", kit->folder);
	file = open_file(kit->cert, "w");
	assert_true(PEM_write_X509(file, certificate));
	fclose(file);
	file = open_file(kit->key, "w");
	assert_true(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL));
	fclose(file);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

void
tls_kit_encrypt_key(const struct tls_kit *kit)
{
	static unsigned char phrase[] = "phrase";
	FILE *file = open_file(kit->key, "r");
	EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

	fclose(file);
	assert_non_null(key);
	file = open_file(kit->key, "w");
	assert_true(PEM_write_PrivateKey(file, key, EVP_aes_128_cbc(), phrase,
	    (int)strlen((char *)phrase), NULL, NULL));
	fclose(file);
	EVP_PKEY_free(key);
}

const char *
tls_kit_file(struct tls_kit *kit, const char *name, const char *content)
{
	static char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", kit->folder, name);
	file = open_file(path, "w");
	fputs(content, file);
	fclose(file);
	return path;
}

void
tls_kit_append(const char *file, const char *from)
{
	FILE *in = open_file(from, "r");
	FILE *out = open_file(file, "a");
	int byte;

	while ((byte = fgetc(in)) != EOF)
		fputc(byte, out);
	fclose(out);
	fclose(in);
}

void
tls_kit_close(struct tls_kit *kit)
{
	static const char *const names[] = { "cert.pem", "key.pem",
		"other.pem" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", kit->folder, names[i]);
		unlink(path);
	}
	assert_int_equal(rmdir(kit->folder), 0);
}

/* --- the client --- */

int
tls_peer_open(struct tls_peer *peer, bool is_plain)
{
	int ends[2];

	*peer = (struct tls_peer){ .fd = -1 };
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	peer->fd = ends[0];
	if (is_plain)
		return ends[1];
	peer->context = SSL_CTX_new(TLS_client_method());
	peer->tls = SSL_new(peer->context);
	SSL_set_fd(peer->tls, peer->fd);
	SSL_set_connect_state(peer->tls);
	return ends[1];
}

void
tls_peer_close(struct tls_peer *peer)
{
	SSL_free(peer->tls);
	SSL_CTX_free(peer->context);
	if (peer->fd >= 0)
		close(peer->fd);
	*peer = (struct tls_peer){ .fd = -1 };
	ERR_clear_error();
}

bool
tls_peer_shakes(struct tls_peer *peer)
{
	int status = SSL_connect(peer->tls);

	ERR_clear_error();
	return status == 1;
}
