/* SPDX-License-Identifier: MIT */
#include "auth_plan.h"

#include "auth_file.h"
#include "exit_code.h"
#include "jwks.h"
#include "nearest.h"

#define PUBLIC_ALGORITHMS                                            \
	(1u << TOKEN_RS256 | 1u << TOKEN_PS256 | 1u << TOKEN_ES256 | \
	    1u << TOKEN_EDDSA)
#define SECRET_ALGORITHMS (1u << TOKEN_HS256)

bool
auth_is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 ||
	    strncmp(text, "https://", 8) == 0;
}

/* --- which algorithms --- */

static int
unknown_algorithm(const char *name, struct error *err)
{
	const char *known[TOKEN_ALGORITHMS];
	for (size_t i = 0; i < TOKEN_ALGORITHMS; i++)
		known[i] = token_algorithm_name((enum token_algorithm)i);
	const char *near = nearest_name(view_of(name), known, TOKEN_ALGORITHMS);
	return error_set(err, "auth.algorithms",
	    "\"%.32s\" is none of HS256, RS256, PS256, ES256, EdDSA%s%s%s",
	    name, near ? "; did you mean " : "", near ? near : "",
	    near ? "?" : "");
}

static int
list_algorithms(
    const struct config_list *list, unsigned *algorithms_r, struct error *err)
{
	*algorithms_r = 0;
	for (size_t i = 0; i < list->count; i++) {
		enum token_algorithm algorithm;
		if (!token_algorithm_find(view_of(list->items[i]), &algorithm))
			return unknown_algorithm(list->items[i], err);
		*algorithms_r |= 1u << algorithm;
	}
	return 0;
}

/* What is listed must have a key that it could be for, and each source of keys
 * an algorithm; where nothing is listed, the sources say what there is. */
static int
match_sources(
    const struct config *config, struct auth_plan *plan, struct error *err)
{
	bool has_secret = *config->auth_secret_file;
	bool has_jwks = *config->auth_jwks;
	unsigned possible = (has_secret ? SECRET_ALGORITHMS : 0) |
	    (has_jwks ? PUBLIC_ALGORITHMS : 0);
	if (possible == 0)
		return error_set(err, "auth",
		    "jwt needs keys: give auth.secret_file (HS256), auth.jwks "
		    "(RS256, PS256, ES256, EdDSA) or both");
	if (plan->algorithms == 0)
		plan->algorithms = possible;
	if (plan->algorithms & ~possible)
		return error_set(err, "auth.algorithms",
		    plan->algorithms & ~possible & SECRET_ALGORITHMS
			? "HS256 needs auth.secret_file"
			: "RS256, PS256, ES256 and EdDSA need auth.jwks");
	if (has_secret && !(plan->algorithms & SECRET_ALGORITHMS))
		return error_set(err, "auth.secret_file",
		    "is of no use: auth.algorithms does not list HS256");
	if (has_jwks && !(plan->algorithms & PUBLIC_ALGORITHMS))
		return error_set(err, "auth.jwks",
		    "is of no use: auth.algorithms lists HS256 alone");
	return 0;
}

/* --- the policy --- */

static void
read_policy(const struct config *config, struct token_policy *policy)
{
	policy->issuer = view_of(config->auth_issuer);
	policy->audience = view_of(config->auth_audience);
	policy->tenant_claim = view_of(config->auth_tenant_claim);
	policy->user_claim = view_of(config->auth_user_claim);
	policy->leeway_s = config->auth_leeway_seconds;
}

static int
check_options(
    const struct config *config, struct auth_plan *plan, struct error *err)
{
	if (list_algorithms(&config->auth_algorithms, &plan->algorithms, err) ==
		-1 ||
	    match_sources(config, plan, err) == -1)
		return EXIT_CODE_CONFIG;
	if (!*config->auth_tenant_claim) {
		error_set(err, "auth.tenant_claim", "may not be empty");
		return EXIT_CODE_CONFIG;
	}
	return 0;
}

/* --- files --- */

static int
add_secret(
    const char *path, struct key_set *set, bool *is_open_r, struct error *err)
{
	struct buf text;
	const char *why = NULL;
	buf_init(&text, 0);
	int code = auth_file_read(path, AUTH_SECRET_MAX, &text, is_open_r, err);
	if (code == 0) {
		const struct token_key_parts parts = {
			.algorithm = TOKEN_HS256,
			.first = auth_file_line(buf_view(&text)),
		};
		struct token_key *key = token_key_new(&parts, &why);
		if (key)
			key_set_add(set, &key);
	}
	buf_wipe(&text);
	if (why) {
		error_set(
		    err, path, "%s; make one with: openssl rand -hex 32", why);
		code = EXIT_CODE_TLS;
	}
	return code;
}

static int
add_jwks(const char *path, unsigned algorithms, struct key_set *set,
    struct error *err)
{
	struct buf text;
	struct error why;
	bool is_open;
	buf_init(&text, 0);
	int code = auth_file_read(path, JWKS_MAX, &text, &is_open, err);
	if (code == 0 &&
	    jwks_read(set, buf_view(&text), algorithms, &why) == -1) {
		error_set(err, path, "%s", why.message);
		code = EXIT_CODE_TLS;
	}
	buf_fini(&text);
	return code;
}

static int
add_files(const struct config *config, const struct auth_plan *plan,
    struct key_set *set, bool *is_open_r, struct error *err)
{
	int code = 0;
	*is_open_r = false;
	if (*config->auth_secret_file)
		code =
		    add_secret(config->auth_secret_file, set, is_open_r, err);
	if (code == 0 && plan->has_file)
		code = add_jwks(config->auth_jwks, plan->algorithms, set, err);
	return code;
}

struct key_set *
auth_plan_keys(const struct config *config, const struct auth_plan *plan,
    struct error *err)
{
	bool is_open;
	struct key_set *set = key_set_new();
	if (add_files(config, plan, set, &is_open, err) != 0)
		key_set_release(&set);
	return set;
}

int
auth_plan_read(
    const struct config *config, struct auth_plan *plan, struct error *err)
{
	*plan = (struct auth_plan){ .is_on = config->auth != 0 };
	read_policy(config, &plan->policy);
	if (!plan->is_on)
		return 0;
	int code = check_options(config, plan, err);
	if (code != 0)
		return code;
	plan->has_url = auth_is_url(config->auth_jwks);
	plan->has_file = *config->auth_jwks && !plan->has_url;
	plan->keys = key_set_new();
	return add_files(config, plan, plan->keys, &plan->secret_is_open, err);
}

void
auth_plan_fini(struct auth_plan *plan)
{
	key_set_release(&plan->keys);
	*plan = (struct auth_plan){ 0 };
}
