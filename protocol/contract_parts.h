/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_PARTS_H
#define CONTRACT_PARTS_H

/* Inside of contract_*.c: the steps of loading a folder, each of which may
 * refuse it. They return 0, or -1 and err with file#pointer. */

#include "contract.h"
#include "contract_files.h"

/* URI under which a file of the folder stands in the schema set, in front of
 * its path. */
#define CONTRACT_BASE "contract:///"

/* contract.json into the struct; schemas stay NULL. */
int contract_read(struct contract *contract, const struct contract_files *files,
    struct error *err);
/* What members of contract.json must be to each other, and the refusals that
 * it leaves to us. */
int contract_complete(struct contract *contract,
    const struct contract_files *files, struct error *err);
/* All files but contract.json, by CONTRACT_BASE. NULL: err. */
struct schema_set *contract_schema_set(
    const struct contract_files *files, struct error *err);
/* As schema_compile of CONTRACT_BASE + reference, but err->where names the
 * file in its folder. */
struct schema *contract_compile(const struct schema_set *set,
    const struct contract_files *files, const char *reference,
    struct error *err);
/* The schema of every message; equal references share one. */
int contract_compile_messages(struct contract *contract,
    const struct schema_set *set, const struct contract_files *files,
    struct error *err);
/* Every example is valid under the schema that it stands in, and no x-error
 * has a member that nobody reads. */
int contract_check_annotations(const struct schema_set *set,
    const struct contract_files *files, struct error *err);

/* The hash table of a side, once its messages are all there. */
void contract_index(struct contract_side *side);
const struct contract_message *contract_find(
    const struct contract_side *side, struct view type);

/* What Python's str() would make of the value, without what str.strip() takes
 * off; at most `max` bytes and then an ellipsis. */
void contract_python_text(
    const struct json_doc *doc, uint32_t node, size_t max, struct buf *out);

#endif
