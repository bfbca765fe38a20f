/* SPDX-License-Identifier: MIT */
#include "key_set.h"

#include "xmalloc.h"

#include <stdatomic.h>
#include <stdlib.h>

struct key_set {
	_Atomic unsigned holders;
	bool is_incomplete;
	size_t count;
	struct token_key *keys[KEY_SET_MAX];
};

struct key_set *
key_set_new(void)
{
	struct key_set *set = xcalloc(1, sizeof(*set));
	atomic_init(&set->holders, 1);
	return set;
}

struct key_set *
key_set_copy(const struct key_set *set)
{
	struct key_set *copy = key_set_new();
	copy->is_incomplete = set->is_incomplete;
	copy->count = set->count;
	for (size_t i = 0; i < set->count; i++)
		copy->keys[i] = token_key_hold(set->keys[i]);
	return copy;
}

struct key_set *
key_set_hold(struct key_set *set)
{
	atomic_fetch_add_explicit(&set->holders, 1, memory_order_relaxed);
	return set;
}

void
key_set_release(struct key_set **set_p)
{
	struct key_set *set = *set_p;
	*set_p = NULL;
	if (!set ||
	    atomic_fetch_sub_explicit(&set->holders, 1, memory_order_acq_rel) >
		1)
		return;
	for (size_t i = 0; i < set->count; i++)
		token_key_release(&set->keys[i]);
	free(set);
}

static bool
clashes(
    const struct token_key *one, const struct token_key *other, struct view kid)
{
	if (token_key_has_kid(one) != token_key_has_kid(other))
		return false;
	if (token_key_has_kid(one))
		return token_key_is_named(other, kid);
	return token_key_algorithm(one) == token_key_algorithm(other);
}

bool
key_set_add(struct key_set *set, struct token_key **take_key)
{
	struct token_key *key = *take_key;
	bool has_room = set->count < KEY_SET_MAX;
	*take_key = NULL;
	for (size_t i = 0; has_room && i < set->count; i++)
		has_room = !clashes(key, set->keys[i], token_key_kid(key));
	if (has_room)
		set->keys[set->count++] = key;
	else
		token_key_release(&key);
	return has_room;
}

void
key_set_join(struct key_set *set, const struct key_set *more)
{
	for (size_t i = 0; i < more->count; i++) {
		struct token_key *key = token_key_hold(more->keys[i]);
		key_set_add(set, &key);
	}
}

void
key_set_cut(struct key_set *set, size_t count)
{
	while (set->count > count)
		token_key_release(&set->keys[--set->count]);
}

void
key_set_mark_incomplete(struct key_set *set)
{
	set->is_incomplete = true;
}

bool
key_set_is_complete(const struct key_set *set)
{
	return !set->is_incomplete;
}

size_t
key_set_count(const struct key_set *set)
{
	return set->count;
}

static bool
holds(const struct key_set *set, const uint8_t *id)
{
	for (size_t i = 0; i < set->count; i++)
		if (memcmp(token_key_id(set->keys[i]), id, TOKEN_KEY_ID) == 0)
			return true;
	return false;
}

bool
key_set_is_equal(const struct key_set *one, const struct key_set *other)
{
	if (one->count != other->count ||
	    one->is_incomplete != other->is_incomplete)
		return false;
	for (size_t i = 0; i < one->count; i++)
		if (!holds(other, token_key_id(one->keys[i])))
			return false;
	return true;
}

bool
key_set_trusts(const struct key_set *set, const uint8_t *id)
{
	return set->is_incomplete || holds(set, id);
}

static const struct token_key *
find_named(const struct key_set *set, struct view kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (token_key_is_named(set->keys[i], kid))
			return set->keys[i];
	return NULL;
}

static const struct token_key *
find_nameless(const struct key_set *set, enum token_algorithm algorithm)
{
	for (size_t i = 0; i < set->count; i++)
		if (!token_key_has_kid(set->keys[i]) &&
		    token_key_algorithm(set->keys[i]) == algorithm)
			return set->keys[i];
	return NULL;
}

const struct token_key *
key_set_find(const struct key_set *set, enum token_algorithm algorithm,
    bool has_kid, struct view kid)
{
	const struct token_key *named = has_kid ? find_named(set, kid) : NULL;
	if (named || (has_kid && algorithm != TOKEN_HS256))
		return named;
	return find_nameless(set, algorithm);
}

void
key_set_labour(
    const struct key_set *set, struct view text, const struct token_key *spared)
{
	uint8_t signature[TOKEN_SIGNATURE_MAX];
	unsigned done = spared ? 1u << token_key_algorithm(spared) : 0;
	/* In range for every algorithm, so that none stops half way. */
	memset(signature, 1, sizeof(signature));
	for (size_t i = 0; i < set->count; i++) {
		unsigned bit = 1u << token_key_algorithm(set->keys[i]);
		if (done & bit)
			continue;
		done |= bit;
		(void)token_key_verify(set->keys[i], text, signature);
	}
}
