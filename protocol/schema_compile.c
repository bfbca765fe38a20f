/* SPDX-License-Identifier: MIT */

/*
 * No recursion: a keyword asks for the number of the node of each subschema it
 * needs, new places go to the end of the list, and one loop compiles the list
 * to its end. References are nodes like any other, so cycles are natural.
 */

#include "schema_build.h"

#include "xmalloc.h"

#include <stdlib.h>

#define NODES_MAX 4000000u

static uint32_t
add_node(struct schema_compiler *compiler, struct schema_place place)
{
	struct schema *schema = compiler->schema;
	if (schema->node_count == compiler->capacity) {
		compiler->capacity *= 2;
		schema->nodes = xrealloc(
		    schema->nodes, compiler->capacity * sizeof(*schema->nodes));
		compiler->places = xrealloc(compiler->places,
		    compiler->capacity * sizeof(*compiler->places));
	}
	uint32_t id = schema->node_count++;
	schema->nodes[id] = (struct schema_node){ .types = TYPE_ANY };
	schema->nodes[id].resource = place.resource;
	compiler->places[id] = place;
	return id;
}

uint32_t
schema_compiler_node(
    struct schema_compiler *compiler, struct schema_place place)
{
	const struct json_doc *doc =
	    schema_index_doc(&compiler->index, place.resource);
	uint8_t type = doc->nodes[place.node].type;
	if (type == JSON_TRUE)
		return SCHEMA_TRUE;
	if (type == JSON_FALSE)
		return SCHEMA_FALSE;
	uint64_t document = compiler->index.resources[place.resource].document;
	uint64_t key = document << 32 | place.node;
	uint32_t id = 0;
	if (schema_map_get(&compiler->known, key, &id))
		return id;
	id = add_node(compiler, place);
	schema_map_put(&compiler->known, key, id);
	return id;
}

static struct schema_rule *
keep_rules(struct schema_builder *builder, const struct schema_rule *rules,
    uint32_t count)
{
	struct schema_rule *copy =
	    schema_build_alloc(builder, (count + 1) * sizeof(*rules));
	if (count > 0)
		memcpy(copy, rules, count * sizeof(*rules));
	return copy;
}

/* "x-error": {"code", "message"}: the author's own refusal. */
static int
read_refusal(struct schema_builder *builder, struct schema_node *node)
{
	uint32_t object =
	    json_member(builder->doc, builder->place.node, view_of("x-error"));
	if (!object)
		return 0;
	uint32_t code = json_member(builder->doc, object, view_of("code"));
	uint32_t message =
	    json_member(builder->doc, object, view_of("message"));
	const struct json_node *nodes = builder->doc->nodes;
	bool has_code = code && nodes[code].type == JSON_STRING;
	if (code && !has_code && nodes[code].type != JSON_NULL)
		return schema_build_fail(
		    builder, code, "the code of x-error must be a string");
	if (!message || nodes[message].type != JSON_STRING)
		return schema_build_fail(
		    builder, object, "x-error needs a message");
	struct schema_refusal *refusal =
	    schema_build_alloc(builder, sizeof(*refusal));
	if (has_code)
		refusal->code = schema_build_text(builder, code).data;
	refusal->message = schema_build_text(builder, message).data;
	node->refusal = refusal;
	return 0;
}

static int
build_keyword(struct schema_builder *builder, uint32_t key)
{
	const struct schema_keyword *keyword =
	    schema_keyword_find(builder->dialect, builder->doc, key);
	if (!keyword)
		return 0;
	uint32_t value =
	    json_member(builder->doc, builder->place.node, keyword->text);
	if (value != key + 1)
		return 0; /* written twice: the last one counts */
	return keyword->compile(builder, value);
}

static int
build_keywords(struct schema_builder *builder)
{
	const struct json_doc *doc = builder->doc;
	uint32_t object = builder->place.node;
	uint32_t ref = json_member(doc, object, view_of("$ref"));
	if (builder->dialect->draft == DRAFT_D7 && ref)
		return schema_build_ref(builder, ref);
	for (uint32_t key = object + 1; key < doc->nodes[object].next;
	     key = doc->nodes[key + 1].next)
		if (build_keyword(builder, key) < 0)
			return -1;
	return 0;
}

static int
finish_node(struct schema_builder *builder, uint32_t id)
{
	struct schema_node *node = &builder->compiler->schema->nodes[id];
	if (read_refusal(builder, node) < 0)
		return -1;
	if (builder->plain_count > BUILDER_RULES_MAX)
		return schema_build_fail(
		    builder, builder->place.node, "too many rules");
	schema_sort_by_cost(builder->fast, builder->fast_count);
	node->types = builder->types;
	node->tracks = builder->tracks;
	node->fast_count = (uint16_t)builder->fast_count;
	node->plain_count = (uint16_t)builder->plain_count;
	node->fast = keep_rules(builder, builder->fast, builder->fast_count);
	node->plain = keep_rules(builder, builder->plain, builder->plain_count);
	return 0;
}

/* Where the dialect is named, or the subschema itself. */
static uint32_t
named_dialect(const struct schema_builder *builder)
{
	uint32_t value =
	    json_member(builder->doc, builder->place.node, view_of("$schema"));
	return value ? value : builder->place.node;
}

static int
build_node(struct schema_compiler *compiler, uint32_t id)
{
	struct schema_place place = compiler->places[id];
	struct schema_resource *resource =
	    &compiler->index.resources[place.resource];
	struct schema_dialect dialect = resource->dialect;
	struct schema_builder builder = {
		.compiler = compiler,
		.doc = schema_index_doc(&compiler->index, place.resource),
		.dialect = &dialect,
		.place = place,
		.types = TYPE_ANY,
	};
	if (dialect.draft == 0)
		return schema_build_fail(&builder, named_dialect(&builder),
		    "$schema names a dialect or a vocabulary that is not known "
		    "here: use draft 2020-12 or draft-07");
	if (builder.doc->nodes[place.node].type != JSON_OBJECT)
		return schema_build_fail(&builder, place.node,
		    "a schema must be an object or a boolean");
	if (compiler->schema->node_count > NODES_MAX)
		return schema_build_fail(
		    &builder, place.node, "too many subschemas");
	int rc = build_keywords(&builder);
	if (rc == 0)
		rc = finish_node(&builder, id);
	free(builder.fast);
	free(builder.plain);
	return rc;
}

/* The node that bears the dynamic anchor in this resource, or UINT32_MAX. */
static uint32_t
dynamic_target(struct schema_compiler *compiler,
    const struct schema_pending *pending, uint32_t resource)
{
	struct schema_index *index = &compiler->index;
	if (pending->is_recursive) {
		struct schema_resource *home = &index->resources[resource];
		struct schema_place root = { resource, home->node };
		return home->is_recursive ? schema_compiler_node(compiler, root)
					  : UINT32_MAX;
	}
	const struct schema_anchor *anchor =
	    schema_index_anchor(index, resource, pending->name);
	if (!anchor || !anchor->is_dynamic)
		return UINT32_MAX;
	struct schema_place place = { resource, anchor->node };
	return schema_compiler_node(compiler, place);
}

/* Compiling the targets may load bundled documents and meet new $dynamicRefs,
 * so this runs again until nothing is new. */
static void
fill_dynamic(struct schema_compiler *compiler)
{
	uint32_t count = compiler->index.resource_count;
	for (uint32_t i = 0; i < compiler->pending_count; i++) {
		struct schema_pending *pending = &compiler->pending[i];
		uint32_t *targets = schema_arena_get(
		    &compiler->schema->arena, count * sizeof(*targets));
		for (uint32_t k = 0; k < count; k++)
			targets[k] = dynamic_target(compiler, pending, k);
		pending->dynamic->targets = targets;
	}
	compiler->schema->resource_count = count;
}

static int
build_all(struct schema_compiler *compiler)
{
	struct schema *schema = compiler->schema;
	uint32_t done = SCHEMA_FALSE + 1;
	uint32_t resources = 0;
	uint32_t pending = 0;
	for (;;) {
		for (; done < schema->node_count; done++)
			if (build_node(compiler, done) < 0)
				return -1;
		if (resources == compiler->index.resource_count &&
		    pending == compiler->pending_count)
			return 0;
		resources = compiler->index.resource_count;
		pending = compiler->pending_count;
		fill_dynamic(compiler);
	}
}

enum { UNSEEN, OPEN, DONE };

/* A node that is nothing but a reference becomes a copy of its target, when
 * no dynamic scope could tell the difference. */
static int
shorten(struct schema_compiler *compiler, uint32_t start)
{
	struct schema *schema = compiler->schema;
	uint32_t id = start;
	while (compiler->states[id] == UNSEEN) {
		const struct schema_node *node = &schema->nodes[id];
		bool is_link = node->fast_count == 1 &&
		    node->fast[0].op == SCHEMA_OP_REF &&
		    node->types == TYPE_ANY && !node->refusal &&
		    node->plain[0].op == SCHEMA_OP_REF;
		if (!is_link)
			break;
		compiler->states[id] = OPEN;
		id = node->fast[0].node;
	}
	struct schema_place place = compiler->places[id];
	if (compiler->states[id] == OPEN)
		return schema_index_fail(&compiler->index,
		    compiler->index.resources[place.resource].document,
		    place.node, "references go round in a circle");
	compiler->states[id] = DONE;
	for (uint32_t at = start; at != id;) {
		struct schema_node *node = &schema->nodes[at];
		uint32_t next = node->fast[0].node;
		compiler->states[at] = DONE;
		if (!schema->is_dynamic ||
		    node->resource == schema->nodes[id].resource)
			*node = schema->nodes[id];
		at = next;
	}
	return 0;
}

static int
shorten_all(struct schema_compiler *compiler)
{
	compiler->states = xcalloc(compiler->schema->node_count, 1);
	for (uint32_t id = 0; id < compiler->schema->node_count; id++)
		if (shorten(compiler, id) < 0)
			return -1;
	return 0;
}

static void
keep_documents(struct schema_compiler *compiler)
{
	struct schema *schema = compiler->schema;
	struct schema_index *index = &compiler->index;
	schema->documents =
	    xcalloc(index->document_count + 1, sizeof(*schema->documents));
	for (uint32_t i = 0; i < index->document_count; i++)
		schema->documents[i] =
		    schema_document_share(index->documents[i]);
	schema->document_count = index->document_count;
}

static int
compile_root(struct schema_compiler *compiler, const char *uri)
{
	struct schema_place start = { 0, 0 };
	struct schema_place root = start;
	if (!schema_index_find(&compiler->index, view_of(uri), &root))
		return error_set(compiler->index.err, uri, "no such schema");
	compiler->capacity = 64;
	compiler->schema->nodes =
	    xcalloc(compiler->capacity, sizeof(*compiler->schema->nodes));
	compiler->places =
	    xcalloc(compiler->capacity, sizeof(*compiler->places));
	add_node(compiler, start); /* SCHEMA_TRUE */
	add_node(compiler, start); /* SCHEMA_FALSE */
	compiler->schema->nodes[SCHEMA_FALSE].types = 0;
	compiler->schema->root = schema_compiler_node(compiler, root);
	if (build_all(compiler) < 0)
		return -1;
	return shorten_all(compiler);
}

struct schema *
schema_compile(const struct schema_set *set, const char *uri,
    const struct schema_options *options, struct error *err)
{
	static const struct schema_options defaults = { 0 };
	struct schema_compiler compiler = { 0 };
	struct schema *schema = xcalloc(1, sizeof(*schema));
	compiler.schema = schema;
	int rc = schema_index_init(
	    &compiler.index, set, options ? options : &defaults, err);
	if (rc == 0)
		rc = compile_root(&compiler, uri);
	if (rc == 0) {
		schema_link(schema);
		schema_fuse(schema);
	}
	keep_documents(&compiler);
	schema_index_fini(&compiler.index);
	free(compiler.places);
	free(compiler.pending);
	free(compiler.states);
	schema_map_fini(&compiler.known);
	if (rc < 0)
		schema_free(&schema);
	return schema;
}

void
schema_free(struct schema **schema)
{
	if (!*schema)
		return;
	for (uint32_t i = 0; i < (*schema)->document_count; i++)
		schema_document_drop(&(*schema)->documents[i]);
	free((*schema)->documents);
	free((*schema)->nodes);
	schema_regex_free_all(&(*schema)->regexes);
	schema_arena_fini(&(*schema)->arena);
	free(*schema);
	*schema = NULL;
}
