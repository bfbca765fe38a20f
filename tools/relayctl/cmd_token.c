/* SPDX-License-Identifier: MIT */

/*
 * relayctl token: a token for development, signed with the secret of the relay
 * or with a private key; --jwks prints the key set that checks it instead.
 */

#include "auth_file.h"
#include "clock.h"
#include "ctl.h"
#include "token.h"
#include "token_sign.h"

#include <stdlib.h>

#define TTL_DEFAULT 3600
#define TTL_MAX     (10 * 366 * 86400ull)

struct order {
	struct ctl *ctl;
	const char *secret_file, *key_file, *algorithm;
	const char *tenant, *user, *tenant_claim, *user_claim;
	const char *issuer, *audience, *kid;
	const char *ttl_text;
	uint64_t ttl_s;
	bool wants_jwks;
	struct token_signer *signer;
};

/* --- options --- */

static int
check(struct order *order)
{
	struct ctl *ctl = order->ctl;
	char *end = NULL;
	if (ctl->argc != 0)
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "no operand is wanted");
	if (!order->secret_file == !order->key_file) {
		ctl_fix(ctl, "openssl rand -hex 32 > secret makes a secret");
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "either --secret-file FILE or --key FILE is wanted");
	}
	if (order->ttl_text)
		order->ttl_s = strtoull(order->ttl_text, &end, 10);
	if (order->ttl_text &&
	    (*order->ttl_text < '0' || *order->ttl_text > '9' || *end ||
		order->ttl_s > TTL_MAX))
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--ttl: a number of seconds is wanted");
	if (!token_name_is_usable(view_of(order->tenant)) ||
	    !token_name_is_usable(view_of(order->user)))
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--tenant and --user: 1 to %d bytes without control "
		    "characters",
		    TOKEN_CLAIM_MAX);
	return 0;
}

static int
parse(struct order *order)
{
	const struct ctl_option options[] = {
		{ .name = "--secret-file", .value = &order->secret_file },
		{ .name = "--key", .value = &order->key_file },
		{ .name = "--alg", .value = &order->algorithm },
		{ .name = "--tenant", .value = &order->tenant },
		{ .name = "--user", .value = &order->user },
		{ .name = "--tenant-claim", .value = &order->tenant_claim },
		{ .name = "--user-claim", .value = &order->user_claim },
		{ .name = "--issuer", .value = &order->issuer },
		{ .name = "--audience", .value = &order->audience },
		{ .name = "--kid", .value = &order->kid },
		{ .name = "--ttl", .value = &order->ttl_text },
		{ .name = "--jwks", .flag = &order->wants_jwks },
	};
	int status = ctl_parse(
	    order->ctl, options, sizeof(options) / sizeof(options[0]));
	return status ? status : check(order);
}

/* --- keys --- */

static int
open_secret(struct order *order)
{
	struct buf text;
	struct error err;
	bool is_open;
	int status = 0;
	buf_init(&text, 0);
	if (auth_file_read(order->secret_file, AUTH_SECRET_MAX, &text, &is_open,
		&err) != 0) {
		status = ctl_fail(order->ctl, CTL_INPUT, "key", "%s: %s",
		    err.where, err.message);
	} else if (auth_file_line(buf_view(&text)).len < TOKEN_SECRET_MIN) {
		status = ctl_fail(order->ctl, CTL_INPUT, "key",
		    "%s: a secret has at least %d bytes", order->secret_file,
		    TOKEN_SECRET_MIN);
	} else {
		order->signer =
		    token_signer_secret(auth_file_line(buf_view(&text)));
	}
	buf_wipe(&text);
	return status;
}

static int
open_key(struct order *order)
{
	struct error err;
	if (!order->key_file && *order->algorithm &&
	    strcmp(order->algorithm, "HS256") != 0)
		return ctl_fail(order->ctl, CTL_USAGE, "usage",
		    "a secret is for HS256; %s wants --key FILE",
		    order->algorithm);
	if (!order->key_file)
		return open_secret(order);
	order->signer =
	    token_signer_pem(order->key_file, order->algorithm, &err);
	if (order->signer)
		return 0;
	return ctl_fail(
	    order->ctl, CTL_INPUT, "key", "%s: %s", err.where, err.message);
}

/* --- the token --- */

static void
add_text(struct buf *out, const char *name, const char *value)
{
	if (!value)
		return;
	buf_add_char(out, out->len > 1 ? ',' : '{');
	buf_add_json_string(out, view_of(name));
	buf_add_char(out, ':');
	buf_add_json_string(out, view_of(value));
}

static void
write_header(const struct order *order, struct buf *out)
{
	add_text(out, "alg",
	    token_algorithm_name(token_signer_algorithm(order->signer)));
	add_text(out, "typ", "JWT");
	add_text(out, "kid", order->kid);
	buf_add_char(out, '}');
}

static void
write_claims(const struct order *order, uint64_t now_s, struct buf *out)
{
	add_text(out, order->tenant_claim, order->tenant);
	add_text(out, order->user_claim, order->user);
	add_text(out, "iss", order->issuer);
	add_text(out, "aud", order->audience);
	buf_addf(out, ",\"iat\":%llu,\"exp\":%llu}", (unsigned long long)now_s,
	    (unsigned long long)(now_s + order->ttl_s));
}

static int
print_token(struct order *order)
{
	struct buf header, claims, token;
	struct ctl *ctl = order->ctl;
	uint64_t now_s = clock_unix_ms() / 1000;
	int status = 0;
	buf_init(&header, 0);
	buf_init(&claims, 0);
	buf_init(&token, 0);
	write_header(order, &header);
	write_claims(order, now_s, &claims);
	if (token_sign(order->signer, buf_view(&header), buf_view(&claims),
		&token) == -1) {
		status = ctl_fail(
		    ctl, CTL_INPUT, "key", "OpenSSL does not sign with it");
	} else {
		ctl_printf(ctl, "%.*s\n", (int)token.len, token.data);
		buf_addf(&ctl->result,
		    "{\"token\":\"%.*s\",\"expires_at\":%llu}", (int)token.len,
		    token.data,
		    (unsigned long long)(now_s + order->ttl_s) * 1000);
	}
	buf_wipe(&token);
	buf_fini(&claims);
	buf_fini(&header);
	return status;
}

static int
print_jwks(struct order *order)
{
	struct ctl *ctl = order->ctl;
	buf_add_text(&ctl->result, "{\"keys\":[");
	if (token_signer_jwk(order->signer, order->kid, &ctl->result) == -1) {
		buf_clear(&ctl->result);
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "a secret is in no key set: --jwks wants --key FILE");
	}
	buf_add_text(&ctl->result, "]}");
	ctl_printf(ctl, "%.*s\n", (int)ctl->result.len, ctl->result.data);
	return CTL_FINE;
}

int
cmd_token(struct ctl *ctl)
{
	struct order order = { .ctl = ctl,
		.algorithm = "",
		.tenant = "default",
		.user = "anonymous",
		.tenant_claim = "tid",
		.user_claim = "sub",
		.ttl_s = TTL_DEFAULT };
	int status = parse(&order);
	if (status == 0)
		status = open_key(&order);
	if (status == 0)
		status =
		    order.wants_jwks ? print_jwks(&order) : print_token(&order);
	token_signer_free(&order.signer);
	return status;
}
