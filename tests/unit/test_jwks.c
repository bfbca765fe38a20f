/* SPDX-License-Identifier: MIT */
#include "token_helper.h"

/* A point of P-256 and a key of Ed25519 (RFC 7515 A.3, RFC 8037 A.1). */
#define EC_POINT                                                 \
	"\"crv\":\"P-256\","                                     \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\"," \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\""
#define EC "\"kty\":\"EC\"," EC_POINT
#define ED                                     \
	"\"kty\":\"OKP\",\"crv\":\"Ed25519\"," \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\""

static int
read_into(struct key_set *set, const char *keys, struct error *err)
{
	struct buf text;
	buf_init(&text, 0);
	buf_addf(&text, "{\"keys\":[%s]}", keys);
	int status = jwks_read(set, buf_view(&text), PUBLIC_ALGORITHMS, err);
	buf_fini(&text);
	return status;
}

static void
what_is_of_no_use_is_passed_over(void **state)
{
	(void)state;
	static const char *const others[] = {
		"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"o\"}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"kid\":\"o\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"AA\"}",
		"{\"kty\":\"new\"}",
		"{}",
		"7",
		"{" EC ",\"use\":\"enc\"}",
		"{" EC ",\"use\":7}",
		"{" EC ",\"key_ops\":[\"sign\"]}",
		"{" EC ",\"key_ops\":\"verify\"}",
		"{" EC ",\"alg\":\"ES384\"}",
		"{" EC ",\"alg\":\"RS256\"}",
		"{" EC ",\"alg\":\"HS256\"}",
		"{" EC ",\"alg\":null}",
		"{" EC ",\"kid\":7}",
		"{" ED ",\"alg\":\"ES256\"}",
		"{\"kty\":\"OKP\"," EC_POINT ",\"alg\":\"ES256\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\"," /* x of 33 bytes */
		"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEUA\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\","
		"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\","
		"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU=\","
		"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct error err;
		char keys[1024];
		struct key_set *set = key_set_new();
		assert_int_equal(read_into(set, others[i], &err), -1);
		assert_non_null(strstr(err.message, "no key"));
		assert_int_equal(key_set_count(set), 0);
		snprintf(keys, sizeof(keys), "%s,{" ED "}", others[i]);
		assert_int_equal(read_into(set, keys, &err), 0);
		assert_int_equal(key_set_count(set), 1);
		key_set_release(&set);
	}
}

static void
a_set_that_is_wrong_as_a_whole_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *text, *problem;
	} rows[] = {
		{ "", "not JSON" },
		{ "<html>", "not JSON" },
		{ "{\"keys\":[{" ED "}]}x", "not JSON" },
		{ "{\"keys\":[{" ED "}],\"keys\":[]}", "duplicate" },
		{ "[]", "no key set" },
		{ "{\"keys\":{}}", "no key set" },
		{ "{\"keys\":[]}", "no key" },
		{ "{\"keys\":[{" ED ",\"d\":\"AA\"}]}", "private" },
		{ "{\"keys\":[{" ED ",\"kid\":\"a\"},{" EC ",\"kid\":\"a\"}]}",
		    "two keys" },
		{ "{\"keys\":[{" ED "},{" ED "}]}", "two keys" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct error err;
		struct key_set *set = key_set_new();
		assert_int_equal(jwks_read(set, view_of(rows[i].text),
				     PUBLIC_ALGORITHMS, &err),
		    -1);
		if (!strstr(err.message, rows[i].problem))
			fail_msg("%s: %s", rows[i].text, err.message);
		assert_int_equal(key_set_count(set), 0);
		key_set_release(&set);
	}
}

static void
the_number_of_keys_is_bounded(void **state)
{
	(void)state;
	for (int count = JWKS_KEYS_MAX; count <= JWKS_KEYS_MAX + 1; count++) {
		struct buf keys;
		struct error err;
		struct key_set *set = key_set_new();
		buf_init(&keys, 0);
		for (int i = 0; i < count; i++)
			buf_addf(&keys, "%s{" ED ",\"kid\":\"%d\"}",
			    i ? "," : "", i);
		buf_add_char(&keys, '\0');
		assert_int_equal(read_into(set, keys.data, &err),
		    count > JWKS_KEYS_MAX ? -1 : 0);
		buf_fini(&keys);
		key_set_release(&set);
	}
}

static void
the_length_is_bounded(void **state)
{
	(void)state;
	for (size_t size = JWKS_MAX; size <= JWKS_MAX + 1; size++) {
		struct buf text;
		struct error err;
		struct key_set *set = key_set_new();
		buf_init(&text, 0);
		buf_add_text(&text, "{\"keys\":[{" ED "}]}");
		while (text.len < size)
			buf_add_char(&text, ' ');
		assert_int_equal(
		    jwks_read(set, buf_view(&text), PUBLIC_ALGORITHMS, &err),
		    size > JWKS_MAX ? -1 : 0);
		buf_fini(&text);
		key_set_release(&set);
	}
}

/* Reads one RSA key of a modulus that is `count` times 63 between `first` and
 * `last`, in base64url. */
static bool
takes_rsa(const char *first, size_t count, const char *last, const char *e)
{
	struct buf key;
	struct error err;
	struct key_set *set = key_set_new();
	buf_init(&key, 0);
	buf_addf(&key, "{\"kty\":\"RSA\",\"e\":\"%s\",\"n\":\"%s", e, first);
	for (size_t i = 0; i < count; i++)
		buf_add_char(&key, '_');
	buf_addf(&key, "%s\"}", last);
	buf_add_char(&key, '\0');
	bool is_taken = read_into(set, key.data, &err) == 0;
	buf_fini(&key);
	key_set_release(&set);
	return is_taken;
}

/* With an exponent of 1 every message is its own signature. */
static void
an_rsa_key_has_a_good_length_and_exponent(void **state)
{
	(void)state;
	assert_true(takes_rsa("_", 340, "w", "AQAB"));    /* 2048 bits */
	assert_false(takes_rsa("f", 340, "w", "AQAB"));   /* 2047 */
	assert_true(takes_rsa("_", 1364, "w", "AQAB"));   /* 8192 */
	assert_false(takes_rsa("AQ", 1364, "8", "AQAB")); /* 8200 */
	assert_true(takes_rsa("_", 340, "w", "Aw"));      /* an exponent of 3 */
	assert_false(takes_rsa("_", 340, "w", "AQ"));     /* of 1 */
	assert_false(takes_rsa("_", 340, "w", "Ag"));     /* of 2 */
	assert_true(takes_rsa("_", 340, "w", "__________8"));   /* 8 bytes */
	assert_false(takes_rsa("_", 340, "w", "____________")); /* 9 */
}

static void
the_length_of_a_key_id_is_bounded(void **state)
{
	(void)state;
	for (int length = 256; length <= 257; length++) {
		char key[512];
		struct error err;
		struct key_set *set = key_set_new();
		snprintf(
		    key, sizeof(key), "{" ED ",\"kid\":\"%0*d\"}", length, 0);
		assert_int_equal(
		    read_into(set, key, &err), length > 256 ? -1 : 0);
		key_set_release(&set);
	}
}

static enum token_algorithm
algorithm_of(const char *file, const char *kid, unsigned algorithms)
{
	struct buf text, bare;
	struct error err;
	struct key_set *set = key_set_new();
	read_tokens_file(file, &text);
	buf_init(&bare, 0);
	/* Without any `alg`: as some providers publish their keys. */
	for (size_t i = 0; i < text.len; i++) {
		bool is_alg = text.len - i > 5 &&
		    memcmp(text.data + i, "\"alg\"", 5) == 0;
		buf_add_text(&bare, is_alg ? "\"no_" : "");
		i += is_alg;
		buf_add_char(&bare, text.data[i]);
	}
	assert_int_equal(jwks_read(set, buf_view(&bare), algorithms, &err), 0);
	enum token_algorithm found = TOKEN_ALGORITHMS;
	for (size_t i = 0; i < TOKEN_ALGORITHMS; i++) {
		const struct token_key *key = key_set_find(
		    set, (enum token_algorithm)i, true, view_of(kid));
		if (key)
			found = token_key_algorithm(key);
	}
	buf_fini(&bare);
	buf_fini(&text);
	key_set_release(&set);
	return found;
}

static void
a_key_without_an_algorithm_is_pinned_to_one(void **state)
{
	(void)state;
	assert_int_equal(
	    algorithm_of("jwks.json", "RS256", PUBLIC_ALGORITHMS), TOKEN_RS256);
	assert_int_equal(
	    algorithm_of("jwks.json", "PS256", PUBLIC_ALGORITHMS), TOKEN_RS256);
	assert_int_equal(
	    algorithm_of("jwks.json", "RS256", 1u << TOKEN_PS256), TOKEN_PS256);
	assert_int_equal(
	    algorithm_of("jwks.json", "ES256", PUBLIC_ALGORITHMS), TOKEN_ES256);
	assert_int_equal(
	    algorithm_of("jwks.json", "EdDSA", PUBLIC_ALGORITHMS), TOKEN_EDDSA);
}

static void
a_secret_has_32_bytes_or_more(void **state)
{
	(void)state;
	char secret[33];
	const char *why;
	memset(secret, 's', sizeof(secret));
	for (size_t size = 31; size <= 33; size++) {
		const struct token_key_parts parts = {
			.algorithm = TOKEN_HS256,
			.first = view_make(secret, size),
		};
		struct token_key *key = token_key_new(&parts, &why);
		assert_int_equal(key != NULL, size >= 32);
		token_key_release(&key);
	}
}

static void
equal_sets_are_known_as_equal(void **state)
{
	(void)state;
	struct error err;
	struct key_set *one = tokens_keys();
	struct key_set *other = tokens_keys();
	assert_true(key_set_is_equal(one, other));
	assert_int_equal(read_into(other, "{" ED ",\"kid\":\"new\"}", &err), 0);
	assert_false(key_set_is_equal(one, other));
	key_set_release(&other);
	other = key_set_copy(one);
	assert_true(key_set_is_equal(one, other));
	key_set_mark_incomplete(other);
	assert_false(key_set_is_equal(one, other));
	key_set_release(&other);
	key_set_release(&one);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_of_no_use_is_passed_over),
		cmocka_unit_test(a_set_that_is_wrong_as_a_whole_is_refused),
		cmocka_unit_test(the_number_of_keys_is_bounded),
		cmocka_unit_test(the_length_is_bounded),
		cmocka_unit_test(an_rsa_key_has_a_good_length_and_exponent),
		cmocka_unit_test(the_length_of_a_key_id_is_bounded),
		cmocka_unit_test(a_key_without_an_algorithm_is_pinned_to_one),
		cmocka_unit_test(a_secret_has_32_bytes_or_more),
		cmocka_unit_test(equal_sets_are_known_as_equal),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
