/* SPDX-License-Identifier: MIT */

/* Reading a finished tape: members, pointers, string values. */

#include "json_parts.h"

const char *
json_type_name(enum json_type type)
{
	switch (type) {
	case JSON_NULL:
		return "null";
	case JSON_FALSE:
	case JSON_TRUE:
		return "boolean";
	case JSON_NUMBER:
		return "number";
	case JSON_STRING:
		return "string";
	case JSON_ARRAY:
		return "array";
	case JSON_OBJECT:
		return "object";
	}
	return "unknown";
}

/* Compares piece by piece, so that nothing is allocated. */
static bool
decodes_to(struct view raw, struct view decoded)
{
	const char *at = raw.data;
	const char *end = at + raw.len;
	size_t done = 0;
	char small[4];
	while (at < end) {
		struct view piece = json_decode_step(&at, end, small);
		if (piece.len > decoded.len - done ||
		    memcmp(piece.data, decoded.data + done, piece.len) != 0)
			return false;
		done += piece.len;
	}
	return done == decoded.len;
}

static bool
same_string(const struct json_doc *doc, uint32_t node, struct view decoded)
{
	struct view raw = json_inside(doc, node);
	if (doc->nodes[node].flags & JSON_HAS_ESCAPE)
		return decodes_to(raw, decoded);
	return view_equal(raw, decoded);
}

bool
json_string_is(const struct json_doc *doc, uint32_t node, struct view decoded)
{
	return doc->nodes[node].type == JSON_STRING &&
	    same_string(doc, node, decoded);
}

struct view
json_string(const struct json_doc *doc, uint32_t node, struct buf *scratch)
{
	struct view raw = json_inside(doc, node);
	if (!(doc->nodes[node].flags & JSON_HAS_ESCAPE))
		return raw;
	buf_clear(scratch);
	json_decode(raw, scratch);
	return buf_view(scratch);
}

uint32_t
json_member(const struct json_doc *doc, uint32_t object, struct view name)
{
	const struct json_node *nodes = doc->nodes;
	if (nodes[object].type != JSON_OBJECT)
		return 0;
	uint32_t hash = json_hash(name);
	const struct json_node *end = nodes + nodes[object].next;
	const struct json_node *key = nodes + object + 1;
	uint32_t found = 0;
	for (; key < end; key = json_behind(doc, key + 1)) {
		uint32_t at = (uint32_t)(key - nodes);
		if (key->hash == hash && same_string(doc, at, name))
			found = at + 1;
	}
	return found;
}

/* RFC 6901 section 4: no leading zeros, no sign, not "-". */
static bool
parse_index(struct view token, uint32_t *index_r)
{
	if (token.len == 0 || token.len > 10 ||
	    (token.data[0] == '0' && token.len > 1))
		return false;
	uint64_t index = 0;
	for (size_t i = 0; i < token.len; i++) {
		if (token.data[i] < '0' || token.data[i] > '9')
			return false;
		index = index * 10 + (uint64_t)(token.data[i] - '0');
	}
	if (index > UINT32_MAX)
		return false;
	*index_r = (uint32_t)index;
	return true;
}

static uint32_t
array_item(const struct json_doc *doc, uint32_t array, struct view token)
{
	uint32_t index;
	if (!parse_index(token, &index) || index >= doc->nodes[array].count)
		return 0;
	uint32_t item = array + 1;
	while (index-- > 0)
		item = doc->nodes[item].next;
	return item;
}

static bool
unescape_token(struct view token, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < token.len; i++) {
		char byte = token.data[i];
		if (byte == '~') {
			if (++i == token.len ||
			    (token.data[i] != '0' && token.data[i] != '1'))
				return false;
			byte = token.data[i] == '0' ? '~' : '/';
		}
		buf_add_char(out, byte);
	}
	return true;
}

/* One step down; 0 when there is nothing of that name. */
static uint32_t
child(const struct json_doc *doc, uint32_t node, struct view token)
{
	if (doc->nodes[node].type == JSON_ARRAY)
		return array_item(doc, node, token);
	if (!memchr(token.data, '~', token.len))
		return json_member(doc, node, token);
	struct buf name;
	buf_init(&name, 0);
	uint32_t found = 0;
	if (unescape_token(token, &name))
		found = json_member(doc, node, buf_view(&name));
	buf_fini(&name);
	return found;
}

bool
json_pointer_get(
    const struct json_doc *doc, struct view pointer, uint32_t *node_r)
{
	const char *at = pointer.len ? pointer.data : "";
	const char *end = at + pointer.len;
	uint32_t node = 0;
	while (at < end) {
		if (*at++ != '/')
			return false;
		const char *stop = memchr(at, '/', (size_t)(end - at));
		if (!stop)
			stop = end;
		node = child(doc, node, view_make(at, (size_t)(stop - at)));
		if (node == 0)
			return false;
		at = stop;
	}
	*node_r = node;
	return true;
}
