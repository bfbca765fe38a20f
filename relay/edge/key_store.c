/* SPDX-License-Identifier: MIT */
#include "key_store.h"

#include "clock.h"
#include "jwks.h"
#include "log.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

#define MAGIC        0x6b657973u
#define RETRY_MIN_MS 1000

struct key_store {
	uint32_t magic;
	struct settings *settings;
	key_store_news_fn *news;
	void *arg;
	struct fetch *fetch;
	uv_timer_t next;  /* the next look */
	uv_timer_t stale; /* the end of `remote` */
	unsigned open_handles;
	struct key_set *local;  /* of the files */
	struct key_set *remote; /* of the URL; NULL: not there, or too old */
	struct key_set *keys;   /* both together, as handed out */
	uint64_t looked_ms;     /* when the last look began */
	uint64_t retry_ms;      /* after the next failure */
	bool has_looked;
	bool has_failed;   /* the last look */
	bool has_bad_file; /* it saw a file that is no good */
	bool looks_again;  /* as soon as the one under way has ended */
	bool is_outdated;  /* the one under way asked a URL of before */
};

static struct key_store *
store_of(void *data)
{
	struct key_store *store = data;
	assert(store->magic == MAGIC);
	return store;
}

static const struct config *
config_of(const struct key_store *store)
{
	return &store->settings->config;
}

/* --- what is good now --- */

/* Both sources together; tells when that is not what it was. */
static void
unite(struct key_store *store)
{
	bool has_url = store->settings->auth.has_url;
	struct key_set *keys = key_set_copy(store->local);
	if (store->remote)
		key_set_join(keys, store->remote);
	if (has_url && !store->remote)
		key_set_mark_incomplete(keys);
	bool is_same = store->keys && key_set_is_equal(keys, store->keys);
	struct key_set *before = store->keys;
	store->keys = keys;
	key_set_release(&before);
	if (!is_same)
		store->news(store->arg);
}

static void
log_keys(const struct key_store *store)
{
	char count[16];
	snprintf(count, sizeof(count), "%zu", key_set_count(store->keys));
	log_event(LOG_LEVEL_INFO, "auth", "keys", "count", count, NULL);
}

/* --- looking --- */

static bool
is_looking(const struct key_store *store)
{
	return store->fetch && fetch_is_under_way(store->fetch);
}

static void look(struct key_store *store);

static void
on_next(uv_timer_t *timer)
{
	look(store_of(timer->data));
}

static void
look_in(struct key_store *store, uint64_t ms)
{
	uv_timer_start(&store->next, on_next, ms, 0);
}

static void
on_stale(uv_timer_t *timer)
{
	struct key_store *store = store_of(timer->data);
	log_event(LOG_LEVEL_ERROR, "auth", "keys_too_old", "fix",
	    "make auth.jwks reachable again; until then its tokens are "
	    "answered auth_unavailable",
	    NULL);
	key_set_release(&store->remote);
	unite(store);
}

static void
end_look(struct key_store *store, bool has_failed)
{
	uint64_t refetch_ms = config_of(store)->auth_refetch_seconds * 1000;
	uint64_t next_ms = config_of(store)->auth_refresh_seconds * 1000;
	store->has_looked = true;
	store->has_failed = has_failed || store->has_bad_file;
	if (store->has_failed) {
		next_ms =
		    store->retry_ms < refetch_ms ? store->retry_ms : refetch_ms;
		store->retry_ms = 2 * next_ms;
	} else {
		store->retry_ms = RETRY_MIN_MS;
	}
	look_in(store, store->looks_again ? 0 : next_ms);
	store->looks_again = false;
	store->news(store->arg);
}

static void
fail_look(struct key_store *store, const char *reason)
{
	log_throttled(LOG_LEVEL_WARN, "auth", "keys_not_read", "reason", reason,
	    "kept", store->remote ? "the keys before" : "none of the URL",
	    NULL);
	end_look(store, true);
}

static void
on_fetched(void *arg, enum fetch_end end, struct view document)
{
	struct key_store *store = store_of(arg);
	struct error err;
	if (store->is_outdated) {
		store->is_outdated = false;
		store->looks_again = false;
		look(store);
		return;
	}
	if (end != FETCH_FINE) {
		fail_look(store, fetch_end_name(end));
		return;
	}
	struct key_set *remote = key_set_new();
	if (jwks_read(remote, document, store->settings->auth.algorithms,
		&err) == -1) {
		key_set_release(&remote);
		fail_look(store, err.message);
		return;
	}
	key_set_release(&store->remote);
	store->remote = remote;
	uv_timer_start(&store->stale, on_stale,
	    config_of(store)->auth_stale_seconds * 1000, 0);
	unite(store);
	end_look(store, false);
}

static bool
look_at_files(struct key_store *store)
{
	struct error err;
	struct key_set *local =
	    auth_plan_keys(config_of(store), &store->settings->auth, &err);
	if (!local) {
		log_throttled(LOG_LEVEL_WARN, "auth", "keys_not_read", "file",
		    err.where, "reason", err.message, "kept", "the keys before",
		    NULL);
		return false;
	}
	key_set_release(&store->local);
	store->local = local;
	unite(store);
	return true;
}

static void
look(struct key_store *store)
{
	if (is_looking(store)) {
		store->looks_again = true;
		return;
	}
	store->looked_ms = clock_mono_ms();
	store->has_bad_file = !look_at_files(store);
	if (store->settings->auth.has_url)
		fetch_start(store->fetch, config_of(store)->auth_jwks);
	else
		end_look(store, false);
}

void
key_store_ask(struct key_store *store)
{
	uint64_t least_ms = config_of(store)->auth_refetch_seconds * 1000;
	uint64_t since_ms = clock_mono_ms() - store->looked_ms;
	uint64_t in_ms = since_ms >= least_ms ? 0 : least_ms - since_ms;
	if (!store->settings->auth.is_on || is_looking(store) ||
	    uv_timer_get_due_in(&store->next) <= in_ms)
		return;
	look_in(store, in_ms);
}

/* --- life --- */

struct key_store *
key_store_new(struct uv_loop_s *loop, struct settings *settings,
    key_store_news_fn *news, void *arg)
{
	struct key_store *store = xcalloc(1, sizeof(*store));
	store->magic = MAGIC;
	store->news = news;
	store->arg = arg;
	store->retry_ms = RETRY_MIN_MS;
	if (settings->auth.has_url)
		store->fetch = fetch_new(loop, on_fetched, store);
	uv_timer_init(loop, &store->next);
	uv_timer_init(loop, &store->stale);
	store->next.data = store;
	store->stale.data = store;
	store->open_handles = 2;
	key_store_reload(store, settings);
	return store;
}

static void
warn_of_open_secret(const struct settings *settings)
{
	if (settings->auth.secret_is_open)
		log_event(LOG_LEVEL_WARN, "auth", "secret_file_is_open", "path",
		    settings->config.auth_secret_file, "fix",
		    "every user of this machine can read it: chmod 600", NULL);
}

/* What was fetched is good for the same URL, and for the algorithms that it was
 * read for. */
static bool
is_same_source(const struct settings *one, const struct settings *other)
{
	return strcmp(one->config.auth_jwks, other->config.auth_jwks) == 0 &&
	    one->auth.algorithms == other->auth.algorithms;
}

/* The files were read with the settings. */
void
key_store_reload(struct key_store *store, struct settings *settings)
{
	struct settings *before = store->settings;
	store->settings = settings_hold(settings);
	if (before && !is_same_source(before, settings)) {
		key_set_release(&store->remote);
		uv_timer_stop(&store->stale);
		store->is_outdated = is_looking(store);
	}
	settings_release(&before);
	if (!settings->auth.is_on)
		return;
	warn_of_open_secret(settings);
	key_set_release(&store->local);
	store->local = key_set_hold(settings->auth.keys);
	store->has_bad_file = false;
	unite(store);
	log_keys(store);
	if (settings->auth.has_url) {
		look(store);
		return;
	}
	store->looked_ms = clock_mono_ms();
	end_look(store, false);
}

static void
on_closed(uv_handle_t *handle)
{
	struct key_store *store = store_of(handle->data);
	if (--store->open_handles > 0)
		return;
	store->magic = 0;
	free(store);
}

void
key_store_free(struct key_store **store_p)
{
	struct key_store *store = *store_p;
	if (!store)
		return;
	fetch_free(&store->fetch);
	key_set_release(&store->local);
	key_set_release(&store->remote);
	key_set_release(&store->keys);
	settings_release(&store->settings);
	uv_close((uv_handle_t *)&store->next, on_closed);
	uv_close((uv_handle_t *)&store->stale, on_closed);
	*store_p = NULL;
}

struct key_set *
key_store_keys(const struct key_store *store)
{
	return store->keys;
}

enum component
key_store_state(const struct key_store *store)
{
	if (!store->settings->auth.is_on)
		return COMPONENT_DISABLED;
	if (store->settings->auth.has_url && !store->remote)
		return COMPONENT_FAILED;
	return store->has_failed ? COMPONENT_DEGRADED : COMPONENT_READY;
}

bool
key_store_has_looked(const struct key_store *store)
{
	return store->has_looked || !store->settings->auth.is_on;
}
