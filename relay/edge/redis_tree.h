/* SPDX-License-Identifier: MIT */
#ifndef REDIS_TREE_H
#define REDIS_TREE_H

/*
 * Where hiredis builds a reply: all that it consists of lies in a few pieces
 * of memory, which the next reply uses again. hiredis' own way is two
 * allocations for each text of each entry.
 *
 * One reply at a time: it is dropped before the next one begins.
 */

#include <stddef.h>

struct redisReader;
struct redis_tree;
struct redis_value;

/* `slots_max`: array slots that one reply may announce, nested arrays
 * included; one that announces more ends the reading. */
struct redis_tree *redis_tree_new(size_t slots_max);
/* A reply that is out may still be looked at; the memory goes with it. The
 * reader must be gone before. */
void redis_tree_free(struct redis_tree **tree);

/* The reader builds in this tree from now on. */
void redis_tree_serve(struct redis_tree *tree, struct redisReader *reader);
/* The reader's complete reply, given out until redis_tree_drop(). */
struct redis_value *redis_tree_give(struct redis_tree *tree, void *reply);
void redis_tree_drop(struct redis_value *value);

#endif
