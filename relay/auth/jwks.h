/* SPDX-License-Identifier: MIT */
#ifndef JWKS_H
#define JWKS_H

/*
 * Reads a JSON Web Key Set (RFC 7517) by the strict scanner. What is of no use
 * here is passed over, because providers publish more than we need: other key
 * types and curves, keys for encryption, `oct` keys (a secret has no place in a
 * set that is published), RSA under 2048 bits.
 */

#include "error.h"
#include "key_set.h"

#define JWKS_MAX      65536 /* bytes */
#define JWKS_KEYS_MAX 32

/* Adds its keys to the set. `algorithms`: a bit (1 << enum token_algorithm) for
 * each that may be used. A key's own `alg` pins its algorithm; an RSA key
 * without one is for RS256, or for PS256 where only that may be used. -1 and
 * err, the set as it was: too large, no JSON, no `keys`, too many, a name
 * twice, private keys, none that can be used. */
int jwks_read(struct key_set *set, struct view text, unsigned algorithms,
    struct error *err);

#endif
