/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_REFS_H
#define CONTRACT_REFS_H

/* Follows references between the files of a contract, for lint: as the
 * compiler does, by path, $id and anchor. */

#include "contract_files.h"
#include "schema.h"

/* A place in a file. */
struct contract_spot {
	const struct contract_file *file; /* NULL: nowhere */
	uint32_t node;
};

struct contract_refs;

/* Both are borrowed; the set is that of contract_schema_set(). */
struct contract_refs *contract_refs_new(
    const struct contract_files *files, const struct schema_set *set);
void contract_refs_free(struct contract_refs **refs);

/* The target of `reference` written at `from` (file NULL: in contract.json).
 * Nowhere when it leads out of the folder. */
struct contract_spot contract_follow(struct contract_refs *refs,
    struct contract_spot from, struct view reference);

/* Where a $dynamicRef with the fragment of `reference` may lead, one after the
 * other: *next_r begins with 0. Nowhere: that were all. */
struct contract_spot contract_follow_dynamic(
    struct contract_refs *refs, struct view reference, uint32_t *next_r);

#endif
