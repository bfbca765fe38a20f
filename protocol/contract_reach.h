/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_REACH_H
#define CONTRACT_REACH_H

/* Which subschemas of a folder can be reached from its messages. */

#include "contract.h"
#include "contract_files.h"

struct contract_reach;
struct contract_refs;

/* `refs` is used until it returns. */
struct contract_reach *contract_reach_new(const struct contract *contract,
    const struct contract_files *files, struct contract_refs *refs);
void contract_reach_free(struct contract_reach **reach);

/* Is the value at `node`, or anything inside it, reached? */
bool contract_reach_has(const struct contract_reach *reach,
    const struct contract_file *file, uint32_t node);

#endif
