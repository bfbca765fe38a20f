/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_SET_H
#define SCHEMA_SET_H

/* Inside of a schema set, for the compiler: parsed documents, shared by
 * counting between sets and the schemas compiled out of them. */

#include "schema.h"

#include <stdatomic.h>

struct schema_document {
	atomic_uint owners;
	char *uri; /* under which it was added, without fragment */
	char *text;
	struct json_doc doc;
};

struct schema_set {
	struct schema_document **documents;
	uint32_t count;
	uint32_t capacity;
};

/* One owner; NULL and err: not JSON. */
struct schema_document *schema_document_new(
    const char *uri, struct view text, struct error *err);
struct schema_document *schema_document_share(struct schema_document *document);
void schema_document_drop(struct schema_document **document);

/* The metaschemas that come with us: their text, or an empty view. */
struct view schema_bundled(struct view uri);

#endif
