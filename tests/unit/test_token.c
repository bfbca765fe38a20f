/* SPDX-License-Identifier: MIT */
#include "base64url.h"
#include "token_helper.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include <stdio.h>

static const char *const verdicts[] = {
#define VERDICT(name, counter, text) #name,
#include "token_verdicts.def"
#undef VERDICT
};

/* --- tests/data/tokens: made by two libraries, and forged --- */

struct row {
	struct view name, verdict, token;
};

static bool
next_row(struct view *rest, struct row *row_r)
{
	struct view *cells[] = { &row_r->name, &row_r->verdict, &row_r->token };
	for (size_t i = 0; i < 3; i++) {
		const char *end = rest->len
		    ? memchr(rest->data, i < 2 ? '\t' : '\n', rest->len)
		    : NULL;
		if (!end)
			return false;
		size_t length = (size_t)(end - rest->data);
		*cells[i] = view_make(rest->data, length);
		*rest = view_make(end + 1, rest->len - length - 1);
	}
	return true;
}

static enum token_verdict
verify(const struct key_set *keys, struct view token)
{
	struct token_bearer bearer;
	const struct token_policy policy = tokens_policy();
	return token_verify(keys, &policy, token, TOKENS_NOW, &bearer);
}

static void
each_token_of_the_table_gets_its_verdict(void **state)
{
	(void)state;
	struct buf text;
	struct row row;
	size_t good = 0, forged = 0, wrong = 0;
	struct key_set *keys = tokens_keys();
	read_tokens_file("tokens.tsv", &text);
	struct view rest = buf_view(&text);
	while (next_row(&rest, &row)) {
		const char *verdict = verdicts[verify(keys, row.token)];
		bool is_good = view_is(row.verdict, "ACCEPTED");
		good += is_good;
		forged += !is_good;
		if (view_is(row.verdict, verdict))
			continue;
		wrong++;
		print_error("%.*s: %s, not %.*s\n", (int)row.name.len,
		    row.name.data, verdict, (int)row.verdict.len,
		    row.verdict.data);
	}
	print_message("%zu good, %zu forged\n", good, forged);
	assert_int_equal(wrong, 0);
	assert_true(good >= 14 && forged >= 30);
	buf_fini(&text);
	key_set_release(&keys);
}

static struct view
token_named(const struct buf *text, const char *name)
{
	struct row row;
	struct view rest = buf_view(text);
	while (next_row(&rest, &row))
		if (view_is(row.name, name))
			return row.token;
	fail_msg("no token %s", name);
	return rest;
}

static void
any_changed_byte_of_a_good_token_is_refused(void **state)
{
	(void)state;
	struct buf text, copy;
	struct key_set *keys = tokens_keys();
	read_tokens_file("tokens.tsv", &text);
	buf_init(&copy, 0);
	buf_add(&copy, token_named(&text, "PyJWT ES256"));
	assert_int_equal(verify(keys, buf_view(&copy)), TOKEN_ACCEPTED);
	for (size_t i = 0; i < copy.len; i++) {
		char before = copy.data[i];
		copy.data[i] = before == 'A' ? 'B' : 'A';
		assert_int_not_equal(
		    verify(keys, buf_view(&copy)), TOKEN_ACCEPTED);
		copy.data[i] = before;
		assert_int_not_equal(
		    verify(keys, view_make(copy.data, i)), TOKEN_ACCEPTED);
	}
	buf_fini(&copy);
	buf_fini(&text);
	key_set_release(&keys);
}

static void
tells_who_the_bearer_is(void **state)
{
	(void)state;
	struct buf text;
	struct token_bearer bearer;
	struct key_set *keys = tokens_keys();
	const struct token_policy policy = tokens_policy();
	read_tokens_file("tokens.tsv", &text);
	assert_int_equal(
	    token_verify(keys, &policy, token_named(&text, "jwcrypto EdDSA"),
		TOKENS_NOW, &bearer),
	    TOKEN_ACCEPTED);
	assert_true(
	    view_is(view_make(bearer.tenant, bearer.tenant_len), "acme"));
	assert_true(view_is(view_make(bearer.user, bearer.user_len), "ada"));
	assert_int_equal(bearer.expires_s, TOKENS_NOW + 600);
	assert_true(key_set_trusts(keys, bearer.key_id));
	bearer.key_id[0] ^= 1;
	assert_false(key_set_trusts(keys, bearer.key_id));
	buf_fini(&text);
	key_set_release(&keys);
}

static void
a_missing_key_means_nothing_while_the_set_is_incomplete(void **state)
{
	(void)state;
	struct buf text;
	const uint8_t id[TOKEN_KEY_ID] = { 0 };
	struct key_set *keys = key_set_new();
	key_set_mark_incomplete(keys);
	read_tokens_file("tokens.tsv", &text);
	assert_int_equal(
	    verify(keys, token_named(&text, "PyJWT RS256")), TOKEN_UNAVAILABLE);
	assert_int_equal(
	    verify(keys, token_named(&text, "alg none")), TOKEN_ALGORITHM);
	assert_true(key_set_trusts(keys, id));
	buf_fini(&text);
	key_set_release(&keys);
}

/* --- tokens made here, for the options --- */

/* HS256 over the claims, with the secret of tests/data/tokens. */
static enum token_verdict
verify_claims(const struct token_policy *policy, const char *claims,
    uint64_t now_s, struct token_bearer *bearer)
{
	static const char header[] = "eyJhbGciOiJIUzI1NiJ9."; /* alg HS256 */
	char body[1024], signature[64];
	struct buf secret, token;
	struct token_key_parts parts = { .algorithm = TOKEN_HS256 };
	read_tokens_file("secret", &secret);
	parts.first = auth_file_line(buf_view(&secret));
	struct key_set *keys = key_set_new();
	add_secret_key(keys, parts.first);
	buf_init(&token, 0);
	base64url_encode(view_of(claims), body);
	buf_add_text(&token, header);
	buf_add(&token, view_make(body, BASE64URL_SIZE(strlen(claims))));
	unsigned char mac[32];
	HMAC(EVP_sha256(), parts.first.data, (int)parts.first.len,
	    (const unsigned char *)token.data, token.len, mac, NULL);
	base64url_encode(view_make(mac, sizeof(mac)), signature);
	buf_add_char(&token, '.');
	buf_add(&token, view_make(signature, BASE64URL_SIZE(sizeof(mac))));
	enum token_verdict verdict =
	    token_verify(keys, policy, buf_view(&token), now_s, bearer);
	buf_fini(&token);
	buf_fini(&secret);
	key_set_release(&keys);
	return verdict;
}

static void
time_is_judged_to_the_second(void **state)
{
	(void)state;
	static const struct {
		uint64_t leeway_s, now_s;
		enum token_verdict verdict;
	} rows[] = {
		{ 0, 999, TOKEN_EARLY },
		{ 0, 1000, TOKEN_ACCEPTED },
		{ 0, 1999, TOKEN_ACCEPTED },
		{ 0, 2000, TOKEN_EXPIRED },
		{ 60, 939, TOKEN_EARLY },
		{ 60, 940, TOKEN_ACCEPTED },
		{ 60, 2059, TOKEN_ACCEPTED },
		{ 60, 2060, TOKEN_EXPIRED },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct token_bearer bearer;
		const struct token_policy policy = {
			.tenant_claim = view_of("tid"),
			.leeway_s = rows[i].leeway_s,
		};
		assert_int_equal(verify_claims(&policy,
				     "{\"exp\":2000,\"nbf\":1000,\"tid\":\"t\","
				     "\"sub\":\"u\"}",
				     rows[i].now_s, &bearer),
		    rows[i].verdict);
	}
}

/* 1.001e3 is no 1: a time that is not understood is refused. */
static void
a_time_is_a_number_of_digits_and_perhaps_a_fraction(void **state)
{
	(void)state;
	static const struct {
		const char *exp, *nbf;
		enum token_verdict verdict;
	} rows[] = {
		{ "2000", "1000", TOKEN_ACCEPTED },
		{ "2000.999", "999.999", TOKEN_ACCEPTED },
		{ "2000", "1.001e3", TOKEN_CLAIMS },
		{ "2000", "1001e0", TOKEN_CLAIMS },
		{ "2000.5e0", "1", TOKEN_CLAIMS },
		{ "2000", "-1", TOKEN_CLAIMS },
		{ "\"2000\"", "1", TOKEN_CLAIMS },
		{ "2000", "null", TOKEN_CLAIMS },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char claims[128];
		struct token_bearer bearer;
		const struct token_policy policy = {
			.tenant_claim = view_of("tid"),
		};
		snprintf(claims, sizeof(claims),
		    "{\"exp\":%s,\"nbf\":%s,\"tid\":\"t\",\"sub\":\"u\"}",
		    rows[i].exp, rows[i].nbf);
		assert_int_equal(verify_claims(&policy, claims, 1000, &bearer),
		    rows[i].verdict);
	}
}

/* RSA-PSS over the text, with a salt of this many bytes. */
static void
sign_with_salt(EVP_PKEY *key, struct view text, int salt, uint8_t *signature)
{
	EVP_PKEY_CTX *options = NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t size = TOKEN_SIGNATURE_MAX;
	assert_int_equal(
	    EVP_DigestSignInit(context, &options, EVP_sha256(), NULL, key), 1);
	EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt);
	assert_int_equal(EVP_DigestSign(context, signature, &size,
			     (const unsigned char *)text.data, text.len),
	    1);
	EVP_MD_CTX_free(context);
}

/* RFC 7518 section 3.5: the salt is as long as the hash. */
static void
the_salt_of_ps256_has_32_bytes(void **state)
{
	(void)state;
	static const int salts[] = { 0, 20, 31, 32, 33 };
	BIGNUM *number = NULL;
	const char *why;
	char modulus[256];
	struct token_key_parts parts = { .algorithm = TOKEN_PS256,
		.first = view_make(modulus, sizeof(modulus)),
		.second = view_make("\x01\x00\x01", 3) };
	EVP_PKEY *pair = EVP_RSA_gen(2048);
	EVP_PKEY_get_bn_param(pair, "n", &number);
	assert_int_equal(
	    BN_bn2bin(number, (unsigned char *)modulus), sizeof(modulus));
	struct token_key *key = token_key_new(&parts, &why);
	assert_non_null(key);
	for (size_t i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
		uint8_t signature[TOKEN_SIGNATURE_MAX];
		struct view text = view_of("head.claims");
		sign_with_salt(pair, text, salts[i], signature);
		assert_int_equal(
		    token_key_verify(key, text, signature), salts[i] == 32);
	}
	token_key_release(&key);
	BN_free(number);
	EVP_PKEY_free(pair);
}

static void
claims_are_those_of_the_options(void **state)
{
	(void)state;
	static const struct {
		const char *issuer, *tenant_claim, *user_claim, *claims;
		enum token_verdict verdict;
	} rows[] = {
		{ "", "tid", "", "{\"tid\":\"t\",\"sub\":\"u\"",
		    TOKEN_ACCEPTED },
		{ "", "org", "email", "{\"org\":\"t\",\"email\":\"u\"",
		    TOKEN_ACCEPTED },
		{ "", "org", "email", "{\"tid\":\"t\",\"email\":\"u\"",
		    TOKEN_IDENTITY },
		{ "", "tid", "email", "{\"tid\":\"t\",\"sub\":\"u\"",
		    TOKEN_IDENTITY },
		{ "https://i/{tenant}/v2", "tid", "",
		    "{\"tid\":\"t\",\"sub\":\"u\",\"iss\":\"https://i/t/v2\"",
		    TOKEN_ACCEPTED },
		{ "https://i/{tenant}/v2", "tid", "",
		    "{\"tid\":\"t\",\"sub\":\"u\",\"iss\":\"https://i/o/v2\"",
		    TOKEN_ISSUER },
		{ "https://i/{tenant}/v2", "tid", "",
		    "{\"tid\":\"t\",\"sub\":\"u\",\"iss\":\"https://i/t/v2/\"",
		    TOKEN_ISSUER },
		{ "https://i/{tenant}/v2", "tid", "",
		    "{\"tid\":\"t\",\"sub\":\"u\",\"iss\":\"\"", TOKEN_ISSUER },
		{ "i", "tid", "", "{\"tid\":\"t\",\"sub\":\"u\"",
		    TOKEN_ISSUER },
		{ "7", "tid", "", "{\"tid\":\"t\",\"sub\":\"u\",\"iss\":171",
		    TOKEN_ISSUER },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char claims[256];
		struct token_bearer bearer;
		const struct token_policy policy = {
			.issuer = view_of(rows[i].issuer),
			.tenant_claim = view_of(rows[i].tenant_claim),
			.user_claim = view_of(rows[i].user_claim),
		};
		snprintf(
		    claims, sizeof(claims), "%s,\"exp\":2000}", rows[i].claims);
		assert_int_equal(verify_claims(&policy, claims, 1000, &bearer),
		    rows[i].verdict);
	}
}

static void
names_have_their_bounds(void **state)
{
	(void)state;
	char text[TOKEN_CLAIM_MAX + 2];
	memset(text, 'a', sizeof(text));
	assert_true(token_name_is_usable(view_make(text, TOKEN_CLAIM_MAX)));
	assert_false(
	    token_name_is_usable(view_make(text, TOKEN_CLAIM_MAX + 1)));
	assert_false(token_name_is_usable(view_make(text, 0)));
	assert_true(token_name_is_usable(view_of("a/b:{c} \xc3\xa9")));
	assert_false(token_name_is_usable(view_of("a\tb")));
}

/* --- base64url --- */

static void
base64url_has_one_text_for_each_sequence_of_bytes(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		long length;
	} rows[] = {
		{ "", 0 }, { "AA", 1 }, { "AAA", 2 }, { "AAAA", 3 },
		{ "-_-_", 3 }, { "A", -1 }, { "AAAAA", -1 }, { "AB", -1 },
		{ "AAB", -1 }, { "AA==", -1 }, { "A=", -1 }, { "+/+/", -1 },
		{ "AA\n", -1 }, { " AAA", -1 }, { "AA.A", -1 },
		{ "AAAAAAA", -1 }, /* more than there is room for */
	};
	unsigned char bytes[4];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(
		    base64url_decode(view_of(rows[i].text), bytes, 4),
		    rows[i].length);
}

static void
base64url_comes_back_as_it_went(void **state)
{
	(void)state;
	unsigned char bytes[64], back[64];
	char text[BASE64URL_SIZE(64)];
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		for (size_t i = 0; i < size; i++)
			bytes[i] = (unsigned char)(i * 37 + size * 11);
		base64url_encode(view_make(bytes, size), text);
		assert_int_equal(
		    base64url_decode(view_make(text, BASE64URL_SIZE(size)),
			back, sizeof(back)),
		    size);
		assert_memory_equal(back, bytes, size);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_token_of_the_table_gets_its_verdict),
		cmocka_unit_test(any_changed_byte_of_a_good_token_is_refused),
		cmocka_unit_test(tells_who_the_bearer_is),
		cmocka_unit_test(
		    a_missing_key_means_nothing_while_the_set_is_incomplete),
		cmocka_unit_test(time_is_judged_to_the_second),
		cmocka_unit_test(
		    a_time_is_a_number_of_digits_and_perhaps_a_fraction),
		cmocka_unit_test(the_salt_of_ps256_has_32_bytes),
		cmocka_unit_test(claims_are_those_of_the_options),
		cmocka_unit_test(names_have_their_bounds),
		cmocka_unit_test(
		    base64url_has_one_text_for_each_sequence_of_bytes),
		cmocka_unit_test(base64url_comes_back_as_it_went),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
