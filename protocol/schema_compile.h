/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_COMPILE_H
#define SCHEMA_COMPILE_H

/*
 * The compiler proper: hands out node numbers for places, compiles them until
 * none is left, and then links what needs all nodes at once.
 */

#include "schema_index.h"
#include "schema_program.h"

/* A $dynamicRef waits until all anchors are known. */
struct schema_pending {
	struct schema_dynamic *dynamic;
	struct view name; /* "" for 2019-09's $recursiveRef */
	bool is_recursive;
};

struct schema_compiler {
	struct schema_index index;
	struct schema *schema;
	struct schema_place *places; /* of each node */
	uint32_t capacity;
	struct schema_map known; /* (document, node) -> node number */
	struct schema_pending *pending;
	uint32_t pending_count;
	uint8_t *states; /* of nodes while short cuts are made */
};

/* The number of the node for this place, new or known. */
uint32_t schema_compiler_node(
    struct schema_compiler *compiler, struct schema_place place);

/* After all nodes are there: finds the selectors of anyOf and oneOf. */
void schema_link(struct schema *schema);

/* After that: fills `run`, `work` and `kind` of all nodes, and tells names and
 * branches what their nodes ask. */
void schema_fuse(struct schema *schema);

/* Fills `accepts` of all nodes. */
void schema_find_accepted(struct schema *schema);

void schema_sort_by_cost(struct schema_rule *rules, uint32_t count);

/* Must another node hold at the same place? */
static inline bool
schema_is_conjunction(const struct schema_rule *rule)
{
	return rule->op == SCHEMA_OP_REF || rule->op == SCHEMA_OP_ALL_OF;
}

#endif
