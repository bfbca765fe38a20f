/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_CLAIMS_H
#define TOKEN_CLAIMS_H

/* What a token claims, once its signature is known to be good; for token.c
 * alone. RFC 7519 section 4. */

#include "token.h"

#include "json.h"

#define TOKEN_CLAIMS_DEPTH 32

/* The root of the tape is an object. Fills all of the bearer but the key. */
enum token_verdict token_claims_check(const struct json_doc *doc,
    struct buf *scratch, const struct token_policy *policy, uint64_t now_s,
    struct token_bearer *bearer);

#endif
