/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_EXPLAIN_H
#define SCHEMA_EXPLAIN_H

/* Shared by the files that explain a refusal; nobody else may include it. */

#include "schema_run.h"

/* The way from the root of the instance to here, innermost first. */
struct schema_step {
	const struct schema_step *outer;
	uint32_t key;     /* tape index of the member's name, 0: an item */
	uint32_t ordinal; /* of the item */
};

/* Where we are, and whose refusal it would be. */
struct schema_spot {
	uint32_t at;
	const struct schema_step *path;
	const struct schema_refusal *refusal;
};

struct schema_explain {
	struct schema_run run;
	struct violation *violations;
	size_t count;
	size_t max;
};

/* The next violation with pointer, rule and refusal filled in and the texts
 * empty; NULL when there is no room. */
struct violation *schema_report(struct schema_explain *explain,
    const struct schema_spot *spot, enum schema_op op);

/* Fills in `expected` and `got` (and `hint`, where a value is misspelt) for a
 * rule that schema_run_leaf refused. */
void schema_describe(struct schema_explain *explain,
    const struct schema_rule *rule, uint32_t at, struct violation *violation);

/* "string or null" */
void schema_describe_types(uint64_t types, char *text, size_t size);
/* The decoded name of a member, cut to fit. */
void schema_describe_key(
    struct schema_explain *explain, uint32_t key, char *text, size_t size);
/* `did you mean "…"?` with the name nearest to the string at `at`. */
void schema_hint_table(struct schema_explain *explain,
    const struct schema_table *table, uint32_t at, struct violation *violation);
/* The same out of all members that the node and its parts declare, first of
 * those that the object does not have. */
void schema_hint_member(struct schema_explain *explain, uint32_t id,
    uint32_t object, uint32_t key, struct violation *violation);
/* For a missing member: the undeclared one that may be meant. */
void schema_hint_missing(struct schema_explain *explain, uint32_t id,
    uint32_t object, const struct schema_name *name,
    struct violation *violation);

/* Copies what fits, whole characters only, and a NUL. */
void schema_copy_text(char *to, size_t size, struct view text);

#endif
