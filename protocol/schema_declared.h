/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_DECLARED_H
#define SCHEMA_DECLARED_H

/*
 * What a schema names: every member, and every value of an enum or const, at
 * every place of an instance; and a walk along an instance that marks which of
 * them it has, and tells of members that the schema does not name. It judges
 * nothing: that is for schema_check.
 *
 * A place is a pointer with `*` for array items and for members of maps. Parts
 * of a schema that hold at one place are one (allOf, $ref); of a union the
 * branch that the instance selects; of if the branch that holds. Unions without
 * a selector are taken together. A schema that contains itself is told at the
 * outermost place.
 */

#include "schema.h"

#include <stdatomic.h>

struct schema_declared; /* immutable, borrows the schema */

enum declared_kind {
	DECLARED_PLACE, /* something that is looked into was there */
	DECLARED_MEMBER,
	DECLARED_VALUE
};

struct declared_entry {
	const char *pointer; /* of the place, member or value */
	const char *value;   /* DECLARED_VALUE: as it is written, else NULL */
	const char *name;    /* DECLARED_MEMBER: its own name */
	uint32_t place;      /* the entry of the place it belongs to */
	uint32_t hash;
	uint8_t kind;       /* enum declared_kind */
	uint8_t types;      /* DECLARED_MEMBER: bits 1 << enum json_type, and
			* DECLARED_FRACTION: numbers need not be integers */
	bool is_sole;       /* DECLARED_VALUE: the only one of its place */
	uint8_t value_type; /* DECLARED_VALUE: enum json_type */
	/* DECLARED_PLACE: ways to judge what stands there (a union has one a
	 * branch); DECLARED_MEMBER: those that require it. All: required. */
	uint32_t ways;
};

#define DECLARED_FRACTION 0x80u

/* What is beyond this many entries is not told of. */
#define DECLARED_ENTRIES_MAX 4096u

struct schema_declared *schema_declared_new(const struct schema *schema);
void schema_declared_free(struct schema_declared **declared);

/* Entry 0 stands for what is beyond the limit and has no texts. */
const struct declared_entry *schema_declared_entries(
    const struct schema_declared *declared, uint32_t *count_r);

/* An object at the place `place` (an entry) has an undeclared member: `key` is
 * its tape index. */
typedef void declared_unknown_fn(
    void *arg, uint32_t place, uint32_t object, uint32_t key);

/* Instances of equal shape have the same walk: the same bits, the same unknown
 * members. 0: shapes are no help here, each instance must be walked. Much
 * cheaper than a walk. */
uint64_t schema_declared_shape(
    const struct schema_declared *declared, const struct json_doc *doc);

/* Sets bit i of `seen` for each entry i that the instance has. At most a few
 * hundred members are looked at. `seen` is written by one thread and may be
 * read by any. No allocation after warm-up. */
void schema_declared_walk(const struct schema_declared *declared,
    struct schema_scratch *scratch, const struct json_doc *doc,
    _Atomic uint64_t *seen, declared_unknown_fn *unknown, void *arg);

#endif
