/* SPDX-License-Identifier: MIT */
#include "daemon_parts.h"

#include "clock.h"
#include "key_store.h"
#include "log.h"
#include "tls_identity.h"
#include "users.h"

#include <stdatomic.h>

/* --- keys --- */

/* Once they are made the workers have keys of their own. */
static void
on_keys(void *arg)
{
	struct daemon *daemon = arg;
	struct worker_shared *shared = &daemon->shared;
	if (!daemon->key_store)
		return;
	struct key_set *before = shared->keys;
	struct key_set *keys = key_store_keys(daemon->key_store);
	atomic_store(&shared->keys_state, key_store_state(daemon->key_store));
	if (!keys || keys == before)
		return;
	shared->keys = key_set_hold(keys);
	key_set_release(&before);
	for (size_t i = 0; shared->workers && i < shared->worker_count; i++)
		worker_trust(shared->workers[i]);
}

void
daemon_open_keys(struct daemon *daemon)
{
	daemon->shared.users = users_new();
	daemon->key_store =
	    key_store_new(&daemon->loop, daemon->settings, on_keys, daemon);
	on_keys(daemon);
}

/* --- reloading --- */

void
daemon_warn_of_certificate(const struct settings *settings)
{
	if (!settings->tls)
		return;
	const char *warning =
	    tls_identity_warning(settings->tls, clock_unix_ms());
	if (*warning)
		log_event(LOG_LEVEL_WARN, "relayd", "certificate", "problem",
		    warning, NULL);
}

void
daemon_warn_of_keys(const struct settings *settings)
{
	const struct config *config = &settings->config;
	if (config->auth != 0 ||
	    (!*config->auth_secret_file && !*config->auth_jwks))
		return;
	log_event(LOG_LEVEL_WARN, "auth", "keys_unused", "problem",
	    "auth.secret_file or auth.jwks is given, but auth is off: nobody "
	    "is asked for a token",
	    "fix", "say --auth jwt, or leave the keys out", NULL);
}

static void
replace_settings(struct daemon *daemon, struct settings *take_next)
{
	struct settings *before = daemon->settings;
	take_next->number = before->number + 1;
	take_next->most_connections = before->most_connections;
	daemon_cap_connections(daemon, take_next);
	settings_keep_pact(take_next, before);
	settings_open_drifts(
	    take_next, daemon->shared.worker_count, clock_unix_ms());
	daemon->settings = take_next;
	daemon->shared.settings = take_next;
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		worker_reload(daemon->shared.workers[i]);
	settings_release(&before);
	key_store_reload(daemon->key_store, take_next);
	log_setup((enum log_level)take_next->config.log_level,
	    (enum log_format)take_next->config.log_format,
	    (unsigned)take_next->config.limits_log_lines);
	daemon_warn_of_certificate(take_next);
	daemon_warn_of_keys(take_next);
}

void
daemon_on_hangup(uv_signal_t *handle, int signal_number)
{
	struct daemon *daemon = handle->data;
	struct error err = { 0 };
	(void)signal_number;
	if (atomic_load(&daemon->shared.is_draining))
		return;
	struct settings *next =
	    daemon->plan->read_again(daemon->plan->arg, &err);
	if (next && settings_may_follow(daemon->settings, next, &err) == 0) {
		replace_settings(daemon, next);
		return;
	}
	settings_release(&next);
	log_event(LOG_LEVEL_ERROR, "relayd", "reload_refused", "where",
	    err.where, "error", err.message, "kept",
	    daemon->settings->contract_id, "kept_hash",
	    daemon->settings->contract->hash, NULL);
}

/* Once all workers go by the new settings. */
void
daemon_report_reload(struct daemon *daemon)
{
	static const char *const modes[] = { "off", "warn", "enforce" };
	const struct settings *settings = daemon->settings;
	for (size_t i = 0; i < daemon->shared.worker_count; i++)
		if (worker_settings_number(daemon->shared.workers[i]) !=
		    settings->number)
			return;
	if (daemon->reported == settings->number)
		return;
	daemon->reported = settings->number;
	log_event(LOG_LEVEL_INFO, "relayd", "reloaded", "contract",
	    settings->contract_id, "contract_hash", settings->contract->hash,
	    "mode", modes[settings->config.mode], NULL);
}
