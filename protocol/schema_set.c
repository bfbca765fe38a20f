/* SPDX-License-Identifier: MIT */
#include "schema_set.h"

#include "schema_uri.h"
#include "xmalloc.h"

#include <stdlib.h>

struct schema_document *
schema_document_new(const char *uri, struct view text, struct error *err)
{
	struct schema_document *document = xcalloc(1, sizeof(*document));
	struct view fragment;
	struct view name = schema_uri_split(view_of(uri), &fragment);
	document->owners = 1;
	document->uri = xstrndup(name.data, name.len);
	document->text = xstrndup(text.data, text.len);
	json_doc_init(&document->doc);
	struct json_limits limits = { 0 };
	struct json_fault fault;
	struct view copy = view_make(document->text, text.len);
	if (json_scan(&document->doc, copy, &limits, &fault) < 0) {
		error_set(err, uri, "not JSON: %s at byte %zu", fault.message,
		    fault.offset);
		schema_document_drop(&document);
	}
	return document;
}

struct schema_document *
schema_document_share(struct schema_document *document)
{
	atomic_fetch_add(&document->owners, 1);
	return document;
}

void
schema_document_drop(struct schema_document **document)
{
	struct schema_document *gone = *document;
	*document = NULL;
	if (!gone || atomic_fetch_sub(&gone->owners, 1) > 1)
		return;
	json_doc_fini(&gone->doc);
	free(gone->uri);
	free(gone->text);
	free(gone);
}

struct schema_set *
schema_set_new(void)
{
	return xcalloc(1, sizeof(struct schema_set));
}

void
schema_set_free(struct schema_set **set)
{
	if (!*set)
		return;
	for (uint32_t i = 0; i < (*set)->count; i++)
		schema_document_drop(&(*set)->documents[i]);
	free((*set)->documents);
	free(*set);
	*set = NULL;
}

int
schema_set_add(struct schema_set *set, const char *uri, struct view text,
    struct error *err)
{
	struct schema_document *document = schema_document_new(uri, text, err);
	if (!document)
		return -1;
	if (set->count == set->capacity) {
		set->capacity = set->capacity ? 2 * set->capacity : 8;
		set->documents = xrealloc(
		    set->documents, set->capacity * sizeof(*set->documents));
	}
	set->documents[set->count++] = document;
	return 0;
}
