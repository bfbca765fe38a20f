/* SPDX-License-Identifier: MIT */
#ifndef TLS_IDENTITY_H
#define TLS_IDENTITY_H

/*
 * Who the relay is to clients that come by TLS: certificate chain and private
 * key, read from files, checked against each other and bound to what is spoken
 * (TLS 1.2 and 1.3, HTTP/1.1). Immutable; part of the settings, so that a
 * reload replaces it as a whole. Connections that began under an older one go
 * on with it. No sockets here.
 */

#include "error.h"

#include <stdint.h>

struct ssl_ctx_st; /* SSL_CTX of OpenSSL */
struct tls_identity;

/* PEM files: the server's certificate first, then those that issued it. NULL:
 * err->where is the file, and what is wrong with it. The key never gets into a
 * message. */
struct tls_identity *tls_identity_load(
    const char *cert_file, const char *key_file, struct error *err);
void tls_identity_free(struct tls_identity **identity);

/* Good as long as the identity; connections made from it hold their own. */
struct ssl_ctx_st *tls_identity_context(const struct tls_identity *identity);

/* What an operator should know though it is no reason not to serve: the
 * certificate is not valid at this time, or the chain does not fit together.
 * "" when all is well. Good as long as the identity. */
const char *tls_identity_warning(
    struct tls_identity *identity, uint64_t now_unix_ms);

#endif
