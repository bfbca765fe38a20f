/* SPDX-License-Identifier: MIT */
#include "jwks.h"

#include "base64url.h"
#include "json.h"

#define DEPTH_MAX 16
#define PART_MAX  1024 /* bytes: a modulus of 8192 bits */
#define KID_MAX   256

struct reader {
	struct json_doc doc;
	struct buf scratch;
	struct buf kid;
	unsigned algorithms;
	unsigned char first[PART_MAX], second[PART_MAX];
};

static bool
member_text(struct reader *reader, uint32_t object, const char *name,
    struct buf *scratch, struct view *text_r)
{
	uint32_t node = json_member(&reader->doc, object, view_of(name));
	*text_r = view_make(NULL, 0);
	if (node == 0 || reader->doc.nodes[node].type != JSON_STRING)
		return false;
	*text_r = json_string(&reader->doc, node, scratch);
	return true;
}

static bool
member_is(struct reader *reader, uint32_t object, const char *name,
    const char *wanted)
{
	uint32_t node = json_member(&reader->doc, object, view_of(name));
	return node != 0 && json_string_is(&reader->doc, node, view_of(wanted));
}

static bool
member_bytes(struct reader *reader, uint32_t object, const char *name,
    unsigned char bytes[PART_MAX], struct view *view_r)
{
	struct view text;
	if (!member_text(reader, object, name, &reader->scratch, &text))
		return false;
	long length = base64url_decode(text, bytes, PART_MAX);
	if (length <= 0)
		return false;
	*view_r = view_make(bytes, (size_t)length);
	return true;
}

static bool
is_allowed(const struct reader *reader, enum token_algorithm algorithm)
{
	return reader->algorithms & 1u << algorithm;
}

/* What a key of this type signs with when it does not say. */
static bool
implied_algorithm(
    struct reader *reader, uint32_t object, enum token_algorithm *algorithm_r)
{
	if (member_is(reader, object, "kty", "RSA"))
		*algorithm_r =
		    is_allowed(reader, TOKEN_RS256) ? TOKEN_RS256 : TOKEN_PS256;
	else if (member_is(reader, object, "kty", "EC"))
		*algorithm_r = TOKEN_ES256;
	else if (member_is(reader, object, "kty", "OKP"))
		*algorithm_r = TOKEN_EDDSA;
	else
		return false;
	return true;
}

/* Do type and curve fit the algorithm? */
static bool
fits(struct reader *reader, uint32_t object, enum token_algorithm algorithm)
{
	switch (algorithm) {
	case TOKEN_RS256:
	case TOKEN_PS256:
		return member_is(reader, object, "kty", "RSA");
	case TOKEN_ES256:
		return member_is(reader, object, "kty", "EC") &&
		    member_is(reader, object, "crv", "P-256");
	case TOKEN_EDDSA:
		return member_is(reader, object, "kty", "OKP") &&
		    member_is(reader, object, "crv", "Ed25519");
	case TOKEN_HS256:
	case TOKEN_ALGORITHMS:
		break;
	}
	return false;
}

/* `use` and `key_ops`, where they are there, must be about signatures. */
static bool
is_for_signatures(struct reader *reader, uint32_t object)
{
	const struct json_doc *doc = &reader->doc;
	uint32_t operations = json_member(doc, object, view_of("key_ops"));
	if (json_member(doc, object, view_of("use")) != 0 &&
	    !member_is(reader, object, "use", "sig"))
		return false;
	if (operations == 0)
		return true;
	if (doc->nodes[operations].type != JSON_ARRAY)
		return false;
	for (uint32_t item = operations + 1; item < doc->nodes[operations].next;
	     item = doc->nodes[item].next)
		if (json_string_is(doc, item, view_of("verify")))
			return true;
	return false;
}

static bool
find_algorithm(
    struct reader *reader, uint32_t object, enum token_algorithm *algorithm_r)
{
	struct view name;
	if (json_member(&reader->doc, object, view_of("alg")) == 0)
		return implied_algorithm(reader, object, algorithm_r);
	return member_text(reader, object, "alg", &reader->scratch, &name) &&
	    token_algorithm_find(name, algorithm_r);
}

static bool
find_material(
    struct reader *reader, uint32_t object, struct token_key_parts *parts)
{
	bool is_rsa =
	    parts->algorithm == TOKEN_RS256 || parts->algorithm == TOKEN_PS256;
	if (!member_bytes(reader, object, is_rsa ? "n" : "x", reader->first,
		&parts->first))
		return false;
	return parts->algorithm == TOKEN_EDDSA ||
	    member_bytes(reader, object, is_rsa ? "e" : "y", reader->second,
		&parts->second);
}

/* The key, or NULL when it is none for us. */
static struct token_key *
read_key(struct reader *reader, uint32_t object)
{
	struct token_key_parts parts = { 0 };
	const char *why;
	if (!is_for_signatures(reader, object) ||
	    !find_algorithm(reader, object, &parts.algorithm) ||
	    !is_allowed(reader, parts.algorithm) ||
	    !fits(reader, object, parts.algorithm) ||
	    !find_material(reader, object, &parts))
		return NULL;
	if (json_member(&reader->doc, object, view_of("kid")) != 0) {
		parts.has_kid = member_text(
		    reader, object, "kid", &reader->kid, &parts.kid);
		if (!parts.has_kid || parts.kid.len > KID_MAX)
			return NULL;
	}
	return token_key_new(&parts, &why);
}

static bool
is_private(const struct json_doc *doc, uint32_t object)
{
	return json_member(doc, object, view_of("d")) != 0;
}

static int
read_keys(struct reader *reader, struct key_set *set, uint32_t array,
    struct error *err)
{
	const struct json_doc *doc = &reader->doc;
	const struct json_node *keys = &doc->nodes[array];
	size_t before = key_set_count(set);
	if (keys->count > JWKS_KEYS_MAX)
		return error_set(
		    err, "", "holds more than %d keys", JWKS_KEYS_MAX);
	for (uint32_t i = array + 1; i < keys->next; i = doc->nodes[i].next) {
		if (is_private(doc, i))
			return error_set(err, "",
			    "holds a private key; publish the public part "
			    "only");
		struct token_key *key = read_key(reader, i);
		if (key && !key_set_add(set, &key))
			return error_set(err, "",
			    "holds two keys of one kid (or two without any)");
	}
	return key_set_count(set) > before
	    ? 0
	    : error_set(err, "",
		  "holds no key for the algorithms in use "
		  "(RSA from 2048 bits, P-256, Ed25519)");
}

static int
read_document(struct reader *reader, struct key_set *set, struct view text,
    struct error *err)
{
	const struct json_limits limits = { .max_depth = DEPTH_MAX,
		.strict_keys = true };
	struct json_fault fault;
	if (text.len > JWKS_MAX)
		return error_set(err, "", "is larger than 64 KiB");
	if (json_scan(&reader->doc, text, &limits, &fault) == -1)
		return error_set(err, "", "is not JSON: %s at byte %zu",
		    fault.message, fault.offset);
	uint32_t keys = json_member(&reader->doc, 0, view_of("keys"));
	if (keys == 0 || reader->doc.nodes[keys].type != JSON_ARRAY)
		return error_set(err, "", "is no key set: no list \"keys\"");
	return read_keys(reader, set, keys, err);
}

int
jwks_read(struct key_set *set, struct view text, unsigned algorithms,
    struct error *err)
{
	struct reader reader = { .algorithms = algorithms };
	size_t before = key_set_count(set);
	json_doc_init(&reader.doc);
	buf_init(&reader.scratch, JWKS_MAX);
	buf_init(&reader.kid, JWKS_MAX);
	int status = read_document(&reader, set, text, err);
	if (status == -1)
		key_set_cut(set, before);
	buf_fini(&reader.kid);
	buf_fini(&reader.scratch);
	json_doc_fini(&reader.doc);
	return status;
}
