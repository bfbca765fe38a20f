/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_H
#define TOKEN_H

/*
 * Checks a JSON Web Token in compact form, and makes none: shape, header, key,
 * signature, claims, in this order, and stops at the first that is wrong. Pure:
 * the time is a parameter. RFC 7515, 7519, 8725.
 */

#include "key_set.h"

#define TOKEN_MAX        4096 /* bytes */
#define TOKEN_CLAIM_MAX  256  /* bytes, of tenant and user */
#define TOKEN_EXPIRY_MAX UINT64_C(999999999999999) /* seconds */

enum token_verdict {
#define VERDICT(name, counter, text) TOKEN_##name,
#include "token_verdicts.def"
#undef VERDICT
	TOKEN_VERDICTS
};

/* All borrowed. */
struct token_policy {
	/* Empty: not asked for. {tenant} in it stands for the tenant. */
	struct view issuer;
	struct view audience; /* empty: not asked for */
	struct view tenant_claim;
	struct view user_claim; /* empty: oid, else sub */
	uint64_t leeway_s;
};

/* Who the bearer is, until when, and who says so. */
struct token_bearer {
	size_t tenant_len, user_len; /* 1 to TOKEN_CLAIM_MAX */
	char tenant[TOKEN_CLAIM_MAX], user[TOKEN_CLAIM_MAX];
	uint64_t expires_s; /* exp, without the leeway; unix seconds */
	uint8_t key_id[TOKEN_KEY_ID];
};

/* TOKEN_ACCEPTED, and *bearer_r is filled; else what was wrong with it. */
enum token_verdict token_verify(const struct key_set *keys,
    const struct token_policy *policy, struct view token, uint64_t now_s,
    struct token_bearer *bearer_r);

/* Is that time over by now, tolerance included? */
static inline bool
token_is_over(uint64_t expires_s, uint64_t leeway_s, uint64_t now_s)
{
	return now_s >= expires_s + leeway_s;
}

/* May a text name a tenant or a user? Neither empty nor too long, no control
 * characters. */
bool token_name_is_usable(struct view name);

#endif
