/* SPDX-License-Identifier: MIT */
#include "schema_index.h"

#include "schema_index_walk.h"
#include "schema_uri.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int
schema_index_init(struct schema_index *index, const struct schema_set *set,
    const struct schema_options *options, struct error *err)
{
	*index = (struct schema_index){ 0 };
	index->set = set;
	index->options = options;
	index->err = err;
	for (uint32_t i = 0; i < set->count; i++)
		if (schema_index_add(index, set->documents[i]) < 0)
			return -1;
	return 0;
}

void
schema_index_fini(struct schema_index *index)
{
	for (uint32_t i = 0; i < index->document_count; i++)
		schema_document_drop(&index->documents[i]);
	free(index->documents);
	free(index->resources);
	free(index->anchors);
	free(index->aliases);
	schema_map_fini(&index->roots);
	schema_arena_fini(&index->arena);
}

const struct json_doc *
schema_index_doc(const struct schema_index *index, uint32_t resource)
{
	uint32_t document = index->resources[resource].document;
	return &index->documents[document]->doc;
}

uint32_t
schema_index_base(
    const struct schema_index *index, uint32_t resource, uint32_t node)
{
	uint64_t document = index->resources[resource].document;
	uint32_t base = resource;
	schema_map_get(&index->roots, document << 32 | node, &base);
	return base;
}

/* A canonical URI goes before a name under which a document was found. */
static bool
find_known(
    const struct schema_index *index, struct view uri, uint32_t *resource_r)
{
	for (uint32_t i = 0; i < index->resource_count; i++) {
		if (view_is(uri, index->resources[i].uri)) {
			*resource_r = i;
			return true;
		}
	}
	for (uint32_t i = 0; i < index->alias_count; i++) {
		if (view_is(uri, index->aliases[i].uri)) {
			*resource_r = index->aliases[i].resource;
			return true;
		}
	}
	return false;
}

static bool
find_resource(struct schema_index *index, struct view uri, uint32_t *resource_r)
{
	if (find_known(index, uri, resource_r))
		return true;
	struct view text = schema_bundled(uri);
	if (text.len == 0)
		return false;
	char *name = schema_arena_text(&index->arena, uri);
	struct schema_document *document =
	    schema_document_new(name, text, index->err);
	if (!document)
		return false;
	*resource_r = index->resource_count; /* its root is the next one */
	schema_index_add(index, document);
	schema_document_drop(&document);
	return true;
}

const struct schema_anchor *
schema_index_anchor(
    const struct schema_index *index, uint32_t resource, struct view name)
{
	for (uint32_t i = 0; i < index->anchor_count; i++) {
		const struct schema_anchor *anchor = &index->anchors[i];
		if (anchor->resource == resource &&
		    view_equal(anchor->name, name))
			return anchor;
	}
	return NULL;
}

/* Decodes ~0 and ~1 in place of `token`, in `out`. */
static struct view
unescape_token(struct view token, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < token.len; i++) {
		char c = token.data[i];
		if (c == '~' && i + 1 < token.len) {
			i++;
			c = token.data[i] == '1' ? '/' : '~';
		}
		buf_add_char(out, c);
	}
	return buf_view(out);
}

static uint32_t
array_item(const struct json_doc *doc, uint32_t array, struct view token)
{
	char text[12] = { 0 };
	if (token.len == 0 || token.len > 9)
		return 0;
	memcpy(text, token.data, token.len);
	if (strspn(text, "0123456789") != token.len)
		return 0;
	unsigned long left = strtoul(text, NULL, 10);
	uint32_t end = doc->nodes[array].next;
	uint32_t item = array + 1;
	for (; item < end && left > 0; left--)
		item = doc->nodes[item].next;
	return item < end ? item : 0;
}

/* Follows a pointer down from the root of a resource, and notices where it
 * crosses into another one. */
static bool
follow(const struct schema_index *index, struct view pointer,
    struct schema_place *place)
{
	struct buf token;
	buf_init(&token, 0);
	bool is_found = true;
	while (is_found && pointer.len > 0) {
		size_t end = 1;
		while (end < pointer.len && pointer.data[end] != '/')
			end++;
		struct view name = unescape_token(
		    view_make(pointer.data + 1, end - 1), &token);
		pointer = view_make(pointer.data + end, pointer.len - end);
		const struct json_doc *doc =
		    schema_index_doc(index, place->resource);
		bool is_array = doc->nodes[place->node].type == JSON_ARRAY;
		place->node = is_array ? array_item(doc, place->node, name)
				       : json_member(doc, place->node, name);
		is_found = place->node != 0;
		place->resource =
		    schema_index_base(index, place->resource, place->node);
	}
	buf_fini(&token);
	return is_found;
}

static bool
find_fragment(const struct schema_index *index, struct view fragment,
    struct schema_place *place)
{
	if (fragment.len == 0)
		return true;
	struct buf decoded;
	buf_init(&decoded, 0);
	schema_uri_decode(fragment, &decoded);
	struct view text = buf_view(&decoded);
	bool is_found = false;
	if (text.len > 0 && text.data[0] == '/') {
		is_found = follow(index, text, place);
	} else {
		const struct schema_anchor *anchor =
		    schema_index_anchor(index, place->resource, text);
		is_found = anchor != NULL;
		if (anchor)
			place->node = anchor->node;
	}
	buf_fini(&decoded);
	return is_found;
}

bool
schema_index_find(
    struct schema_index *index, struct view uri, struct schema_place *place_r)
{
	struct view fragment;
	struct view base = schema_uri_split(uri, &fragment);
	if (!find_resource(index, base, &place_r->resource))
		return false;
	place_r->node = index->resources[place_r->resource].node;
	return find_fragment(index, fragment, place_r);
}

int
schema_index_resolve(struct schema_index *index, uint32_t resource,
    uint32_t node, struct view reference, struct schema_place *place_r)
{
	uint32_t document = index->resources[resource].document;
	struct buf uri;
	buf_init(&uri, 0);
	schema_uri_resolve(
	    view_of(index->resources[resource].uri), reference, &uri);
	int rc = 0;
	if (!schema_index_find(index, buf_view(&uri), place_r))
		rc = schema_index_fail(index, document, node,
		    "reference to \"%.*s\" leads nowhere", (int)uri.len,
		    uri.data);
	buf_fini(&uri);
	return rc;
}

/* As a pointer has it; what would end the line it is printed on is hidden. */
static void
add_name(const struct json_doc *doc, uint32_t key, struct buf *out)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	size_t from = out->len;
	buf_add_token(out, json_string(doc, key, &scratch));
	for (size_t i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < ' ')
			out->data[i] = '?';
	buf_fini(&scratch);
}

/* Appends the pointer from the root to `node` by containment. */
static void
add_pointer(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	uint32_t at = 0;
	while (at != node && doc->nodes[at].type >= JSON_ARRAY) {
		bool is_object = doc->nodes[at].type == JSON_OBJECT;
		uint32_t key = at + 1;
		uint32_t ordinal = 0;
		while (key + is_object < node &&
		    doc->nodes[key + is_object].next <= node) {
			key = doc->nodes[key + is_object].next;
			ordinal++;
		}
		buf_add_char(out, '/');
		if (is_object)
			add_name(doc, key, out);
		else
			buf_add_u64(out, ordinal);
		if (key == node)
			return;
		at = key + is_object;
	}
}

int
schema_index_fail(struct schema_index *index, uint32_t document, uint32_t node,
    const char *format, ...)
{
	const struct schema_document *home = index->documents[document];
	struct buf where;
	char message[400];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	buf_init(&where, 0);
	buf_addf(&where, "%s#", home->uri);
	add_pointer(&home->doc, node, &where);
	buf_add_char(&where, '\0');
	error_set(index->err, where.data, "%s", message);
	buf_fini(&where);
	return -1;
}
