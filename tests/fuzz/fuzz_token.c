/* SPDX-License-Identifier: MIT */

/* Tokens and key sets. The first byte says what the rest is: a token; header and
 * claims that are signed here with a secret that is known, so that the bytes get
 * behind the signature; what Redis holds for a ticket, or the ticket; or a key
 * set. */

#include "base64url.h"
#include "buf.h"
#include "jwks.h"
#include "ticket.h"
#include "token.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdlib.h>

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW    UINT64_C(1700000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(fact)               \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static struct key_set *
secret_alone(void)
{
	const char *why;
	const struct token_key_parts parts = { .algorithm = TOKEN_HS256,
		.first = view_of(SECRET) };
	struct key_set *keys = key_set_new();
	struct token_key *key = token_key_new(&parts, &why);
	must(key_set_add(keys, &key));
	return keys;
}

static void
check_bearer(const struct token_bearer *bearer, uint64_t leeway_s)
{
	must(token_name_is_usable(
	    view_make(bearer->tenant, bearer->tenant_len)));
	must(token_name_is_usable(view_make(bearer->user, bearer->user_len)));
	must(!token_is_over(bearer->expires_s, leeway_s, NOW));
}

static enum token_verdict
verify(struct view token)
{
	struct token_bearer bearer;
	const struct token_policy policy = { .tenant_claim = view_of("tid"),
		.leeway_s = 60 };
	struct key_set *keys = secret_alone();
	enum token_verdict verdict =
	    token_verify(keys, &policy, token, NOW, &bearer);
	if (verdict == TOKEN_ACCEPTED)
		check_bearer(&bearer, policy.leeway_s);
	key_set_release(&keys);
	return verdict;
}

static void
add_part(struct buf *token, struct view bytes)
{
	char *room = buf_reserve(token, BASE64URL_SIZE(bytes.len));
	base64url_encode(bytes, room);
	token->len += BASE64URL_SIZE(bytes.len);
}

/* Header and claims are apart by a line end. */
static void
check_signed(struct view text)
{
	unsigned char mac[32];
	struct buf token;
	const char *end = text.len ? memchr(text.data, '\n', text.len) : NULL;
	if (!end)
		return;
	size_t length = (size_t)(end - text.data);
	buf_init(&token, 0);
	add_part(&token, view_make(text.data, length));
	buf_add_char(&token, '.');
	add_part(&token, view_make(end + 1, text.len - length - 1));
	HMAC(EVP_sha256(), SECRET, (int)strlen(SECRET),
	    (const unsigned char *)token.data, token.len, mac, NULL);
	buf_add_char(&token, '.');
	add_part(&token, view_make(mac, sizeof(mac)));
	enum token_verdict verdict = verify(buf_view(&token));
	must(verdict != TOKEN_SIGNATURE);
	if (verdict == TOKEN_ACCEPTED) {
		char *last = &token.data[token.len - 8];
		*last = *last == 'A' ? 'B' : 'A';
		must(verify(buf_view(&token)) == TOKEN_SIGNATURE);
	}
	buf_fini(&token);
}

static void
check_key_set(struct view text)
{
	struct error err;
	struct key_set *keys = key_set_new();
	int status = jwks_read(keys, text, (1u << TOKEN_ALGORITHMS) - 1, &err);
	must((status == 0) == (key_set_count(keys) > 0));
	must(key_set_count(keys) <= JWKS_KEYS_MAX);
	must(key_set_find(keys, TOKEN_HS256, false, view_of("")) == NULL);
	key_set_release(&keys);
}

/* Whoever is read can be written, and is the same when read again. */
static void
check_kept(struct view value)
{
	struct token_bearer bearer;
	struct token_bearer again;
	struct buf text;
	if (ticket_read(value, &bearer) < 0)
		return;
	buf_init(&text, 0);
	ticket_write(&bearer, &text);
	must(ticket_read(buf_view(&text), &again) == 0);
	must(view_equal(view_make(bearer.tenant, bearer.tenant_len),
	    view_make(again.tenant, again.tenant_len)));
	must(view_equal(view_make(bearer.user, bearer.user_len),
	    view_make(again.user, again.user_len)));
	must(bearer.expires_s == again.expires_s);
	must(memcmp(bearer.key_id, again.key_id, TOKEN_KEY_ID) == 0);
	must(bearer.expires_s <= TOKEN_EXPIRY_MAX);
	buf_fini(&text);
}

/* The key names no ticket, only its digest. */
static void
check_ticket(struct view ticket)
{
	struct buf key;
	if (!ticket_is_well_formed(ticket))
		return;
	must(ticket.len == TICKET_SIZE);
	buf_init(&key, 0);
	ticket_key(view_of("relay:"), ticket, &key);
	must(memmem(key.data, key.len, ticket.data, ticket.len) == NULL);
	buf_fini(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	struct view rest = view_make(data + 1, size - 1);
	if (data[0] == 't')
		must(verify(rest) != TOKEN_UNAVAILABLE);
	else if (data[0] == 's')
		check_signed(rest);
	else if (data[0] == 'r')
		check_kept(rest);
	else if (data[0] == 'k')
		check_ticket(rest);
	else
		check_key_set(rest);
	return 0;
}
