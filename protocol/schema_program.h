/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_PROGRAM_H
#define SCHEMA_PROGRAM_H

/*
 * What a schema is compiled to: a flat array of nodes, one for each subschema
 * in use, named by index. A node has a mask of instance types, and three lists
 * of rules: `plain`, one rule a keyword in the author's order, for
 * schema_explain; `fast`, keywords about members fused, for those who ask what
 * the schema says; and `run` for schema_check, where the rules of what a node
 * refers to stand in its own list. Everything hangs on the schema's arena and
 * is never written again.
 */

#include "schema.h"
#include "schema_arena.h"
#include "schema_number.h"
#include "schema_regex.h"

#define SCHEMA_TRUE  0u /* the node that accepts everything */
#define SCHEMA_FALSE 1u /* the node that accepts nothing */

#define TYPE_BIT(type) (1u << (type))
/* Numbers without a fraction only; those written so have it in their mask. */
#define TYPE_INTEGER ((unsigned)JSON_PLAIN_INTEGER_BIT)
#define TYPE_ANY     0x7fu

enum schema_op {
#define OP(name, text, types, cost) SCHEMA_OP_##name,
#include "schema_ops.def"
#undef OP
	SCHEMA_OP_COUNT
};

struct schema_document; /* schema_set.h */

/* The values of an enum or const. */
struct schema_values {
	uint8_t types; /* null, false, true: by bit */
	struct schema_table *strings;
	struct decimal *numbers;
	uint32_t number_count;
	const struct json_doc *doc; /* where the containers are */
	uint32_t *containers;
	uint32_t container_count;
	uint32_t count; /* of all */
};

/* A name that a table knows, and what is known of it. `types` and `work` are
 * those of the node, at hand where it is decided whether to visit it. */
struct schema_name {
	uint32_t hash;    /* hash and length stand as in a tape node … */
	uint32_t length;  /* … that spells it: with two quotes */
	uint64_t head[2]; /* the first 16 bytes … */
	uint64_t mask[2]; /* … and which of them there are */
	uint64_t bit;     /* members: in the mask of required names, or 0 */
	uint32_t node;    /* members: subschema; union: branch */
	uint8_t types;
	uint8_t work;
	bool is_declared; /* members: listed in `properties` */
	bool is_required;
	bool has_pattern; /* members: a pattern knows it, too */
	struct view text; /* decoded */
};

/* The hash stands here too, so that what is not meant is not touched. */
struct schema_slot {
	struct schema_name *name; /* NULL = free */
	uint32_t hash;
};

/* Names by hash: open addressing. */
struct schema_table {
	struct schema_name *names; /* in schema order */
	uint32_t count;
	uint32_t mask;
	struct schema_slot *slots;
};

struct schema_pattern {
	const struct schema_regex *regex;
	uint32_t node;
};

/* properties, patternProperties, additionalProperties and required. */
struct schema_members {
	struct schema_table *table;
	uint64_t required; /* the bits that must be present */
	bool has_late;     /* names beyond 64 are required too */
	struct schema_pattern *patterns;
	uint32_t pattern_count;
	struct schema_name other; /* stands for all unknown names */
	bool marks_additional;    /* additionalProperties is present */
};

/* prefixItems and items (or items and additionalItems), contains. */
struct schema_items {
	uint32_t *prefix;
	uint32_t prefix_count;
	uint32_t rest;
	bool marks_rest;
};

struct schema_contains {
	uint32_t node;
	uint64_t min;
	uint64_t max;
	bool marks; /* 2020-12: what matches counts as evaluated */
};

struct schema_dependency {
	struct schema_name name; /* .node: the subschema */
	struct schema_name *needs;
	uint32_t need_count;
};

/* Branches of anyOf and oneOf. With a `selector`, no two branches allow the
 * same string in that member, and `table` leads from the string to the one
 * branch that can match. */
struct schema_branches {
	uint32_t *nodes;
	uint32_t count;
	struct schema_name selector;
	struct schema_table *table; /* NULL: try them all */
	bool needs_selector;        /* every branch for objects requires it */
	/* By type of the instance: those that may accept it. */
	uint32_t *fitting[JSON_OBJECT + 1];
	uint32_t fitting_count[JSON_OBJECT + 1];
};

struct schema_choice {
	uint32_t condition;
	uint32_t then;
	uint32_t otherwise;
};

/* $dynamicRef: `targets` says for each resource which node bears the anchor
 * there (SCHEMA_FALSE + flag 0 = none). */
struct schema_dynamic {
	uint32_t fallback;
	uint32_t *targets; /* by resource; UINT32_MAX = none */
};

/* A bound, and how the author wrote it. */
struct schema_number {
	struct decimal value;
	struct view text;
};

struct schema_rule {
	uint8_t op;
	uint8_t types; /* instance types it looks at */
	union {
		uint32_t node;
		uint64_t limit;
		struct schema_number *number;
		const struct schema_regex *regex;
		struct schema_values *values;
		struct schema_members *members;
		struct schema_items *items;
		struct schema_contains *contains;
		struct schema_branches *branches;
		struct schema_choice *choice;
		struct schema_dynamic *dynamic;
		struct schema_dependency *dependency;
		const struct schema_format *format;
	};
};

/* What the run list of a node is like, for those that are run in a special
 * way. */
enum schema_kind {
	KIND_MIXED,
	KIND_LEAF,    /* its rules need no other node */
	KIND_STRINGS, /* a leaf: one list of values */
	KIND_MEMBERS, /* one MEMBERS without patterns */
	KIND_LIST     /* ITEMS, and how many */
};

/* An array of so many items that are all alike. */
struct schema_list {
	uint64_t min;
	uint64_t max;
	uint32_t rest; /* the node of each item */
};

struct schema_node {
	uint8_t accepts; /* types that may pass; by its references, too */
	uint8_t work;    /* instance types that a rule of `run` looks at */
	uint8_t kind;    /* enum schema_kind */
	bool tracks;     /* has unevaluated…: keeps its own set of seen */
	uint16_t run_count;
	uint8_t types; /* as its author said */
	uint16_t fast_count;
	uint16_t plain_count;
	uint32_t resource; /* for the dynamic scope */
	struct schema_rule *run;
	union {
		const struct schema_table *strings;   /* KIND_STRINGS */
		const struct schema_members *members; /* KIND_MEMBERS */
		const struct schema_list *list;       /* KIND_LIST */
	};
	struct schema_rule *fast;
	struct schema_rule *plain;
	const struct schema_refusal *refusal;
};

struct schema {
	struct schema_arena arena;
	struct schema_node *nodes;
	uint32_t node_count;
	uint32_t root;
	uint32_t resource_count;
	bool is_dynamic; /* has a $dynamicRef: scopes must be kept */
	struct schema_document **documents; /* kept alive: we point into them */
	uint32_t document_count;
	struct schema_regex *regexes; /* list, freed with us */
};

#endif
