/* SPDX-License-Identifier: MIT */
#ifndef SETTINGS_H
#define SETTINGS_H

/*
 * All that a reload changes at once: the configuration, the contract that it
 * names and what follows from both. Checked as a whole, immutable from the time
 * it is shared, held by every thread that goes by it; the last one frees it.
 */

#include "auth_plan.h"
#include "config.h"
#include "contract.h"
#include "drift.h"
#include "mode_rule.h"
#include "origin.h"

#include <stdatomic.h>

struct network;
struct tls_identity;

/* A contract and what traffic showed against it, one drift for each worker.
 * Settings with an equal contract share both: the report outlives a change of
 * modes. */
struct pact {
	struct contract *contract;
	struct drift_bound bound;
	struct drift **drifts;
	size_t drift_count;
	_Atomic unsigned holders;
};

struct settings {
	struct config config;
	struct auth_plan auth;
	struct pact *pact;
	const struct contract *contract; /* the pact's */
	char contract_id[160];           /* name/version */
	struct mode_rule *rules;
	size_t rule_count;
	struct origin *origins; /* their texts are the config's */
	size_t origin_count;
	struct network *proxies; /* that are trusted */
	size_t proxy_count;
	struct tls_identity *tls; /* NULL: the public listener is plain */
	/* Filled by who shares it first. */
	uint64_t number;           /* 1, 2, 3 … */
	uint64_t max_connections;  /* what the descriptors allow of the limit */
	uint64_t most_connections; /* the limit at the start */
	_Atomic unsigned holders;
};

/* Takes the config, also on failure (then it is ended). NULL: *code_r is the
 * exit code (exit_code.h), and err. */
struct settings *settings_new(
    struct config *take_config, int *code_r, struct error *err);

/* The same from the sources, as config_read does. */
struct settings *settings_read(int argc, char *const *argv,
    const char *bundled_contract, int *code_r, struct error *err);

/* From any thread. */
struct settings *settings_hold(struct settings *settings);
void settings_release(struct settings **settings);

/* Before they are shared: one drift for each worker, if there is none yet. */
void settings_open_drifts(
    struct settings *settings, size_t workers, uint64_t now_ms);
/* Before `next` is shared: it goes on with the pact of `now` if the contract is
 * still the same, and the bound of the drift report too. */
void settings_keep_pact(struct settings *next, const struct settings *now);

/* May `next` take the place of `now` while the relay runs? -1: err->where is
 * the option or the endpoint that only a restart can change. */
int settings_may_follow(
    const struct settings *now, const struct settings *next, struct error *err);

#endif
