/* SPDX-License-Identifier: MIT */
#ifndef TOKEN_HELPER_H
#define TOKEN_HELPER_H

/* The keys and tokens of tests/data/tokens, for tests of what takes them. */

#include "auth_file.h"
#include "jwks.h"
#include "token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
// clang-format off
#include <cmocka.h>
// clang-format on

#define TOKENS_NOW        UINT64_C(1700000000)
#define TOKENS_DIR        RELAY_SOURCE_DIR "/tests/data/tokens/"
#define ALL_ALGORITHMS    ((1u << TOKEN_ALGORITHMS) - 1)
#define PUBLIC_ALGORITHMS (ALL_ALGORITHMS & ~(1u << TOKEN_HS256))

static inline void
read_tokens_file(const char *name, struct buf *text)
{
	char path[512];
	bool is_open;
	struct error err;
	buf_init(text, 0);
	snprintf(path, sizeof(path), TOKENS_DIR "%s", name);
	assert_int_equal(
	    auth_file_read(path, 1 << 20, text, &is_open, &err), 0);
}

static inline void
add_secret_key(struct key_set *set, struct view secret)
{
	const char *why;
	const struct token_key_parts parts = { .algorithm = TOKEN_HS256,
		.first = secret };
	struct token_key *key = token_key_new(&parts, &why);
	assert_non_null(key);
	assert_true(key_set_add(set, &key));
}

/* The key set and the secret that the tokens are made with. */
static inline struct key_set *
tokens_keys(void)
{
	struct buf text;
	struct error err;
	struct key_set *set = key_set_new();
	read_tokens_file("secret", &text);
	add_secret_key(set, auth_file_line(buf_view(&text)));
	buf_fini(&text);
	read_tokens_file("jwks.json", &text);
	assert_int_equal(
	    jwks_read(set, buf_view(&text), PUBLIC_ALGORITHMS, &err), 0);
	buf_fini(&text);
	return set;
}

static inline struct token_policy
tokens_policy(void)
{
	return (struct token_policy){
		.issuer = view_of("https://issuer.example"),
		.audience = view_of("relay"),
		.tenant_claim = view_of("tid"),
		.leeway_s = 60,
	};
}

#endif
