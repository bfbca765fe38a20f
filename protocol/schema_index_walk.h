/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_INDEX_WALK_H
#define SCHEMA_INDEX_WALK_H

/* Finds the resources and anchors of one document: the half of schema_index
 * that reads schemas. */

#include "schema_index.h"

/* Adds the document (a share of it is taken). -1: an $id that another schema
 * has, or an unknown keyword where those are refused. */
int schema_index_add(
    struct schema_index *index, struct schema_document *document);

#endif
