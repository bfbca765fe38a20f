/* SPDX-License-Identifier: MIT */
#include "contract_refs.h"

#include "contract_parts.h"
#include "schema_index.h"
#include "schema_set.h"
#include "schema_uri.h"
#include "xmalloc.h"

#include <stdlib.h>

/* The documents of the index are the same texts as the files, so that a node
 * has one number in both. */
struct contract_refs {
	const struct contract_files *files;
	struct schema_index index;
	struct schema_options options;
	struct error err; /* nobody asks */
};

struct contract_refs *
contract_refs_new(
    const struct contract_files *files, const struct schema_set *set)
{
	struct contract_refs *refs = xcalloc(1, sizeof(*refs));
	refs->files = files;
	/* What has been loaded already has nothing that this refuses. */
	(void)schema_index_init(&refs->index, set, &refs->options, &refs->err);
	return refs;
}

void
contract_refs_free(struct contract_refs **refs_p)
{
	struct contract_refs *refs = *refs_p;
	if (!refs)
		return;
	schema_index_fini(&refs->index);
	free(refs);
	*refs_p = NULL;
}

/* The file that the document is; NULL: it came with us. */
static const struct contract_file *
file_of(const struct contract_refs *refs, uint32_t document)
{
	const char *uri = refs->index.documents[document]->uri;
	size_t base = strlen(CONTRACT_BASE);
	if (strncmp(uri, CONTRACT_BASE, base) != 0)
		return NULL;
	return contract_files_find(refs->files, view_of(uri + base));
}

static struct contract_spot
spot_of(const struct contract_refs *refs, uint32_t resource, uint32_t node)
{
	uint32_t document = refs->index.resources[resource].document;
	return (struct contract_spot){ file_of(refs, document), node };
}

static bool
is_document_of(const struct contract_refs *refs, uint32_t document,
    const struct contract_file *file)
{
	const char *uri = refs->index.documents[document]->uri;
	size_t base = strlen(CONTRACT_BASE);
	return strncmp(uri, CONTRACT_BASE, base) == 0 &&
	    strcmp(uri + base, file->path) == 0;
}

/* The innermost $id around the place, or the file's own name. */
static const char *
base_of(const struct contract_refs *refs, struct contract_spot from)
{
	const char *base = CONTRACT_BASE;
	uint32_t innermost = 0;
	for (uint32_t i = 0; from.file && i < refs->index.resource_count; i++) {
		const struct schema_resource *resource =
		    &refs->index.resources[i];
		uint32_t node = resource->node;
		if (node < innermost || node > from.node ||
		    !is_document_of(refs, resource->document, from.file) ||
		    from.node >= from.file->doc.nodes[node].next)
			continue;
		innermost = node;
		base = resource->uri;
	}
	return base;
}

struct contract_spot
contract_follow(struct contract_refs *refs, struct contract_spot from,
    struct view reference)
{
	struct contract_spot spot = { NULL, 0 };
	struct schema_place place;
	struct buf uri;
	buf_init(&uri, 0);
	schema_uri_resolve(view_of(base_of(refs, from)), reference, &uri);
	if (schema_index_find(&refs->index, buf_view(&uri), &place))
		spot = spot_of(refs, place.resource, place.node);
	buf_fini(&uri);
	return spot;
}

struct contract_spot
contract_follow_dynamic(
    struct contract_refs *refs, struct view reference, uint32_t *next_r)
{
	struct view fragment;
	schema_uri_split(reference, &fragment);
	while (*next_r < refs->index.anchor_count) {
		const struct schema_anchor *anchor =
		    &refs->index.anchors[(*next_r)++];
		if (anchor->is_dynamic && view_equal(anchor->name, fragment))
			return spot_of(refs, anchor->resource, anchor->node);
	}
	return (struct contract_spot){ NULL, 0 };
}
