/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_RUN_H
#define SCHEMA_RUN_H

/*
 * One run of a program over one document, and the memory that outlives it.
 * Shared by the files that run programs; nobody else may include it.
 */

#include "schema_program.h"

/* Nodes within nodes, not JSON depth: one JSON level costs a few. */
#define RUN_DEPTH_MAX 2500u
/* A run that takes more steps than this per tape node is a schema that blows
 * up exponentially under a hostile message: it ends as invalid. */
#define RUN_STEPS_MIN      1000000u
#define RUN_STEPS_PER_NODE 1024u

/* Which members or items of the instance at hand have been evaluated: a bit
 * each, kept in scratch->bits. 0 = nobody asks. */
typedef uint32_t schema_seen;

struct schema_item_key {
	uint64_t hash;
	uint32_t node;
};

struct schema_scratch {
	struct buf text;  /* a decoded string of the instance */
	struct buf other; /* and one to compare it with */
	uint64_t *bits;
	uint32_t bit_words;
	uint32_t bit_capacity;
	struct schema_item_key *keys; /* a stack, like bits */
	uint32_t key_count;
	uint32_t key_capacity;
	struct schema_matcher *matcher;
	uint64_t seed;
};

/* The resources entered on the way to here, innermost first. */
struct schema_scope {
	const struct schema_scope *outer;
	uint32_t resource;
};

struct schema_run {
	const struct schema_node *nodes; /* the schema's */
	const struct json_doc *doc;
	const struct schema *schema;
	struct schema_scratch *scratch;
	const struct schema_scope *scope;
	uint64_t steps_left;
	uint32_t depth;
	bool is_dynamic;
	bool is_aborted; /* a limit was hit: the verdict is invalid */
};

void schema_run_init(struct schema_run *run, const struct schema *schema,
    struct schema_scratch *scratch, const struct json_doc *doc);

/* Does the instance at tape index `at` fulfil the node? On true, `seen` has
 * what it evaluated (on false it is undefined). */
bool schema_run_node(
    struct schema_run *run, uint32_t id, uint32_t at, schema_seen seen);
/* The same for one rule, types not looked at. */
bool schema_run_rule(struct schema_run *run, const struct schema_rule *rule,
    uint32_t at, schema_seen seen);
/* Rules with branches, conditions or sets of seen. */
bool schema_run_logic(struct schema_run *run, const struct schema_rule *rule,
    uint32_t at, schema_seen seen);
/* The one branch that a shared member allows; false: they must all be tried.
 * *id_r is SCHEMA_FALSE when the member allows none. */
bool schema_run_select(struct schema_run *run,
    const struct schema_branches *branches, uint32_t at, uint32_t *id_r);
/* The node that a $dynamicRef means in the scope at hand. */
uint32_t schema_run_dynamic(
    const struct schema_run *run, const struct schema_dynamic *dynamic);
/* Rules whose verdict needs no other node: lengths, numbers, values… */
bool schema_run_leaf(
    struct schema_run *run, const struct schema_rule *rule, uint32_t at);

/* Does the string at `at` match? Hitting a limit aborts the run. */
bool schema_run_matches(
    struct schema_run *run, const struct schema_regex *regex, uint32_t at);
/* The value of the object's member, 0 when it has none. */
uint32_t schema_run_member(
    struct schema_run *run, uint32_t object, const struct schema_name *name);

/* Sets of seen are a stack: push, use, pop. */
schema_seen schema_seen_push(struct schema_run *run, uint32_t at);
void schema_seen_pop(struct schema_run *run, schema_seen seen);
void schema_seen_merge(
    struct schema_run *run, schema_seen into, schema_seen from);
void schema_seen_all(struct schema_run *run, schema_seen seen);

static inline void
schema_seen_mark(struct schema_run *run, schema_seen seen, uint32_t ordinal)
{
	if (seen)
		run->scratch->bits[seen + ordinal / 64] |= UINT64_C(1)
		    << ordinal % 64;
}

static inline bool
schema_seen_has(struct schema_run *run, schema_seen seen, uint32_t ordinal)
{
	return run->scratch->bits[seen + ordinal / 64] >> ordinal % 64 & 1;
}

#endif
