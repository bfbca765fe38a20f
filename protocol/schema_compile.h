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

/* After all nodes are there: finds the selectors of anyOf and oneOf, and tells
 * names what their nodes ask. */
void schema_link(struct schema *schema);

#endif
