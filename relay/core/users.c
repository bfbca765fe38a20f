/* SPDX-License-Identifier: MIT */
#include "users.h"

#include "json.h"
#include "xmalloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

struct user {
	struct user *next;
	uint64_t connections;
	uint32_t hash;
	size_t tenant_len, user_len;
	char names[]; /* tenant, user */
};

struct users {
	pthread_mutex_t lock;
	struct user **buckets;
	size_t bucket_count; /* a power of two */
	size_t count;
};

struct users *
users_new(void)
{
	struct users *users = xcalloc(1, sizeof(*users));
	pthread_mutex_init(&users->lock, NULL);
	users->bucket_count = FIRST_BUCKETS;
	users->buckets = xcalloc(FIRST_BUCKETS, sizeof(*users->buckets));
	return users;
}

void
users_free(struct users **users_p)
{
	struct users *users = *users_p;
	if (!users)
		return;
	assert(users->count == 0);
	pthread_mutex_destroy(&users->lock);
	free(users->buckets);
	free(users);
	*users_p = NULL;
}

static uint32_t
hash_of(struct view tenant, struct view user)
{
	return json_hash(tenant) * 31 + json_hash(user);
}

static struct user **
bucket_of(const struct users *users, uint32_t hash)
{
	return &users->buckets[hash & (users->bucket_count - 1)];
}

static bool
is_named(const struct user *entry, struct view tenant, struct view user)
{
	return view_equal(view_make(entry->names, entry->tenant_len), tenant) &&
	    view_equal(
		view_make(entry->names + entry->tenant_len, entry->user_len),
		user);
}

/* Where the user is linked, or where it would be. */
static struct user **
find(const struct users *users, struct view tenant, struct view user)
{
	struct user **at = bucket_of(users, hash_of(tenant, user));
	while (*at && !is_named(*at, tenant, user))
		at = &(*at)->next;
	return at;
}

static void
grow(struct users *users)
{
	struct user **old = users->buckets;
	size_t old_count = users->bucket_count;
	users->bucket_count *= 2;
	users->buckets = xcalloc(users->bucket_count, sizeof(*users->buckets));
	for (size_t i = 0; i < old_count; i++) {
		while (old[i]) {
			struct user *entry = old[i];
			struct user **to = bucket_of(users, entry->hash);
			old[i] = entry->next;
			entry->next = *to;
			*to = entry;
		}
	}
	free(old);
}

static struct user *
add(struct users *users, struct view tenant, struct view user)
{
	if (users->count == users->bucket_count)
		grow(users);
	struct user **at = bucket_of(users, hash_of(tenant, user));
	struct user *entry =
	    xcalloc(1, sizeof(*entry) + tenant.len + user.len + 1);
	entry->hash = hash_of(tenant, user);
	entry->tenant_len = tenant.len;
	entry->user_len = user.len;
	memcpy(entry->names, tenant.data, tenant.len);
	memcpy(entry->names + tenant.len, user.data, user.len);
	entry->next = *at;
	*at = entry;
	users->count++;
	return entry;
}

bool
users_enter(
    struct users *users, struct view tenant, struct view user, uint64_t max)
{
	pthread_mutex_lock(&users->lock);
	struct user *entry = *find(users, tenant, user);
	bool has_room = !entry || max == 0 || entry->connections < max;
	if (has_room && !entry)
		entry = add(users, tenant, user);
	if (has_room)
		entry->connections++;
	pthread_mutex_unlock(&users->lock);
	return has_room;
}

void
users_leave(struct users *users, struct view tenant, struct view user)
{
	pthread_mutex_lock(&users->lock);
	struct user **at = find(users, tenant, user);
	struct user *entry = *at;
	assert(entry && entry->connections > 0);
	if (--entry->connections == 0) {
		*at = entry->next;
		free(entry);
		users->count--;
	}
	pthread_mutex_unlock(&users->lock);
}

size_t
users_count(struct users *users)
{
	pthread_mutex_lock(&users->lock);
	size_t count = users->count;
	pthread_mutex_unlock(&users->lock);
	return count;
}
