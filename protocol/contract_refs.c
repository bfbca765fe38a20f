/* SPDX-License-Identifier: MIT */
#include "contract_refs.h"

#include "contract_walk.h"
#include "schema_uri.h"

struct anchor {
	struct view name;
	uint32_t node;
	bool is_found;
};

static int
visit_anchor(void *arg, const struct subschema *subschema)
{
	static const char *const keywords[] = { "$anchor", "$dynamicAnchor" };
	struct anchor *anchor = arg;
	const struct json_doc *doc = &subschema->file->doc;
	for (size_t i = 0; i < 2; i++) {
		uint32_t value =
		    json_member(doc, subschema->node, view_of(keywords[i]));
		if (value == 0 || !json_string_is(doc, value, anchor->name))
			continue;
		anchor->node = subschema->node;
		anchor->is_found = true;
		return -1;
	}
	return 0;
}

static bool
find_fragment(
    const struct contract_file *file, struct view fragment, uint32_t *node_r)
{
	if (fragment.len == 0 || fragment.data[0] == '/')
		return json_pointer_get(&file->doc, fragment, node_r);
	struct anchor anchor = { .name = fragment };
	contract_walk(file, visit_anchor, &anchor);
	*node_r = anchor.node;
	return anchor.is_found;
}

struct contract_spot
contract_follow(const struct contract_files *files,
    const struct contract_file *from, struct view reference)
{
	struct contract_spot spot = { NULL, 0 };
	struct buf uri;
	struct buf fragment;
	struct view raw;
	buf_init(&uri, 0);
	buf_init(&fragment, 0);
	schema_uri_resolve(
	    view_of(from ? from->path : CONTRACT_FILE), reference, &uri);
	struct view path = schema_uri_split(buf_view(&uri), &raw);
	schema_uri_decode(raw, &fragment);
	const struct contract_file *file = contract_files_find(files, path);
	if (file && find_fragment(file, buf_view(&fragment), &spot.node))
		spot.file = file;
	buf_fini(&uri);
	buf_fini(&fragment);
	return spot;
}
