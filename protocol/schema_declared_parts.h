/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_DECLARED_PARTS_H
#define SCHEMA_DECLARED_PARTS_H

/* Inside of schema_declared*.c: the tree of places. */

#include "schema_declared.h"
#include "schema_program.h"

struct declared_place;

struct declared_name {
	uint32_t entry;
	struct declared_place *place; /* NULL: nothing to look into */
};

struct declared_number {
	struct decimal value; /* in the text of the schema */
	uint32_t entry;
};

struct declared_values {
	struct schema_table *strings;
	uint32_t *string_entries; /* beside strings->names */
	struct declared_number *numbers;
	uint32_t number_count;
	uint32_t simple[3]; /* null, false, true: entry or 0 */
};

/* Which way an instance goes: exactly one of branches and choice is set, and
 * then the place has nothing else but its variants. */
struct declared_decision {
	const struct schema_branches *branches;
	const struct schema_choice *choice;
	/* By branch and one more for none of them; or then and else. */
	struct declared_place **variants;
};

struct declared_place {
	uint32_t entry;
	bool tells_unknown;
	struct declared_decision decision;
	struct schema_table *names;            /* NULL: no member is declared */
	struct declared_name *name_info;       /* beside names->names */
	const struct schema_pattern *patterns; /* names that are known too */
	uint32_t pattern_count;
	struct declared_place *others; /* values of a map */
	struct declared_place *items;
	struct declared_values *values;
};

/* Names of members whose values belong to an instance's shape. */
struct declared_watch {
	uint32_t *hashes;
	uint32_t count;
	uint64_t mask;   /* bit hash % 64 of each */
	bool is_useless; /* names do not say which values count */
};

struct schema_declared {
	const struct schema *schema;
	struct schema_arena arena;
	struct declared_entry *entries;
	uint32_t count;
	uint32_t place_count;
	struct declared_place *root; /* NULL: nothing is declared */
	struct declared_watch watch;
};

/* --- while it is built --- */

#define PARTS_MAX     32 /* of one kind at one place */
#define NODES_MAX     32 /* that judge one place */
#define DECISIONS_MAX 4  /* in a row at one place */

/* Decisions that were taken on the way to a variant. */
struct decided {
	const struct schema_rule *rules[DECISIONS_MAX];
	uint32_t nodes[DECISIONS_MAX];
	unsigned count;
	bool is_none; /* one of them is that no branch was selected */
};

/* The nodes that judge a place. Two that share their rules (the program has a
 * copy for each reference) are the same. */
struct node_set {
	const struct schema_node *nodes[NODES_MAX];
	bool is_branch[NODES_MAX]; /* it or another one judges */
	uint32_t count;
};

/* What is declared at one place. */
struct parts {
	const struct schema_declared *declared;
	const struct decided *decided;
	const struct schema_members *members[PARTS_MAX];
	bool is_branch[PARTS_MAX]; /* beside members: of a union */
	uint32_t member_count;
	const struct schema_items *items[PARTS_MAX];
	uint32_t item_count;
	const struct schema_values *values[PARTS_MAX];
	uint32_t value_count;
	unsigned union_depth; /* while branches are gathered together */
	bool has_strict;      /* values[0] holds whatever else is said */
	bool is_map;          /* some part takes members by any name */
	bool is_closed;       /* some part takes no other members */
	struct node_set others;
	const struct schema_rule *open; /* a decision not yet taken */
};

/* true and false declare nothing and are left out. */
void node_set_add(const struct schema *schema, struct node_set *set,
    uint32_t id, bool is_branch);
/* Fills in what the nodes declare; declared and decided are set already. */
void parts_gather(struct parts *parts, const struct node_set *set);

/* The entry of this kind, place and text (and type of the value, of values);
 * made when it is not there. */
uint32_t declared_entry(struct schema_declared *declared,
    enum declared_kind kind, const char *pointer, const char *value,
    enum json_type type);

/* schema_declared_shape.c: the values that this condition looks at, and those
 * that are told apart. */
void declared_watch_condition(struct schema_declared *declared, uint32_t id);
void declared_watch_values(struct schema_declared *declared);

/* schema_declared_values.c: the values of `lists`, which stand at `pointer`. */
struct declared_values *declared_values_build(struct schema_declared *declared,
    const struct schema_values *const *lists, uint32_t count,
    const char *pointer, uint32_t place);

/* Types, as declared_entry.types: those that the nodes allow, as far as they
 * say so; those of a list of values. */
uint8_t declared_types(const struct schema *schema, const struct node_set *set);
uint8_t declared_value_types(const struct schema_values *values);

#endif
