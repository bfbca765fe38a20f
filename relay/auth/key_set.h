/* SPDX-License-Identifier: MIT */
#ifndef KEY_SET_H
#define KEY_SET_H

/*
 * All keys that are good at one time. Filled by who makes it, immutable from
 * the time it is shared, held by every thread that goes by it; the last one
 * frees it.
 */

#include "token_key.h"

#define KEY_SET_MAX 33 /* 32 of a JWKS and the secret */

struct key_set;

struct key_set *key_set_new(void);
/* The same keys once more, to add to. */
struct key_set *key_set_copy(const struct key_set *set);
struct key_set *key_set_hold(struct key_set *set);
void key_set_release(struct key_set **set);

/* Before it is shared. Takes the key; false (and the key is gone) when there
 * are too many, or two of one name, or two without a name for one algorithm. */
bool key_set_add(struct key_set *set, struct token_key **take_key);
/* Before it is shared: only the first `count` stay. */
void key_set_cut(struct key_set *set, size_t count);
/* Before it is shared: the other's keys too; those that clash are left out. */
void key_set_join(struct key_set *set, const struct key_set *more);
/* The keys of a source that could not be reached are missing: that a key is not
 * there means nothing. */
void key_set_mark_incomplete(struct key_set *set);
bool key_set_is_complete(const struct key_set *set);
size_t key_set_count(const struct key_set *set);
bool key_set_is_equal(const struct key_set *one, const struct key_set *other);

/* The key that a token's header means, NULL when there is none: the one of that
 * name; without a name the nameless one of the algorithm. The secret of HS256
 * has no name, and answers to any that no other key has. */
const struct token_key *key_set_find(const struct key_set *set,
    enum token_algorithm algorithm, bool has_kid, struct view kid);
/* The work of one signature for each algorithm of the set but that of `spared`
 * (NULL: none is): a refusal that took none of it shall take as long as one that
 * did. */
void key_set_labour(const struct key_set *set, struct view text,
    const struct token_key *spared);
/* Is the key with this id (TOKEN_KEY_ID bytes) still good? Always, while the
 * set is incomplete. */
bool key_set_trusts(const struct key_set *set, const uint8_t *id);

#endif
