/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_SIGN_H
#define TOKEN_SIGN_H

/* Makes tokens, for development and tests: the relay itself only checks them.
 * A private key (PEM) or a secret, and the algorithm that goes with it. */

#include "buf.h"
#include "error.h"
#include "token_key.h"

struct token_signer;

/* With a secret: HS256. */
struct token_signer *token_signer_secret(struct view secret);
/* From a PEM file: RS256 (PS256 if `algorithm` says so), ES256, EdDSA. NULL and
 * err: unreadable, another type of key, or not one for `algorithm` ("" = what
 * fits). */
struct token_signer *token_signer_pem(
    const char *path, const char *algorithm, struct error *err);
void token_signer_free(struct token_signer **signer);

enum token_algorithm token_signer_algorithm(const struct token_signer *signer);
/* Appends header.claims.signature; both are JSON texts. -1: OpenSSL would
 * not. */
int token_sign(const struct token_signer *signer, struct view header,
    struct view claims, struct buf *out);
/* Appends the public key as a JWK. -1: a secret has none. */
int token_signer_jwk(
    const struct token_signer *signer, const char *kid, struct buf *out);

#endif
