/* SPDX-License-Identifier: MIT */
#include "token_sign.h"

#include "base64url.h"
#include "token_key.h"
#include "xmalloc.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POINT_BYTES 32
#define NUMBER_MAX  1024

struct token_signer {
	enum token_algorithm algorithm;
	EVP_PKEY *key; /* NULL: a secret */
	size_t secret_len;
	unsigned char *secret;
};

struct token_signer *
token_signer_secret(struct view secret)
{
	struct token_signer *signer = xcalloc(1, sizeof(*signer));
	signer->algorithm = TOKEN_HS256;
	signer->secret = xmalloc(secret.len + 1);
	signer->secret_len = secret.len;
	memcpy(signer->secret, secret.data, secret.len);
	return signer;
}

/* --- private keys --- */

static bool
is_p256(const EVP_PKEY *key)
{
	char group[32];
	return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0;
}

/* What signs with this type of key; false: nothing here. */
static bool
natural_algorithm(const EVP_PKEY *key, enum token_algorithm *algorithm_r)
{
	if (EVP_PKEY_is_a(key, "RSA"))
		*algorithm_r = TOKEN_RS256;
	else if (EVP_PKEY_is_a(key, "EC") && is_p256(key))
		*algorithm_r = TOKEN_ES256;
	else if (EVP_PKEY_is_a(key, "ED25519"))
		*algorithm_r = TOKEN_EDDSA;
	else
		return false;
	return true;
}

static int
choose_algorithm(struct token_signer *signer, const char *path,
    const char *wanted, struct error *err)
{
	enum token_algorithm algorithm;
	if (!natural_algorithm(signer->key, &signer->algorithm))
		return error_set(
		    err, path, "is no key of RSA, P-256 or Ed25519");
	if (!*wanted)
		return 0;
	if (!token_algorithm_find(view_of(wanted), &algorithm))
		return error_set(err, "--alg",
		    "is none of HS256, RS256, PS256, ES256, EdDSA");
	if (algorithm == TOKEN_PS256 && signer->algorithm == TOKEN_RS256)
		signer->algorithm = TOKEN_PS256;
	if (algorithm == signer->algorithm)
		return 0;
	return error_set(err, path, "is no key for %s", wanted);
}

/* Nobody is asked for a pass phrase: a job in CI would wait for ever. */
static int
note_lock(char *phrase, int size, int for_writing, void *arg)
{
	bool *is_locked = arg;
	(void)phrase;
	(void)size;
	(void)for_writing;
	*is_locked = true;
	return -1;
}

/* NULL: err. */
static EVP_PKEY *
read_key(const char *path, struct error *err)
{
	bool is_locked = false;
	FILE *file = fopen(path, "re");
	errno = file ? 0 : errno;
	EVP_PKEY *key = file
	    ? PEM_read_PrivateKey(file, NULL, note_lock, &is_locked)
	    : NULL;
	if (!file || ferror(file))
		error_set(err, path, "cannot be read: %s", strerror(errno));
	else if (is_locked)
		error_set(err, path,
		    "is encrypted: openssl pkey -in FILE -out PLAIN decrypts "
		    "it");
	else if (!key)
		error_set(err, path, "is no private key in PEM");
	if (file)
		fclose(file);
	return key;
}

/* Shorter ones are passed over by the relay. */
static int
check_length(
    const struct token_signer *signer, const char *path, struct error *err)
{
	int bits = EVP_PKEY_bits(signer->key);
	if (!EVP_PKEY_is_a(signer->key, "RSA") || bits >= TOKEN_RSA_BITS_MIN)
		return 0;
	return error_set(err, path,
	    "has %d bits: relayd takes RSA keys of %d or more", bits,
	    TOKEN_RSA_BITS_MIN);
}

struct token_signer *
token_signer_pem(const char *path, const char *algorithm, struct error *err)
{
	struct token_signer *signer = xcalloc(1, sizeof(*signer));
	signer->key = read_key(path, err);
	if (signer->key &&
	    choose_algorithm(signer, path, algorithm, err) == 0 &&
	    check_length(signer, path, err) == 0)
		return signer;
	token_signer_free(&signer);
	return NULL;
}

void
token_signer_free(struct token_signer **signer_p)
{
	struct token_signer *signer = *signer_p;
	if (!signer)
		return;
	EVP_PKEY_free(signer->key);
	if (signer->secret)
		OPENSSL_cleanse(signer->secret, signer->secret_len);
	free(signer->secret);
	free(signer);
	*signer_p = NULL;
}

enum token_algorithm
token_signer_algorithm(const struct token_signer *signer)
{
	return signer->algorithm;
}

/* --- signing --- */

static void
add_part(struct buf *out, struct view bytes)
{
	base64url_encode(bytes, buf_reserve(out, BASE64URL_SIZE(bytes.len)));
	out->len += BASE64URL_SIZE(bytes.len);
}

static bool
set_padding(EVP_PKEY_CTX *options, enum token_algorithm algorithm)
{
	return algorithm != TOKEN_PS256 ||
	    (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) ==
		    1 &&
		EVP_PKEY_CTX_set_rsa_pss_saltlen(
		    options, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool
sign_private(const struct token_signer *signer, struct view text,
    unsigned char *signature, size_t *len)
{
	EVP_PKEY_CTX *options = NULL;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	const EVP_MD *digest =
	    signer->algorithm == TOKEN_EDDSA ? NULL : EVP_sha256();
	bool is_done = EVP_DigestSignInit(
			   context, &options, digest, NULL, signer->key) == 1 &&
	    set_padding(options, signer->algorithm) &&
	    EVP_DigestSign(context, signature, len,
		(const unsigned char *)text.data, text.len) == 1;
	EVP_MD_CTX_free(context);
	return is_done;
}

/* DER becomes R and S, 32 bytes each. */
static bool
split_pair(unsigned char *signature, size_t *len)
{
	const unsigned char *at = signature;
	ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)*len);
	if (!pair)
		return false;
	bool is_done = BN_bn2binpad(ECDSA_SIG_get0_r(pair), signature,
			   POINT_BYTES) == POINT_BYTES &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(pair), signature + POINT_BYTES,
		POINT_BYTES) == POINT_BYTES;
	ECDSA_SIG_free(pair);
	*len = (size_t)2 * POINT_BYTES;
	return is_done;
}

static bool
make_signature(const struct token_signer *signer, struct view text,
    unsigned char signature[NUMBER_MAX], size_t *len_r)
{
	unsigned size = 0;
	*len_r = NUMBER_MAX;
	if (signer->key)
		return sign_private(signer, text, signature, len_r) &&
		    (signer->algorithm != TOKEN_ES256 ||
			split_pair(signature, len_r));
	bool is_done =
	    HMAC(EVP_sha256(), signer->secret, (int)signer->secret_len,
		(const unsigned char *)text.data, text.len, signature,
		&size) != NULL;
	*len_r = size;
	return is_done;
}

int
token_sign(const struct token_signer *signer, struct view header,
    struct view claims, struct buf *out)
{
	unsigned char signature[NUMBER_MAX];
	size_t start = out->len;
	size_t length = 0;
	add_part(out, header);
	buf_add_char(out, '.');
	add_part(out, claims);
	if (!make_signature(signer,
		view_make(out->data + start, out->len - start), signature,
		&length))
		return -1;
	buf_add_char(out, '.');
	add_part(out, view_make(signature, length));
	return 0;
}

/* --- the public key --- */

static void
add_number(const struct token_signer *signer, const char *from, const char *to,
    size_t size, struct buf *out)
{
	unsigned char bytes[NUMBER_MAX];
	BIGNUM *number = NULL;
	if (EVP_PKEY_get_bn_param(signer->key, from, &number) != 1)
		return;
	size_t length = size ? size : (size_t)BN_num_bytes(number);
	if (length <= sizeof(bytes) &&
	    BN_bn2binpad(number, bytes, (int)length) == (int)length) {
		buf_addf(out, ",\"%s\":\"", to);
		add_part(out, view_make(bytes, length));
		buf_add_char(out, '"');
	}
	BN_free(number);
}

static void
add_ed25519(const struct token_signer *signer, struct buf *out)
{
	unsigned char bytes[POINT_BYTES];
	size_t length = sizeof(bytes);
	EVP_PKEY_get_raw_public_key(signer->key, bytes, &length);
	buf_add_text(out, "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"");
	add_part(out, view_make(bytes, length));
	buf_add_char(out, '"');
}

static void
add_material(const struct token_signer *signer, struct buf *out)
{
	switch (signer->algorithm) {
	case TOKEN_RS256:
	case TOKEN_PS256:
		buf_add_text(out, "\"kty\":\"RSA\"");
		add_number(signer, OSSL_PKEY_PARAM_RSA_N, "n", 0, out);
		add_number(signer, OSSL_PKEY_PARAM_RSA_E, "e", 0, out);
		break;
	case TOKEN_ES256:
		buf_add_text(out, "\"kty\":\"EC\",\"crv\":\"P-256\"");
		add_number(
		    signer, OSSL_PKEY_PARAM_EC_PUB_X, "x", POINT_BYTES, out);
		add_number(
		    signer, OSSL_PKEY_PARAM_EC_PUB_Y, "y", POINT_BYTES, out);
		break;
	case TOKEN_EDDSA:
		add_ed25519(signer, out);
		break;
	case TOKEN_HS256:
	case TOKEN_ALGORITHMS:
		break;
	}
}

int
token_signer_jwk(
    const struct token_signer *signer, const char *kid, struct buf *out)
{
	if (!signer->key)
		return -1;
	buf_add_char(out, '{');
	add_material(signer, out);
	buf_addf(out, ",\"alg\":\"%s\",\"use\":\"sig\"",
	    token_algorithm_name(signer->algorithm));
	if (kid) {
		buf_add_text(out, ",\"kid\":");
		buf_add_json_string(out, view_of(kid));
	}
	buf_add_char(out, '}');
	return 0;
}
