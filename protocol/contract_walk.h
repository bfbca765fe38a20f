/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_WALK_H
#define CONTRACT_WALK_H

/* Visits the subschemas of a schema file, in document order. */

#include "contract_files.h"

struct subschema {
	const struct contract_file *file;
	uint32_t node;
	/* From the file's root, percent-encoded as in a URI's fragment. Good
	 * for the call. */
	struct view pointer;
};
/* Returns 0 to go on, -1 to stop the walk. */
typedef int contract_visit_fn(void *arg, const struct subschema *subschema);

int contract_walk(
    const struct contract_file *file, contract_visit_fn *visit, void *arg);
/* Only what belongs to the subschema at `node`: without definitions. The
 * pointers are from there. */
int contract_walk_part(const struct contract_file *file, uint32_t node,
    contract_visit_fn *visit, void *arg);

/* Is this a file of schemas: *.schema.json, or one with "$schema"? */
bool contract_is_schema(const struct contract_file *file);

#endif
