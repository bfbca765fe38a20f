/* SPDX-License-Identifier: MIT */
#ifndef KEY_STORE_H
#define KEY_STORE_H

/*
 * The keys as they are now: those of the files and, where auth.jwks is a URL,
 * those that were fetched from there. Looks again every auth.refresh_seconds,
 * sooner when tokens of unknown keys come, but not more often than every
 * auth.refetch_seconds. What cannot be reached keeps its last keys for
 * auth.stale_seconds. On the main thread's loop; handshakes never wait for it.
 */

#include "fetch.h"
#include "readiness.h"
#include "settings.h"

struct key_store;

/* Other keys are good from now on. */
typedef void key_store_news_fn(void *arg);

/* Holds the settings while it goes by them. Where there is a URL it forks a
 * process: before there are threads, and before the sandbox. */
struct key_store *key_store_new(struct uv_loop_s *loop,
    struct settings *settings, key_store_news_fn *news, void *arg);
void key_store_free(struct key_store **store);
/* By these from now on, and looks at once. */
void key_store_reload(struct key_store *store, struct settings *settings);
/* A token named a key that is not there. */
void key_store_ask(struct key_store *store);

/* Immutable; NULL when auth is off. Hold it to keep it. */
struct key_set *key_store_keys(const struct key_store *store);
/* Degraded: the last look failed, the keys before are good. Failed: a URL's keys
 * are not there, or too old. Disabled: auth is off. */
enum component key_store_state(const struct key_store *store);
/* Has the first look ended? */
bool key_store_has_looked(const struct key_store *store);

#endif
