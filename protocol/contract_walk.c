/* SPDX-License-Identifier: MIT */
#include "contract_walk.h"

/* Where the value of a keyword holds subschemas. */
enum shape { SHAPE_ONE, SHAPE_LIST, SHAPE_EITHER, SHAPE_MAP };

static const struct {
	const char *keyword;
	enum shape shape;
} keywords[] = {
	{ "$defs", SHAPE_MAP }, /* these two stand first */
	{ "definitions", SHAPE_MAP },
	{ "properties", SHAPE_MAP },
	{ "patternProperties", SHAPE_MAP },
	{ "dependentSchemas", SHAPE_MAP },
	{ "dependencies", SHAPE_MAP },
	{ "allOf", SHAPE_LIST },
	{ "anyOf", SHAPE_LIST },
	{ "oneOf", SHAPE_LIST },
	{ "prefixItems", SHAPE_LIST },
	{ "items", SHAPE_EITHER },
	{ "additionalItems", SHAPE_ONE },
	{ "additionalProperties", SHAPE_ONE },
	{ "unevaluatedItems", SHAPE_ONE },
	{ "unevaluatedProperties", SHAPE_ONE },
	{ "propertyNames", SHAPE_ONE },
	{ "contains", SHAPE_ONE },
	{ "contentSchema", SHAPE_ONE },
	{ "not", SHAPE_ONE },
	{ "if", SHAPE_ONE },
	{ "then", SHAPE_ONE },
	{ "else", SHAPE_ONE },
};

struct walk {
	const struct contract_file *file;
	contract_visit_fn *visit;
	void *arg;
	struct buf pointer;
	struct buf scratch;
	size_t first_keyword; /* 2: definitions are left out */
};

static bool
is_unreserved(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') ||
	    (byte && strchr("-._~$!'()*+,;=:@", byte));
}

/* One more token: first as a JSON pointer escapes it, then as a fragment. */
static void
add_token(struct walk *walk, struct view token)
{
	buf_add_char(&walk->pointer, '/');
	for (size_t i = 0; i < token.len; i++) {
		char byte = token.data[i];
		if (byte == '~')
			buf_add_text(&walk->pointer, "~0");
		else if (byte == '/')
			buf_add_text(&walk->pointer, "~1");
		else if (is_unreserved(byte))
			buf_add_char(&walk->pointer, byte);
		else
			buf_addf(&walk->pointer, "%%%02X", (uint8_t)byte);
	}
}

static int visit(struct walk *walk, uint32_t node);

static int
visit_list(struct walk *walk, uint32_t array)
{
	uint32_t item = array + 1;
	for (uint32_t i = 0; i < walk->file->doc.nodes[array].count; i++) {
		size_t before = walk->pointer.len;
		buf_addf(&walk->pointer, "/%u", i);
		if (visit(walk, item) == -1)
			return -1;
		walk->pointer.len = before;
		item = walk->file->doc.nodes[item].next;
	}
	return 0;
}

static int
visit_map(struct walk *walk, uint32_t object)
{
	const struct json_doc *doc = &walk->file->doc;
	uint32_t key = object + 1;
	for (uint32_t i = 0; i < doc->nodes[object].count; i++) {
		size_t before = walk->pointer.len;
		add_token(walk, json_string(doc, key, &walk->scratch));
		if (visit(walk, key + 1) == -1)
			return -1;
		walk->pointer.len = before;
		key = doc->nodes[key + 1].next;
	}
	return 0;
}

static int
visit_value(struct walk *walk, uint32_t value, enum shape shape)
{
	uint8_t type = walk->file->doc.nodes[value].type;
	if (type == JSON_ARRAY &&
	    (shape == SHAPE_LIST || shape == SHAPE_EITHER))
		return visit_list(walk, value);
	if (type != JSON_OBJECT || shape == SHAPE_LIST)
		return 0;
	return shape == SHAPE_MAP ? visit_map(walk, value) : visit(walk, value);
}

static int
visit_keyword(struct walk *walk, uint32_t key)
{
	size_t count = sizeof(keywords) / sizeof(keywords[0]);
	for (size_t i = walk->first_keyword; i < count; i++) {
		struct view name = view_of(keywords[i].keyword);
		if (!json_string_is(&walk->file->doc, key, name))
			continue;
		size_t before = walk->pointer.len;
		add_token(walk, name);
		int status = visit_value(walk, key + 1, keywords[i].shape);
		walk->pointer.len = before;
		return status;
	}
	return 0;
}

/* Recursive: the depth was bounded when the file was scanned. */
static int
visit(struct walk *walk, uint32_t node)
{
	const struct json_doc *doc = &walk->file->doc;
	if (doc->nodes[node].type != JSON_OBJECT)
		return 0;
	struct subschema subschema = { walk->file, node,
		buf_view(&walk->pointer) };
	if (walk->visit(walk->arg, &subschema) == -1)
		return -1;
	uint32_t key = node + 1;
	for (uint32_t i = 0; i < doc->nodes[node].count; i++) {
		if (visit_keyword(walk, key) == -1)
			return -1;
		key = doc->nodes[key + 1].next;
	}
	return 0;
}

static int
run(struct walk *walk, uint32_t node)
{
	buf_init(&walk->pointer, 0);
	buf_init(&walk->scratch, 0);
	int status = visit(walk, node);
	buf_fini(&walk->pointer);
	buf_fini(&walk->scratch);
	return status;
}

int
contract_walk(
    const struct contract_file *file, contract_visit_fn *visit_each, void *arg)
{
	struct walk walk = { .file = file, .visit = visit_each, .arg = arg };
	return run(&walk, 0);
}

int
contract_walk_part(const struct contract_file *file, uint32_t node,
    contract_visit_fn *visit_each, void *arg)
{
	struct walk walk = { .file = file,
		.visit = visit_each,
		.arg = arg,
		.first_keyword = 2 };
	return run(&walk, node);
}

bool
contract_is_schema(const struct contract_file *file)
{
	static const char ending[] = ".schema.json";
	size_t length = strlen(file->path);
	size_t size = sizeof(ending) - 1;
	if (length > size && strcmp(file->path + length - size, ending) == 0)
		return true;
	return json_member(&file->doc, 0, view_of("$schema")) != 0;
}
