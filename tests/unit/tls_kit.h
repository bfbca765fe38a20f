/* SPDX-License-Identifier: MIT */
#ifndef TLS_KIT_H
#define TLS_KIT_H

/*
 * For tests of TLS: certificates made here and now, in files of a temp folder,
 * and a client of OpenSSL on one end of a socketpair. Nothing blocks.
 */

#include <openssl/ssl.h>

#include <stdbool.h>

struct tls_kit {
	char folder[64];
	char cert[96];
	char key[96];
};

/* Valid from so many seconds from now until so many. */
void tls_kit_open(struct tls_kit *kit, long from_s, long until_s);
void tls_kit_close(struct tls_kit *kit);
/* The same key behind a passphrase. */
void tls_kit_encrypt_key(const struct tls_kit *kit);
/* Another file of the folder, for its path. */
const char *tls_kit_file(
    struct tls_kit *kit, const char *name, const char *content);
/* Appends what `from` holds. */
void tls_kit_append(const char *file, const char *from);

struct tls_peer {
	SSL_CTX *context;
	SSL *tls;
	int fd;
};

/* A socketpair: the peer has one end, the other is returned. Without TLS if
 * `is_plain`. The peer trusts anybody. */
int tls_peer_open(struct tls_peer *peer, bool is_plain);
void tls_peer_close(struct tls_peer *peer);
/* As far as the handshake gets by what is there; true when it is done. */
bool tls_peer_shakes(struct tls_peer *peer);

#endif
