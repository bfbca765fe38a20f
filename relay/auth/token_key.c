/* SPDX-License-Identifier: MIT */
#include "token_key.h"

#include "buf.h"
#include "xmalloc.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#define RSA_BITS_MAX 8192
#define POINT_BYTES  32 /* of P-256 and Ed25519 */

struct token_key {
	_Atomic unsigned holders;
	enum token_algorithm algorithm;
	uint8_t id[TOKEN_KEY_ID];
	EVP_PKEY *public_key; /* NULL: HS256 */
	uint8_t *secret;
	size_t secret_len;
	bool has_kid;
	size_t kid_len;
	char kid[];
};

static const char *const names[] = {
#define ALGORITHM(name, text) text,
#include "token_algorithms.def"
#undef ALGORITHM
};

const char *
token_algorithm_name(enum token_algorithm algorithm)
{
	return names[algorithm];
}

bool
token_algorithm_find(struct view name, enum token_algorithm *algorithm_r)
{
	for (size_t i = 0; i < TOKEN_ALGORITHMS; i++) {
		if (!view_is(name, names[i]))
			continue;
		*algorithm_r = (enum token_algorithm)i;
		return true;
	}
	return false;
}

/* --- making --- */

/* A public key from what was built, checked as a whole. */
static EVP_PKEY *
from_params(const char *type, OSSL_PARAM_BLD *builder)
{
	EVP_PKEY *key = NULL;
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	if (context && params && EVP_PKEY_fromdata_init(context) == 1)
		EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	return key;
}

static bool
is_sound(EVP_PKEY *key)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool is_sound = context && EVP_PKEY_public_check(context) == 1;
	EVP_PKEY_CTX_free(context);
	return is_sound;
}

static BIGNUM *
number_of(struct view bytes)
{
	return BN_bin2bn(
	    (const unsigned char *)bytes.data, (int)bytes.len, NULL);
}

static EVP_PKEY *
make_rsa(const struct token_key_parts *parts, const char **why_r)
{
	EVP_PKEY *key = NULL;
	*why_r = "the modulus is not of 2048 to 8192 bits";
	if (parts->first.len > RSA_BITS_MAX / 8 || parts->second.len > 8)
		return NULL;
	BIGNUM *modulus = number_of(parts->first);
	BIGNUM *exponent = number_of(parts->second);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (BN_num_bits(modulus) >= TOKEN_RSA_BITS_MIN && BN_is_odd(exponent) &&
	    BN_num_bits(exponent) > 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, modulus) &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, exponent))
		key = from_params("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(exponent);
	BN_free(modulus);
	return key;
}

static EVP_PKEY *
make_ec(const struct token_key_parts *parts, const char **why_r)
{
	unsigned char point[1 + 2 * POINT_BYTES] = {
		POINT_CONVERSION_UNCOMPRESSED
	};
	EVP_PKEY *key = NULL;
	*why_r = "x and y are no point of P-256";
	if (parts->first.len != POINT_BYTES || parts->second.len != POINT_BYTES)
		return NULL;
	memcpy(point + 1, parts->first.data, POINT_BYTES);
	memcpy(point + 1 + POINT_BYTES, parts->second.data, POINT_BYTES);
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	if (OSSL_PARAM_BLD_push_utf8_string(
		builder, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
	    OSSL_PARAM_BLD_push_octet_string(
		builder, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)))
		key = from_params("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	if (key && !is_sound(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	return key;
}

static EVP_PKEY *
make_public(const struct token_key_parts *parts, const char **why_r)
{
	switch (parts->algorithm) {
	case TOKEN_RS256:
	case TOKEN_PS256:
		return make_rsa(parts, why_r);
	case TOKEN_ES256:
		return make_ec(parts, why_r);
	case TOKEN_EDDSA:
		*why_r = "x is no key of Ed25519";
		if (parts->first.len != POINT_BYTES)
			return NULL;
		return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
		    (const unsigned char *)parts->first.data, POINT_BYTES);
	case TOKEN_HS256:
	case TOKEN_ALGORITHMS:
		break;
	}
	return NULL;
}

/* Keyed with the secret where there is one, so that nobody learns of it more
 * than from a token. */
static void
make_id(struct token_key *key, const struct token_key_parts *parts)
{
	static const char purpose[] = "relay key id";
	struct view pieces[] = { view_make(purpose, sizeof(purpose)),
		view_of(names[parts->algorithm]), parts->kid, parts->first,
		parts->second };
	size_t count = parts->algorithm == TOKEN_HS256 ? 3 : 5;
	struct buf text;
	buf_init(&text, 0);
	for (size_t i = 0; i < count; i++) {
		buf_add_u64(&text, pieces[i].len);
		buf_add_char(&text, ':');
		buf_add(&text, pieces[i]);
	}
	HMAC(EVP_sha256(), key->secret ? (const char *)key->secret : "",
	    (int)key->secret_len, (const unsigned char *)text.data, text.len,
	    key->id, NULL);
	buf_fini(&text);
}

struct token_key *
token_key_new(const struct token_key_parts *parts, const char **why_r)
{
	EVP_PKEY *public_key = NULL;
	bool is_secret = parts->algorithm == TOKEN_HS256;
	if (is_secret && parts->first.len < TOKEN_SECRET_MIN) {
		*why_r = "a secret has at least 32 bytes";
		return NULL;
	}
	if (!is_secret && !(public_key = make_public(parts, why_r)))
		return NULL;
	struct token_key *key = xcalloc(1, sizeof(*key) + parts->kid.len);
	atomic_init(&key->holders, 1);
	key->algorithm = parts->algorithm;
	key->public_key = public_key;
	key->has_kid = parts->has_kid;
	key->kid_len = parts->kid.len;
	if (parts->kid.len > 0)
		memcpy(key->kid, parts->kid.data, parts->kid.len);
	if (is_secret) {
		key->secret = xmalloc(parts->first.len);
		key->secret_len = parts->first.len;
		memcpy(key->secret, parts->first.data, parts->first.len);
	}
	make_id(key, parts);
	return key;
}

struct token_key *
token_key_hold(struct token_key *key)
{
	atomic_fetch_add_explicit(&key->holders, 1, memory_order_relaxed);
	return key;
}

void
token_key_release(struct token_key **key_p)
{
	struct token_key *key = *key_p;
	*key_p = NULL;
	if (!key ||
	    atomic_fetch_sub_explicit(&key->holders, 1, memory_order_acq_rel) >
		1)
		return;
	EVP_PKEY_free(key->public_key);
	if (key->secret)
		OPENSSL_cleanse(key->secret, key->secret_len);
	free(key->secret);
	free(key);
}

/* --- asking --- */

enum token_algorithm
token_key_algorithm(const struct token_key *key)
{
	return key->algorithm;
}

bool
token_key_has_kid(const struct token_key *key)
{
	return key->has_kid;
}

struct view
token_key_kid(const struct token_key *key)
{
	return view_make(key->kid, key->kid_len);
}

bool
token_key_is_named(const struct token_key *key, struct view kid)
{
	return key->has_kid &&
	    view_equal(view_make(key->kid, key->kid_len), kid);
}

const uint8_t *
token_key_id(const struct token_key *key)
{
	return key->id;
}

/* --- checking --- */

size_t
token_key_signature_size(const struct token_key *key)
{
	switch (key->algorithm) {
	case TOKEN_HS256:
		return SHA256_DIGEST_LENGTH;
	case TOKEN_RS256:
	case TOKEN_PS256:
		return (size_t)EVP_PKEY_get_size(key->public_key);
	case TOKEN_ES256:
	case TOKEN_EDDSA:
	case TOKEN_ALGORITHMS:
		break;
	}
	return (size_t)2 * POINT_BYTES;
}

static bool
verify_secret(
    const struct token_key *key, struct view text, const uint8_t *signature)
{
	unsigned char own[SHA256_DIGEST_LENGTH];
	bool is_same = HMAC(EVP_sha256(), key->secret, (int)key->secret_len,
			   (const unsigned char *)text.data, text.len, own,
			   NULL) != NULL &&
	    CRYPTO_memcmp(own, signature, sizeof(own)) == 0;
	OPENSSL_cleanse(own, sizeof(own));
	return is_same;
}

/* R and S, 32 bytes each, as OpenSSL wants them. The caller frees *der_r. */
static int
der_of(const uint8_t *signature, unsigned char **der_r)
{
	ECDSA_SIG *pair = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, POINT_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(signature + POINT_BYTES, POINT_BYTES, NULL);
	*der_r = NULL;
	ECDSA_SIG_set0(pair, r, s);
	int length = i2d_ECDSA_SIG(pair, der_r);
	ECDSA_SIG_free(pair);
	return length;
}

static bool
set_padding(EVP_PKEY_CTX *context, enum token_algorithm algorithm)
{
	if (algorithm == TOKEN_RS256)
		return EVP_PKEY_CTX_set_rsa_padding(
			   context, RSA_PKCS1_PADDING) == 1;
	if (algorithm != TOKEN_PS256)
		return true;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) ==
	    1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) ==
	    1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1;
}

static bool
verify_public(const struct token_key *key, struct view text,
    const uint8_t *signature, size_t size)
{
	EVP_PKEY_CTX *options = NULL; /* the context's own */
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest =
	    key->algorithm == TOKEN_EDDSA ? NULL : EVP_sha256();
	bool is_valid = context &&
	    EVP_DigestVerifyInit(
		context, &options, digest, NULL, key->public_key) == 1 &&
	    set_padding(options, key->algorithm) &&
	    EVP_DigestVerify(context, signature, size,
		(const unsigned char *)text.data, text.len) == 1;
	EVP_MD_CTX_free(context);
	return is_valid;
}

bool
token_key_verify(
    const struct token_key *key, struct view text, const uint8_t *signature)
{
	unsigned char *der;
	if (key->algorithm == TOKEN_HS256)
		return verify_secret(key, text, signature);
	if (key->algorithm != TOKEN_ES256)
		return verify_public(
		    key, text, signature, token_key_signature_size(key));
	int length = der_of(signature, &der);
	bool is_valid =
	    length > 0 && verify_public(key, text, der, (size_t)length);
	OPENSSL_free(der);
	return is_valid;
}
