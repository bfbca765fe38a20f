/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_REFS_H
#define CONTRACT_REFS_H

/* Follows references between the files of a contract, for lint. */

#include "contract_files.h"

/* A place in a file. */
struct contract_spot {
	const struct contract_file *file; /* NULL: nowhere */
	uint32_t node;
};

/* The target of `reference` ("file#/pointer", "#anchor", "#/pointer") written
 * in `from` (NULL: in contract.json). Nowhere when it leads out of the folder
 * or is by $id. */
struct contract_spot contract_follow(const struct contract_files *files,
    const struct contract_file *from, struct view reference);

#endif
