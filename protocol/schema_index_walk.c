/* SPDX-License-Identifier: MIT */
#include "schema_index_walk.h"

#include "schema_uri.h"
#include "xmalloc.h"

#include <stdlib.h>

/* Where the walk is. */
struct walk {
	struct schema_index *index;
	const struct json_doc *doc;
	uint32_t document;
	bool refuses_unknown;
	bool is_failed;
};

static void walk_schema(struct walk *walk, uint32_t node, uint32_t resource);

/* Arrays that double: a power of two of elements is full. */
static void *
grow(void *array, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return array;
	return xrealloc(array, (count ? 2 * (size_t)count : 1) * size);
}

static uint64_t
key_of(uint32_t document, uint32_t node)
{
	return (uint64_t)document << 32 | node;
}

static uint32_t
add_resource(struct walk *walk, uint32_t node, struct view uri,
    const struct schema_dialect *dialect)
{
	struct schema_index *index = walk->index;
	uint32_t id = index->resource_count;
	index->resources =
	    grow(index->resources, id, sizeof(*index->resources));
	struct view fragment;
	index->resources[id] = (struct schema_resource){
		.uri = schema_arena_text(
		    &index->arena, schema_uri_split(uri, &fragment)),
		.document = walk->document,
		.node = node,
		.dialect = *dialect,
	};
	index->resource_count++;
	schema_map_put(&index->roots, key_of(walk->document, node), id);
	return id;
}

static void
add_alias(struct schema_index *index, const char *uri, uint32_t resource)
{
	index->aliases =
	    grow(index->aliases, index->alias_count, sizeof(*index->aliases));
	index->aliases[index->alias_count++] =
	    (struct schema_alias){ uri, resource };
}

static void
add_anchor(struct walk *walk, struct view name, struct schema_place place,
    bool is_dynamic)
{
	struct schema_index *index = walk->index;
	index->anchors =
	    grow(index->anchors, index->anchor_count, sizeof(*index->anchors));
	index->anchors[index->anchor_count++] = (struct schema_anchor){
		.name =
		    view_make(schema_arena_text(&index->arena, name), name.len),
		.resource = place.resource,
		.node = place.node,
		.is_dynamic = is_dynamic,
	};
}

/* The decoded string member `name`, or an empty view. Good until the next call
 * with the same buffer. */
static struct view
text_member(
    struct walk *walk, uint32_t object, const char *name, struct buf *scratch)
{
	uint32_t value = json_member(walk->doc, object, view_of(name));
	if (!value || walk->doc->nodes[value].type != JSON_STRING)
		return view_make(NULL, 0);
	return json_string(walk->doc, value, scratch);
}

/* By its own $schema, else as what it is embedded in. */
static struct schema_dialect
dialect_of(struct walk *walk, uint32_t node, struct schema_dialect outer)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	struct view uri = text_member(walk, node, "$schema", &scratch);
	if (uri.len > 0)
		outer = schema_dialect_find(walk->index->set, uri);
	buf_fini(&scratch);
	return outer;
}

/* draft-07: a reference hides everything beside it. */
static bool
is_hidden(struct walk *walk, uint32_t node, uint32_t resource)
{
	if (walk->index->resources[resource].dialect.draft != DRAFT_D7)
		return false;
	return json_member(walk->doc, node, view_of("$ref")) != 0;
}

/* Two of one name: what refers to it would mean either. `resource` is what the
 * $id at `node` stands in. */
static void
refuse_taken(
    struct walk *walk, uint32_t node, uint32_t resource, struct view uri)
{
	const struct schema_index *index = walk->index;
	uint32_t key = json_member(walk->doc, node, view_of("$id"));
	struct view fragment;
	uri = schema_uri_split(uri, &fragment);
	for (uint32_t i = 0; i < index->resource_count && !walk->is_failed;
	     i++) {
		bool is_own = node == 0 && i == resource;
		if (is_own || !view_is(uri, index->resources[i].uri))
			continue;
		uint32_t document = index->resources[i].document;
		walk->is_failed = true;
		schema_index_fail(walk->index, walk->document, key,
		    "\"%.*s\" is the $id of another schema, too, in %s",
		    (int)uri.len, uri.data, index->documents[document]->uri);
	}
}

/* The resource that begins at this subschema, or the one it lies in. */
static uint32_t
enter_id(struct walk *walk, uint32_t node, uint32_t resource)
{
	struct schema_index *index = walk->index;
	struct buf text;
	struct buf uri;
	buf_init(&text, 0);
	buf_init(&uri, 0);
	struct view id = text_member(walk, node, "$id", &text);
	bool is_old = index->resources[resource].dialect.draft == DRAFT_D7;
	if (id.len > 1 && id.data[0] == '#' && is_old) {
		struct schema_place place = { resource, node };
		add_anchor(
		    walk, view_make(id.data + 1, id.len - 1), place, false);
	} else if (id.len > 0 && id.data[0] != '#') {
		struct schema_resource outer = index->resources[resource];
		schema_uri_resolve(view_of(outer.uri), id, &uri);
		refuse_taken(walk, node, resource, buf_view(&uri));
		struct schema_dialect dialect =
		    dialect_of(walk, node, outer.dialect);
		resource = add_resource(walk, node, buf_view(&uri), &dialect);
	}
	buf_fini(&text);
	buf_fini(&uri);
	return resource;
}

static void
enter_anchors(struct walk *walk, uint32_t node, uint32_t resource)
{
	struct schema_resource *home = &walk->index->resources[resource];
	struct schema_place place = { resource, node };
	struct buf scratch;
	buf_init(&scratch, 0);
	if (home->dialect.draft & DRAFT_NEW) {
		struct view name = text_member(walk, node, "$anchor", &scratch);
		if (name.len > 0)
			add_anchor(walk, name, place, false);
	}
	if (home->dialect.draft == DRAFT_D20) {
		struct view name =
		    text_member(walk, node, "$dynamicAnchor", &scratch);
		if (name.len > 0)
			add_anchor(walk, name, place, true);
	}
	uint32_t recursive =
	    json_member(walk->doc, node, view_of("$recursiveAnchor"));
	if (home->dialect.draft == DRAFT_D19 && recursive &&
	    walk->doc->nodes[recursive].type == JSON_TRUE)
		home->is_recursive = true;
	buf_fini(&scratch);
}

static void
walk_list(struct walk *walk, uint32_t list, uint32_t resource)
{
	uint32_t end = walk->doc->nodes[list].next;
	for (uint32_t item = list + 1; item < end;
	     item = walk->doc->nodes[item].next)
		walk_schema(walk, item, resource);
}

static void
walk_map(struct walk *walk, uint32_t map, uint32_t resource)
{
	uint32_t end = walk->doc->nodes[map].next;
	for (uint32_t key = map + 1; key < end;
	     key = walk->doc->nodes[key + 1].next)
		walk_schema(walk, key + 1, resource);
}

static void
walk_value(struct walk *walk, enum schema_shape_of_value shape, uint32_t value,
    uint32_t resource)
{
	enum json_type type = walk->doc->nodes[value].type;
	switch (shape) {
	case VALUE_NONE:
		break;
	case VALUE_ONE:
		walk_schema(walk, value, resource);
		break;
	case VALUE_ITEMS:
	case VALUE_LIST:
		if (type == JSON_ARRAY)
			walk_list(walk, value, resource);
		else if (shape == VALUE_ITEMS)
			walk_schema(walk, value, resource);
		break;
	case VALUE_MAP:
	case VALUE_DEPS: /* lists of names are passed over as non-objects */
		if (type == JSON_OBJECT)
			walk_map(walk, value, resource);
		break;
	}
}

static void
tell_keyword(struct walk *walk, uint32_t key, struct view name)
{
	const char *nearest = schema_keyword_nearest(name);
	if (nearest && view_is(name, nearest))
		schema_index_fail(walk->index, walk->document, key,
		    "\"%s\" is a keyword of another draft or vocabulary",
		    nearest);
	else
		schema_index_fail(walk->index, walk->document, key,
		    "unknown keyword \"%.*s\"%s%s%s", (int)name.len, name.data,
		    nearest ? ": did you mean \"" : "", nearest ? nearest : "",
		    nearest ? "\"?" : "");
}

static void
refuse_keyword(struct walk *walk, uint32_t key)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	struct view name = json_string(walk->doc, key, &scratch);
	bool is_extension = name.len > 2 && memcmp(name.data, "x-", 2) == 0;
	if (!is_extension && !walk->is_failed) {
		walk->is_failed = true;
		tell_keyword(walk, key, name);
	}
	buf_fini(&scratch);
}

static void
walk_schema(struct walk *walk, uint32_t node, uint32_t resource)
{
	const struct json_doc *doc = walk->doc;
	if (doc->nodes[node].type != JSON_OBJECT)
		return;
	bool is_root = node == 0; /* has been entered already */
	if (!is_hidden(walk, node, resource)) {
		if (!is_root)
			resource = enter_id(walk, node, resource);
		enter_anchors(walk, node, resource);
	}
	struct schema_dialect dialect =
	    walk->index->resources[resource].dialect;
	uint32_t end = doc->nodes[node].next;
	for (uint32_t key = node + 1; key < end;
	     key = doc->nodes[key + 1].next) {
		const struct schema_keyword *keyword =
		    schema_keyword_find(&dialect, doc, key);
		if (keyword)
			walk_value(walk, keyword->shape, key + 1, resource);
		else if (walk->refuses_unknown && dialect.draft != 0)
			refuse_keyword(walk, key);
	}
}

/* The document's root: known by the name it was added under, and by its $id
 * when it has one. */
static uint32_t
enter_root(struct walk *walk, const struct schema_document *document)
{
	struct schema_index *index = walk->index;
	struct schema_dialect dialect =
	    dialect_of(walk, 0, schema_dialect_of_draft(index->options->draft));
	uint32_t root = add_resource(walk, 0, view_of(document->uri), &dialect);
	if (is_hidden(walk, 0, root))
		return root;
	uint32_t named = enter_id(walk, 0, root);
	if (named == root)
		return root;
	/* One resource, two names: the first entry becomes the alias. */
	index->resources[root].uri = index->resources[named].uri;
	index->resource_count--;
	schema_map_put(&index->roots, key_of(walk->document, 0), root);
	add_alias(index, document->uri, root);
	return root;
}

int
schema_index_add(struct schema_index *index, struct schema_document *document)
{
	uint32_t id = index->document_count;
	index->documents = grow(index->documents, id, sizeof(document));
	index->documents[id] = schema_document_share(document);
	index->document_count++;
	struct walk walk = {
		.index = index,
		.doc = &document->doc,
		.document = id,
		.refuses_unknown = index->options->refuse_unknown_keywords &&
		    schema_bundled(view_of(document->uri)).len == 0,
	};
	uint32_t root = enter_root(&walk, document);
	walk_schema(&walk, 0, root);
	return walk.is_failed ? -1 : 0;
}
