/* SPDX-License-Identifier: MIT */
#include "session_parts.h"

#include "clock.h"
#include "xmalloc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

#define TIMEOUT_MS_DEFAULT 2000
#define RENEW_MS_DEFAULT   60000

static struct view
copy_text(struct view text)
{
	return view_make(xstrndup(text.data, text.len), text.len);
}

static void
init_lists(struct session_env *env)
{
	list_init(&env->all);
	list_init(&env->hellos);
	list_init(&env->waits);
	list_init(&env->renews);
	list_init(&env->agains);
	list_init(&env->chats);
	list_init(&env->drain_busy);
	list_init(&env->drain_over);
}

static void
init_scratch(struct session_env *env)
{
	json_doc_init(&env->doc);
	env->scratch = schema_scratch_new();
	buf_init(&env->frame, 0);
	buf_init(&env->key, 0);
	buf_init(&env->text, 0);
	buf_init(&env->request, 0);
}

static void
fill_options(struct session_options *options)
{
	if (options->timeout_ms == 0)
		options->timeout_ms = TIMEOUT_MS_DEFAULT;
	if (options->renew_ms == 0)
		options->renew_ms = RENEW_MS_DEFAULT;
}

struct session_env *
session_env_new(const struct session_options *options,
    const struct contract *contract, struct hub *hub, struct stats *stats,
    const struct sink_ops *sink, void *sink_arg)
{
	struct session_env *env = xcalloc(1, sizeof *env);
	env->options = *options;
	env->options.prefix = copy_text(options->prefix);
	env->options.node = copy_text(options->node);
	fill_options(&env->options);
	env->contract = contract;
	env->hub = hub;
	env->stats = stats;
	env->sink = sink;
	env->sink_arg = sink_arg;
	env->bucket_count = FIRST_BUCKETS;
	env->buckets = xcalloc(env->bucket_count, sizeof *env->buckets);
	env->down_ms = clock_mono_ms();
	env->down_unix_ms = clock_unix_ms();
	init_lists(env);
	init_scratch(env);
	return env;
}

static void
not_after(uint64_t *due_ms, uint64_t latest_ms)
{
	if (*due_ms > latest_ms)
		*due_ms = latest_ms;
}

/* A list has one delay for all: when that becomes shorter, those who stand in
 * it already may not hold up those who come. */
static void
hurry(struct session_env *env)
{
	uint64_t wait_ms = env->now_ms + env->options.timeout_ms;
	uint64_t renew_ms = env->now_ms + env->options.renew_ms;
	list_foreach(at, &env->waits)
		not_after(
		    &list_entry(at, struct session, timer)->timer_ms, wait_ms);
	list_foreach(at, &env->renews)
		not_after(
		    &list_entry(at, struct chat, renew)->renew_ms, renew_ms);
}

void
session_env_reload(struct session_env *env,
    const struct session_options *options, const struct contract *contract)
{
	struct session_options before = env->options;
	env->options = *options;
	env->options.prefix = before.prefix;
	env->options.node = before.node;
	fill_options(&env->options);
	assert(contract->endpoint_count == env->contract->endpoint_count);
	env->contract = contract;
	hurry(env);
}

void
session_env_attach_drift(struct session_env *env, struct drift *drift)
{
	env->drift = drift;
}

void
session_env_attach_users(struct session_env *env, struct users *users)
{
	env->users = users;
}

void
session_env_free(struct session_env **env_p)
{
	struct session_env *env = *env_p;
	if (env == NULL)
		return;
	*env_p = NULL;
	assert(env->count == 0);
	json_doc_fini(&env->doc);
	schema_scratch_free(&env->scratch);
	due_heap_fini(&env->terms);
	buf_fini(&env->frame);
	buf_fini(&env->key);
	buf_fini(&env->text);
	buf_fini(&env->request);
	free((char *)(uintptr_t)env->options.prefix.data);
	free((char *)(uintptr_t)env->options.node.data);
	free(env->buckets);
	free(env);
}

/* Numbers are given in turn, so their low bits spread evenly. */
static struct session **
bucket_of(const struct session_env *env, uint64_t number)
{
	return &env->buckets[number & (env->bucket_count - 1)];
}

static void
table_insert(struct session_env *env, struct session *session)
{
	struct session **bucket = bucket_of(env, session->number);
	session->hash_next = *bucket;
	*bucket = session;
}

static void
table_grow(struct session_env *env)
{
	struct session **old = env->buckets;
	size_t old_count = env->bucket_count;
	env->bucket_count *= 2;
	env->buckets = xcalloc(env->bucket_count, sizeof *env->buckets);
	for (size_t i = 0; i < old_count; i++) {
		while (old[i] != NULL) {
			struct session *session = old[i];
			old[i] = session->hash_next;
			table_insert(env, session);
		}
	}
	free(old);
}

static void
count_clients(const struct session *session, int change)
{
	stat_add(session->env->stats, clients[session->endpoint_index], change);
}

void
session_env_add(struct session_env *env, struct session *session)
{
	if (env->count == env->bucket_count)
		table_grow(env);
	session->number = ++env->last_number;
	table_insert(env, session);
	list_add_tail(&env->all, &session->all);
	env->count++;
	env->drain_total++;
	count_clients(session, 1);
}

void
session_env_remove(struct session *session)
{
	struct session_env *env = session->env;
	struct session **at = bucket_of(env, session->number);
	while (*at != session)
		at = &(*at)->hash_next;
	*at = session->hash_next;
	list_remove(&session->all);
	list_remove(&session->timer);
	env->count--;
	count_clients(session, -1);
}

struct session *
session_env_find(struct session_env *env, uint64_t number)
{
	struct session *at = *bucket_of(env, number);
	while (at != NULL && at->number != number)
		at = at->hash_next;
	return at;
}

size_t
session_env_count(const struct session_env *env)
{
	return env->count;
}

size_t
session_env_chats(const struct session_env *env)
{
	size_t count = 0;
	list_foreach(at, &env->chats)
		count++;
	return count;
}

static void
tell_down(struct session *session)
{
	struct session_env *env = session->env;
	if (!session->notices || !session->hello_sent || session->told_degraded)
		return;
	session->told_degraded = true;
	notice_begin(&env->frame);
	notice_degraded(&env->frame, env->redis_reason,
	    session_endpoint(session)->direction == CONTRACT_BOTH,
	    env->down_unix_ms);
	session_send(session);
}

static void
tell_up(struct session *session)
{
	struct session_env *env = session->env;
	if (!session->told_degraded)
		return;
	session->told_degraded = false;
	notice_begin(&env->frame);
	notice_recovered(&env->frame, env->now_ms - env->down_ms);
	session_send(session);
}

/* Frames that wait for a position will not get it soon. */
static void
give_up_waits(struct session_env *env)
{
	list_foreach(at, &env->waits)
		inbox_give_up(
		    list_entry(at, struct session, timer), SINK_DEGRADED);
}

static void
tell_all(struct session_env *env, void (*tell)(struct session *session))
{
	list_foreach(at, &env->all)
		tell(list_entry(at, struct session, all));
	list_foreach(at, &env->drain_busy)
		tell(list_entry(at, struct session, all));
}

void
session_env_redis(
    struct session_env *env, bool up, const char *reason, uint64_t now_ms)
{
	env->now_ms = now_ms;
	if (env->redis_up == up)
		return;
	env->redis_up = up;
	if (up) {
		tell_all(env, tell_up);
		return;
	}
	env->down_ms = now_ms;
	env->down_unix_ms = clock_unix_ms();
	snprintf(env->redis_reason, sizeof env->redis_reason, "%s",
	    reason != NULL ? reason : "closed");
	tell_all(env, tell_down);
	give_up_waits(env);
}

/* The head of a timer list, when it is due. */
static struct session *
due(struct list *list, uint64_t now_ms)
{
	if (list_is_empty(list))
		return NULL;
	struct session *session = list_entry(list->next, struct session, timer);
	return session->timer_ms <= now_ms ? session : NULL;
}

static struct session *
due_renew(struct session_env *env)
{
	if (list_is_empty(&env->renews))
		return NULL;
	struct chat *chat = list_entry(env->renews.next, struct chat, renew);
	return chat->renew_ms <= env->now_ms ? chat->session : NULL;
}

/* A position that was found without a callback, and what calls from inside
 * the hub left undone. */
static void
tick_agains(struct session_env *env)
{
	struct list batch;
	list_init(&batch);
	while (!list_is_empty(&env->agains)) {
		struct list *at = env->agains.next;
		list_remove(at);
		list_add_tail(&batch, at);
	}
	while (!list_is_empty(&batch)) {
		struct list *at = batch.next;
		list_remove(at);
		inbox_again(list_entry(at, struct chat, again)->session);
	}
}

void
session_env_tick(struct session_env *env, uint64_t now_ms)
{
	struct session *session;
	env->now_ms = now_ms;
	tick_agains(env);
	list_foreach(at, &env->waits)
		inbox_pump(list_entry(at, struct session, timer));
	while ((session = due(&env->waits, now_ms)) != NULL)
		inbox_give_up(session, SINK_TIMEOUT);
	while ((session = due(&env->hellos, now_ms)) != NULL) {
		list_remove(&session->timer);
		session_hello(session, NULL);
	}
	while ((session = due_renew(env)) != NULL)
		run_renew(session);
	session_chats_tick(env);
	if (env->draining)
		session_drain_tick(env);
}
