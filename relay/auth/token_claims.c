/* SPDX-License-Identifier: MIT */
#include "token_claims.h"

#define SECONDS_DIGITS 15

struct claims {
	const struct json_doc *doc;
	struct buf *scratch;
	const struct token_policy *policy;
	uint64_t now_s;
	struct token_bearer *bearer;
};

/* --- time --- */

/* Seconds, perhaps with a fraction, which is cut off. No sign, no exponent. */
static bool
read_seconds(const struct json_doc *doc, uint32_t node, uint64_t *seconds_r)
{
	struct view text = json_text(doc, node);
	uint64_t seconds = 0;
	size_t i = 0;
	if (doc->nodes[node].type != JSON_NUMBER)
		return false;
	for (; i < text.len && text.data[i] != '.'; i++) {
		if (text.data[i] < '0' || text.data[i] > '9' ||
		    i == SECONDS_DIGITS)
			return false;
		seconds = seconds * 10 + (uint64_t)(text.data[i] - '0');
	}
	for (i++; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	*seconds_r = seconds;
	return true;
}

static enum token_verdict
check_time(const struct claims *claims)
{
	uint64_t leeway_s = claims->policy->leeway_s;
	uint32_t exp = json_member(claims->doc, 0, view_of("exp"));
	uint32_t nbf = json_member(claims->doc, 0, view_of("nbf"));
	uint64_t not_before_s = 0;
	if (exp == 0 ||
	    !read_seconds(claims->doc, exp, &claims->bearer->expires_s))
		return TOKEN_CLAIMS;
	if (nbf != 0 && !read_seconds(claims->doc, nbf, &not_before_s))
		return TOKEN_CLAIMS;
	if (token_is_over(claims->bearer->expires_s, leeway_s, claims->now_s))
		return TOKEN_EXPIRED;
	return claims->now_s + leeway_s < not_before_s ? TOKEN_EARLY
						       : TOKEN_ACCEPTED;
}

/* --- identity --- */

bool
token_name_is_usable(struct view name)
{
	if (name.len == 0 || name.len > TOKEN_CLAIM_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if ((uint8_t)name.data[i] < 0x20 || name.data[i] == 0x7f)
			return false;
	return true;
}

static bool
read_name(
    const struct claims *claims, struct view claim, char *name_r, size_t *len_r)
{
	uint32_t node = json_member(claims->doc, 0, claim);
	if (node == 0 || claims->doc->nodes[node].type != JSON_STRING)
		return false;
	struct view name = json_string(claims->doc, node, claims->scratch);
	if (!token_name_is_usable(name))
		return false;
	memcpy(name_r, name.data, name.len);
	*len_r = name.len;
	return true;
}

static struct view
user_claim(const struct claims *claims)
{
	if (claims->policy->user_claim.len > 0)
		return claims->policy->user_claim;
	return json_member(claims->doc, 0, view_of("oid")) != 0
	    ? view_of("oid")
	    : view_of("sub");
}

static bool
has_identity(const struct claims *claims)
{
	struct token_bearer *bearer = claims->bearer;
	return read_name(claims, claims->policy->tenant_claim, bearer->tenant,
		   &bearer->tenant_len) &&
	    read_name(
		claims, user_claim(claims), bearer->user, &bearer->user_len);
}

/* --- issuer and audience --- */

/* Multi-tenant providers name the tenant in the issuer. */
static bool
is_issuer(struct view pattern, struct view tenant, struct view issuer)
{
	static const char mark[] = "{tenant}";
	size_t size = sizeof(mark) - 1;
	const char *at = memmem(pattern.data, pattern.len, mark, size);
	if (!at)
		return view_equal(pattern, issuer);
	size_t before = (size_t)(at - pattern.data);
	size_t after = pattern.len - before - size;
	return issuer.len == before + tenant.len + after &&
	    memcmp(issuer.data, pattern.data, before) == 0 &&
	    memcmp(issuer.data + before, tenant.data, tenant.len) == 0 &&
	    memcmp(issuer.data + before + tenant.len, at + size, after) == 0;
}

static bool
has_issuer(const struct claims *claims)
{
	const struct token_bearer *bearer = claims->bearer;
	uint32_t node = json_member(claims->doc, 0, view_of("iss"));
	if (claims->policy->issuer.len == 0)
		return true;
	if (node == 0 || claims->doc->nodes[node].type != JSON_STRING)
		return false;
	return is_issuer(claims->policy->issuer,
	    view_make(bearer->tenant, bearer->tenant_len),
	    json_string(claims->doc, node, claims->scratch));
}

/* A text or a list of texts that holds ours. */
static bool
has_audience(const struct claims *claims)
{
	const struct json_doc *doc = claims->doc;
	struct view wanted = claims->policy->audience;
	uint32_t node = json_member(doc, 0, view_of("aud"));
	if (wanted.len == 0)
		return true;
	if (node == 0)
		return false;
	if (doc->nodes[node].type != JSON_ARRAY)
		return json_string_is(doc, node, wanted);
	for (uint32_t item = node + 1; item < doc->nodes[node].next;
	     item = doc->nodes[item].next)
		if (json_string_is(doc, item, wanted))
			return true;
	return false;
}

enum token_verdict
token_claims_check(const struct json_doc *doc, struct buf *scratch,
    const struct token_policy *policy, uint64_t now_s,
    struct token_bearer *bearer)
{
	const struct claims claims = { doc, scratch, policy, now_s, bearer };
	enum token_verdict verdict = check_time(&claims);
	if (verdict != TOKEN_ACCEPTED)
		return verdict;
	if (!has_identity(&claims))
		return TOKEN_IDENTITY;
	if (!has_issuer(&claims))
		return TOKEN_ISSUER;
	return has_audience(&claims) ? TOKEN_ACCEPTED : TOKEN_AUDIENCE;
}
