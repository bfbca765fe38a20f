/* SPDX-License-Identifier: MIT */
#include "settings.h"

#include "address.h"
#include "drift.h"
#include "exit_code.h"
#include "tls_identity.h"
#include "xmalloc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static void
pact_release(struct pact *pact)
{
	if (!pact ||
	    atomic_fetch_sub_explicit(&pact->holders, 1, memory_order_acq_rel) >
		1)
		return;
	for (size_t i = 0; i < pact->drift_count; i++)
		drift_free(&pact->drifts[i]);
	free(pact->drifts);
	contract_free(&pact->contract);
	free(pact);
}

void
settings_open_drifts(struct settings *settings, size_t workers, uint64_t now_ms)
{
	struct pact *pact = settings->pact;
	if (pact->drifts)
		return;
	pact->bound.cells_max = (uint32_t)settings->config.limits_drift_cells;
	pact->drifts = xcalloc(workers, sizeof(struct drift *));
	pact->drift_count = workers;
	for (size_t i = 0; i < workers; i++)
		pact->drifts[i] =
		    drift_new(pact->contract, &pact->bound, now_ms);
}

void
settings_keep_pact(struct settings *next, const struct settings *now)
{
	if (strcmp(next->contract->hash, now->contract->hash) != 0 ||
	    next->config.limits_drift_cells != now->config.limits_drift_cells)
		return;
	pact_release(next->pact);
	atomic_fetch_add_explicit(&now->pact->holders, 1, memory_order_relaxed);
	next->pact = now->pact;
	next->contract = next->pact->contract;
}

static int
load_contract(struct settings *settings, struct error *err)
{
	struct contract *contract =
	    contract_load(settings->config.contract, err);
	if (!contract)
		return EXIT_CODE_CONTRACT;
	settings->pact = xcalloc(1, sizeof(*settings->pact));
	settings->pact->contract = contract;
	atomic_init(&settings->pact->holders, 1);
	settings->contract = contract;
	snprintf(settings->contract_id, sizeof(settings->contract_id), "%s/%s",
	    contract->name, contract->version);
	return 0;
}

static int
read_rules(struct settings *settings, struct error *err)
{
	const struct config_list *list = &settings->config.modes;
	settings->rules = xcalloc(list->count + 1, sizeof(*settings->rules));
	for (size_t i = 0; i < list->count; i++) {
		struct error why;
		if (mode_rule_parse(settings->contract, list->items[i],
			&settings->rules[i], &why) == -1) {
			error_set(err, "modes", "%.200s: %.280s", why.where,
			    why.message);
			return EXIT_CODE_CONFIG;
		}
	}
	settings->rule_count = list->count;
	return 0;
}

/* What no browser sends would let nobody in, and nobody would know why. */
static int
read_origins(struct settings *settings, struct error *err)
{
	const struct config_list *list = &settings->config.origins;
	settings->origins = xcalloc(list->count + 1, sizeof(struct origin));
	settings->origin_count = list->count;
	for (size_t i = 0; i < list->count; i++) {
		if (origin_parse(
			view_of(list->items[i]), &settings->origins[i]))
			continue;
		error_set(err, "origins",
		    "\"%.200s\" is no origin: give SCHEME://HOST[:PORT], no "
		    "path and no slash behind it",
		    list->items[i]);
		return EXIT_CODE_CONFIG;
	}
	return 0;
}

static int
read_proxies(struct settings *settings, struct error *err)
{
	const struct config_list *list = &settings->config.trusted_proxies;
	settings->proxies =
	    xcalloc(list->count + 1, sizeof(*settings->proxies));
	for (size_t i = 0; i < list->count; i++) {
		struct error why;
		if (network_parse(
			list->items[i], &settings->proxies[i], &why) == -1) {
			error_set(err, "trusted_proxies", "%s", why.message);
			return EXIT_CODE_CONFIG;
		}
	}
	settings->proxy_count = list->count;
	return 0;
}

static int
read_identity(struct settings *settings, struct error *err)
{
	const struct config *config = &settings->config;
	if (!*config->tls_cert && !*config->tls_key)
		return 0;
	settings->tls =
	    tls_identity_load(config->tls_cert, config->tls_key, err);
	return settings->tls ? 0 : EXIT_CODE_TLS;
}

struct settings *
settings_new(struct config *take_config, int *code_r, struct error *err)
{
	struct settings *settings = xcalloc(1, sizeof(*settings));
	settings->config = *take_config;
	*take_config = (struct config){ 0 };
	settings->max_connections = settings->config.limits_connections;
	settings->most_connections = settings->config.limits_connections;
	atomic_init(&settings->holders, 1);
	*code_r = config_check(&settings->config, err);
	if (*code_r == 0)
		*code_r =
		    auth_plan_read(&settings->config, &settings->auth, err);
	if (*code_r == 0)
		*code_r = load_contract(settings, err);
	if (*code_r == 0)
		*code_r = read_rules(settings, err);
	if (*code_r == 0)
		*code_r = read_proxies(settings, err);
	if (*code_r == 0)
		*code_r = read_identity(settings, err);
	if (*code_r == 0)
		*code_r = read_origins(settings, err);
	if (*code_r != 0)
		settings_release(&settings);
	return settings;
}

struct settings *
settings_read(int argc, char *const *argv, const char *bundled_contract,
    int *code_r, struct error *err)
{
	struct config config;
	*code_r = config_read(&config, argc, argv, bundled_contract, err);
	if (*code_r == 0)
		return settings_new(&config, code_r, err);
	config_fini(&config);
	return NULL;
}

struct settings *
settings_hold(struct settings *settings)
{
	atomic_fetch_add_explicit(&settings->holders, 1, memory_order_relaxed);
	return settings;
}

/* What any holder has read was read before the last one frees it. */
void
settings_release(struct settings **settings_p)
{
	struct settings *settings = *settings_p;
	*settings_p = NULL;
	if (!settings)
		return;
	unsigned before = atomic_fetch_sub_explicit(
	    &settings->holders, 1, memory_order_acq_rel);
	assert(before > 0);
	if (before > 1)
		return;
	tls_identity_free(&settings->tls);
	free(settings->proxies);
	free(settings->origins);
	free(settings->rules);
	pact_release(settings->pact);
	auth_plan_fini(&settings->auth);
	config_fini(&settings->config);
	free(settings);
}

/* --- may it follow? --- */

static int
compare_options(
    const struct settings *now, const struct settings *next, struct error *err)
{
	const char *key = config_needs_restart(&now->config, &next->config);
	if (key)
		return error_set(
		    err, key, "was changed, which only a restart can apply");
	if (next->auth.has_url && !now->auth.has_url)
		return error_set(err, "auth.jwks",
		    "a URL in place of a file needs a restart");
	if (next->config.limits_connections > now->most_connections)
		return error_set(err, "limits.connections",
		    "can be raised beyond %" PRIu64 " only by a restart",
		    now->most_connections);
	if (!now->tls != !next->tls)
		return error_set(err, "tls.cert",
		    "TLS can be switched on or off only by a restart");
	return 0;
}

static bool
is_same_endpoint(
    const struct contract_endpoint *now, const struct contract_endpoint *next)
{
	return strcmp(now->name, next->name) == 0 &&
	    strcmp(now->path, next->path) == 0 &&
	    now->direction == next->direction;
}

/* Sessions and topics know their endpoint by its place. */
static int
compare_endpoints(
    const struct contract *now, const struct contract *next, struct error *err)
{
	char where[256];
	for (size_t i = 0; i < now->endpoint_count; i++) {
		const struct contract_endpoint *endpoint = &now->endpoints[i];
		if (i < next->endpoint_count &&
		    is_same_endpoint(endpoint, &next->endpoints[i]))
			continue;
		snprintf(where, sizeof(where), "%s/contract.json#/endpoints",
		    next->directory);
		return error_set(err, where,
		    "endpoint %s on %s must stay what it is, at its place, as "
		    "long as the relay runs; another set of endpoints needs a "
		    "restart",
		    endpoint->name, endpoint->path);
	}
	if (next->endpoint_count == now->endpoint_count)
		return 0;
	snprintf(where, sizeof(where), "%s/contract.json#/endpoints/%s",
	    next->directory, next->endpoints[now->endpoint_count].name);
	return error_set(err, where, "a new endpoint needs a restart");
}

int
settings_may_follow(
    const struct settings *now, const struct settings *next, struct error *err)
{
	if (compare_options(now, next, err) == -1)
		return -1;
	return compare_endpoints(now->contract, next->contract, err);
}
