/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_KEY_H
#define TOKEN_KEY_H

/*
 * One key that tokens are checked with. Its algorithm is part of it: whatever a
 * token's header says, the key is used for this one alone. Immutable, counted
 * by its holders, used by any thread. RFC 7515, 7518, 8037 on OpenSSL's EVP.
 */

#include "view.h"

#include <stdint.h>

enum token_algorithm {
#define ALGORITHM(name, text) TOKEN_##name,
#include "token_algorithms.def"
#undef ALGORITHM
	TOKEN_ALGORITHMS
};

const char *token_algorithm_name(enum token_algorithm algorithm);
/* By its exact name; false: there is no such one here. */
bool token_algorithm_find(struct view name, enum token_algorithm *algorithm_r);

#define TOKEN_SECRET_MIN    32   /* bytes, of HS256 */
#define TOKEN_SIGNATURE_MAX 1024 /* bytes: RSA of 8192 bits */
#define TOKEN_KEY_ID        32   /* bytes */

struct token_key;

#define TOKEN_RSA_BITS_MIN 2048

/* What a key is made of, in big-endian bytes: HS256 the secret in `first`; RSA
 * modulus and exponent; ES256 x and y; EdDSA x (Ed25519). */
struct token_key_parts {
	enum token_algorithm algorithm;
	bool has_kid;
	struct view kid;
	struct view first, second;
};

/* NULL and *why_r (static text): too short a secret, RSA under 2048 or over
 * 8192 bits, a point that is not on the curve. */
struct token_key *token_key_new(
    const struct token_key_parts *parts, const char **why_r);
struct token_key *token_key_hold(struct token_key *key);
/* Secrets are overwritten when the last holder lets go. */
void token_key_release(struct token_key **key);

enum token_algorithm token_key_algorithm(const struct token_key *key);
/* Is it the key of this name? One without a name has none. */
bool token_key_is_named(const struct token_key *key, struct view kid);
bool token_key_has_kid(const struct token_key *key);
struct view token_key_kid(const struct token_key *key);
/* The same for the same algorithm, name and material, on every node; tells
 * nothing of a secret. TOKEN_KEY_ID bytes, good as long as the key. */
const uint8_t *token_key_id(const struct token_key *key);

/* The only length in bytes that a signature by it has. */
size_t token_key_signature_size(const struct token_key *key);
/* `signature` holds that many bytes. */
bool token_key_verify(
    const struct token_key *key, struct view text, const uint8_t *signature);

#endif
