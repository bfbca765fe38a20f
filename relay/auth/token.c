/* SPDX-License-Identifier: MIT */
#include "token.h"

#include "base64url.h"
#include "token_claims.h"

#include "json.h"

#include <openssl/crypto.h>

#define HEADER_DEPTH 4
#define SEPARATOR    '.'

/* A token on its way through the checks; what it held is overwritten at the
 * end. */
struct check {
	struct view parts[3]; /* base64url */
	struct view signed_text;
	const struct token_key *tried; /* NULL: none yet */
	struct json_doc doc;
	struct buf scratch;
	unsigned char bytes[TOKEN_MAX]; /* of a part */
	unsigned char signature[TOKEN_SIGNATURE_MAX];
};

static bool
split(struct check *check, struct view token)
{
	struct view rest = token;
	if (token.len == 0 || token.len > TOKEN_MAX)
		return false;
	for (size_t i = 0; i < 3; i++) {
		const char *dot =
		    rest.len ? memchr(rest.data, SEPARATOR, rest.len) : NULL;
		if ((dot != NULL) != (i < 2))
			return false;
		size_t length = dot ? (size_t)(dot - rest.data) : rest.len;
		if (length == 0)
			return false;
		check->parts[i] = view_make(rest.data, length);
		rest = dot ? view_make(dot + 1, rest.len - length - 1)
			   : view_make(NULL, 0);
	}
	check->signed_text = view_make(
	    token.data, check->parts[0].len + 1 + check->parts[1].len);
	return true;
}

/* The part as a JSON object on the tape. */
static bool
scan(struct check *check, struct view part, uint32_t max_depth)
{
	const struct json_limits limits = { .max_depth = max_depth,
		.strict_keys = true };
	struct json_fault fault;
	long length =
	    base64url_decode(part, check->bytes, sizeof(check->bytes));
	if (length < 0)
		return false;
	return json_scan(&check->doc, view_make(check->bytes, (size_t)length),
		   &limits, &fault) == 0 &&
	    check->doc.nodes[0].type == JSON_OBJECT;
}

/* All three parts must be base64url before anything is believed. */
static bool
is_well_formed(struct check *check, struct view token)
{
	if (!split(check, token))
		return false;
	for (size_t i = 0; i < 3; i++)
		if (base64url_decode(check->parts[i], check->bytes,
			sizeof(check->bytes)) < 0)
			return false;
	return true;
}

/* --- header --- */

struct header {
	enum token_algorithm algorithm;
	bool knows_algorithm;
	bool has_kid;
	struct buf kid;
};

static bool
is_word(struct view text, const char *word)
{
	if (text.len != strlen(word))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char letter = text.data[i];
		if (letter >= 'A' && letter <= 'Z')
			letter = (char)(letter | 0x20);
		if (letter != word[i])
			return false;
	}
	return true;
}

/* Tokens made for something else (logout+jwt, dpop+jwt …) say so here. */
static bool
is_type(struct view text)
{
	static const char *const types[] = { "jwt", "at+jwt", "application/jwt",
		"application/at+jwt" };
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (is_word(text, types[i]))
			return true;
	return false;
}

/* One member; false when it is none that may stand there. */
static bool
take_member(struct check *check, uint32_t name, struct header *header)
{
	const struct json_doc *doc = &check->doc;
	uint32_t value = name + 1;
	if (doc->nodes[value].type != JSON_STRING)
		return false;
	struct view text = json_string(doc, value, &check->scratch);
	if (json_string_is(doc, name, view_of("alg"))) {
		header->knows_algorithm =
		    token_algorithm_find(text, &header->algorithm);
		return true;
	}
	if (json_string_is(doc, name, view_of("typ")))
		return is_type(text);
	if (!json_string_is(doc, name, view_of("kid")))
		return false;
	header->has_kid = true;
	buf_add(&header->kid, text);
	return true;
}

/* alg, kid and typ alone: whatever else changes what the token means (crit,
 * b64, jwk, jku, x5u, x5c …) is refused, because we would not do it. */
static bool
read_header(struct check *check, struct header *header)
{
	const struct json_doc *doc = &check->doc;
	if (!scan(check, check->parts[0], HEADER_DEPTH))
		return false;
	for (uint32_t name = 1; name < doc->nodes[0].next;
	     name = doc->nodes[name + 1].next)
		if (!take_member(check, name, header))
			return false;
	return json_member(doc, 0, view_of("alg")) != 0;
}

/* --- signature --- */

static enum token_verdict
check_signature(struct check *check, const struct token_key *key)
{
	size_t size = token_key_signature_size(key);
	if (check->parts[2].len != BASE64URL_SIZE(size) ||
	    size > sizeof(check->signature) ||
	    base64url_decode(check->parts[2], check->signature, size) !=
		(long)size)
		return TOKEN_SIGNATURE;
	check->tried = key;
	return token_key_verify(key, check->signed_text, check->signature)
	    ? TOKEN_ACCEPTED
	    : TOKEN_SIGNATURE;
}

static enum token_verdict
check_key(struct check *check, const struct key_set *keys,
    const struct header *header, struct token_bearer *bearer)
{
	if (!header->knows_algorithm)
		return TOKEN_ALGORITHM;
	const struct token_key *key = key_set_find(
	    keys, header->algorithm, header->has_kid, buf_view(&header->kid));
	if (!key)
		return key_set_is_complete(keys) ? TOKEN_UNKNOWN_KEY
						 : TOKEN_UNAVAILABLE;
	if (token_key_algorithm(key) != header->algorithm)
		return TOKEN_ALGORITHM;
	memcpy(bearer->key_id, token_key_id(key), TOKEN_KEY_ID);
	return check_signature(check, key);
}

/* --- the whole --- */

static enum token_verdict
run(struct check *check, const struct key_set *keys,
    const struct token_policy *policy, struct view token, uint64_t now_s,
    struct token_bearer *bearer)
{
	struct header header = { 0 };
	if (!is_well_formed(check, token))
		return TOKEN_MALFORMED;
	buf_init(&header.kid, 0);
	enum token_verdict verdict = TOKEN_HEADER;
	if (read_header(check, &header))
		verdict = check_key(check, keys, &header, bearer);
	buf_fini(&header.kid);
	if (verdict != TOKEN_ACCEPTED)
		return verdict;
	if (!scan(check, check->parts[1], TOKEN_CLAIMS_DEPTH))
		return TOKEN_CLAIMS;
	return token_claims_check(
	    &check->doc, &check->scratch, policy, now_s, bearer);
}

/* What counts of it for the time that a refusal takes. */
static struct view
head_of(struct view token)
{
	return view_make(
	    token.data, token.len < TOKEN_MAX ? token.len : TOKEN_MAX);
}

enum token_verdict
token_verify(const struct key_set *keys, const struct token_policy *policy,
    struct view token, uint64_t now_s, struct token_bearer *bearer_r)
{
	struct check check = { .tried = NULL };
	*bearer_r = (struct token_bearer){ 0 };
	json_doc_init(&check.doc);
	buf_init(&check.scratch, 0);
	enum token_verdict verdict =
	    run(&check, keys, policy, token, now_s, bearer_r);
	if (verdict != TOKEN_ACCEPTED)
		key_set_labour(keys, head_of(token), check.tried);
	json_doc_fini(&check.doc);
	buf_wipe(&check.scratch);
	OPENSSL_cleanse(check.bytes, sizeof(check.bytes));
	OPENSSL_cleanse(check.signature, sizeof(check.signature));
	return verdict;
}
