/* SPDX-License-Identifier: MIT */
#ifndef AUTH_PLAN_H
#define AUTH_PLAN_H

/*
 * What the options of `auth` come to: which tokens are taken, and the keys that
 * are in files. Read as a whole, immutable afterwards. The keys behind a URL are
 * for edge/key_store.h.
 */

#include "config.h"
#include "error.h"
#include "token.h"

struct auth_plan {
	bool is_on;                 /* --auth jwt */
	struct token_policy policy; /* its views point into the config */
	unsigned algorithms;        /* bits, as jwks.h has them */
	bool has_url;               /* auth.jwks is a URL … */
	bool has_file;              /* … or a file */
	bool secret_is_open;        /* others may read the file of the secret */
	struct key_set *keys;       /* of the files; NULL when off */
};

/* The config outlives the plan. 0, or an exit code (exit_code.h) and err:
 * options that contradict each other (64), a file that is no good (67) or that
 * may not be read (69). Call auth_plan_fini in any case. */
int auth_plan_read(
    const struct config *config, struct auth_plan *plan, struct error *err);
void auth_plan_fini(struct auth_plan *plan);

/* The keys of the files as they are now; NULL and err. */
struct key_set *auth_plan_keys(const struct config *config,
    const struct auth_plan *plan, struct error *err);

/* http:// or https:// */
bool auth_is_url(const char *text);

#endif
