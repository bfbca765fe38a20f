/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_FILES_H
#define SCHEMA_FILES_H

/* What the `schema` commands share: drafts by name, and schemas from files
 * together with the files beside them that they refer to. */

#include "ctl.h"
#include "schema.h"

/* "2020-12" or "7" (also "draft2020-12", "draft-07"…). NULL: by $schema. 0, or
 * CTL_USAGE with the error set. */
int schema_files_draft(
    struct ctl *ctl, const char *name, enum schema_draft *draft_r);

/* Compiles the schema in `path`. Relative references are read from the same
 * folder, nothing is read from elsewhere. NULL: the error is set, return
 * CTL_INPUT. */
struct schema *schema_files_compile(
    struct ctl *ctl, const char *path, const struct schema_options *options);

/* Appends {"pointer","rule","expected","got","hint"} without the braces. */
void schema_files_add_violation(
    struct buf *out, const struct violation *violation);

#endif
