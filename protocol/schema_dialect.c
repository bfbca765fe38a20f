/* SPDX-License-Identifier: MIT */
#include "schema_dialect.h"

#include "nearest.h"
#include "schema_build.h"
#include "schema_uri.h"

/* A metaschema may name a metaschema of its own, and so on. */
#define METASCHEMA_DEPTH 8

static const struct schema_keyword keywords[] = {
#define KEYWORD(text, drafts, vocabulary, shape, function)                     \
	{ { text, sizeof(text) - 1 }, DRAFT_##drafts, VOCABULARY_##vocabulary, \
		VALUE_##shape, schema_build_##function },
#include "schema_keywords.def"
#undef KEYWORD
};

#define KEYWORD_COUNT (sizeof(keywords) / sizeof(keywords[0]))

static const struct schema_keyword *
find_keyword(struct view name)
{
	for (size_t i = 0; i < KEYWORD_COUNT; i++)
		if (keywords[i].text.len == name.len &&
		    memcmp(keywords[i].text.data, name.data, name.len) == 0)
			return &keywords[i];
	return NULL;
}

const struct schema_keyword *
schema_keyword_find(const struct schema_dialect *dialect,
    const struct json_doc *doc, uint32_t key)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	const struct schema_keyword *keyword =
	    find_keyword(json_string(doc, key, &scratch));
	buf_fini(&scratch);
	bool is_in_force = keyword && (keyword->drafts & dialect->draft) &&
	    (keyword->vocabulary & dialect->vocabularies);
	return is_in_force ? keyword : NULL;
}

const char *
schema_keyword_nearest(struct view name)
{
	const char *names[KEYWORD_COUNT];
	for (size_t i = 0; i < KEYWORD_COUNT; i++)
		names[i] = keywords[i].text.data;
	return nearest_name(name, names, KEYWORD_COUNT);
}

struct schema_dialect
schema_dialect_of_draft(enum schema_draft draft)
{
	uint8_t bit = draft == SCHEMA_DRAFT_7 ? DRAFT_D7 : DRAFT_D20;
	return (struct schema_dialect){ bit, VOCABULARY_ALL, false };
}

static struct schema_dialect
find_draft(struct view uri)
{
	static const struct {
		const char *uri;
		uint8_t draft;
	} drafts[] = {
		{ "://json-schema.org/draft/2020-12/schema", DRAFT_D20 },
		{ "://json-schema.org/draft/2019-09/schema", DRAFT_D19 },
		{ "://json-schema.org/draft-07/schema", DRAFT_D7 },
		{ "://json-schema.org/draft-06/schema", DRAFT_D7 },
	};
	struct schema_dialect dialect = { 0, VOCABULARY_ALL, false };
	size_t scheme = uri.len > 5 && uri.data[4] == 's' ? 5 : 4;
	if (uri.len <= scheme || memcmp(uri.data, "http", 4) != 0)
		return dialect;
	struct view rest = view_make(uri.data + scheme, uri.len - scheme);
	for (size_t i = 0; i < sizeof(drafts) / sizeof(drafts[0]); i++)
		if (view_is(rest, drafts[i].uri))
			dialect.draft = drafts[i].draft;
	return dialect;
}

static const struct schema_document *
find_metaschema(const struct schema_set *set, struct view uri)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct schema_document *document = set->documents[i];
		uint32_t id = json_member(&document->doc, 0, view_of("$id"));
		if (view_is(uri, document->uri) ||
		    (id && json_string_is(&document->doc, id, uri)))
			return document;
	}
	return NULL;
}

/* Takes one line of $vocabulary into the dialect; an unknown vocabulary that
 * is required makes the dialect unknown. */
static void
add_vocabulary(
    struct schema_dialect *dialect, const struct json_doc *doc, uint32_t key)
{
	static const struct {
		const char *name;
		uint8_t bits;
	} names[] = {
		{ "core", VOCABULARY_CORE },
		{ "applicator", VOCABULARY_APPLICATOR },
		{ "unevaluated", VOCABULARY_UNEVALUATED },
		{ "validation", VOCABULARY_VALIDATION },
		{ "meta-data", VOCABULARY_META },
		{ "format", VOCABULARY_FORMAT },
		{ "format-annotation", VOCABULARY_FORMAT },
		{ "format-assertion", VOCABULARY_FORMAT },
		{ "content", VOCABULARY_CONTENT },
	};
	bool is_2020 = dialect->draft == DRAFT_D20;
	const char *prefix = is_2020
	    ? "https://json-schema.org/draft/2020-12/vocab/"
	    : "https://json-schema.org/draft/2019-09/vocab/";
	struct view uri = json_text(doc, key);
	uri = view_make(uri.data + 1, uri.len - 2);
	size_t length = strlen(prefix);
	bool is_ours =
	    uri.len > length && memcmp(uri.data, prefix, length) == 0;
	struct view name = { 0 };
	if (is_ours)
		name = view_make(uri.data + length, uri.len - length);
	for (size_t i = 0; is_ours && i < sizeof(names) / sizeof(names[0]);
	     i++) {
		if (!view_is(name, names[i].name))
			continue;
		dialect->vocabularies |= names[i].bits;
		if (!is_2020 && names[i].bits == VOCABULARY_APPLICATOR)
			dialect->vocabularies |= VOCABULARY_UNEVALUATED;
		if (view_is(name, "format-assertion"))
			dialect->asserts_format = true;
		return;
	}
	if (doc->nodes[key + 1].type == JSON_TRUE)
		dialect->draft = 0;
}

static struct schema_dialect
read_vocabulary(const struct json_doc *doc, struct schema_dialect base)
{
	uint32_t map = json_member(doc, 0, view_of("$vocabulary"));
	if (!map || doc->nodes[map].type != JSON_OBJECT)
		return base;
	struct schema_dialect dialect = { base.draft, VOCABULARY_CORE, false };
	uint32_t end = doc->nodes[map].next;
	for (uint32_t key = map + 1; key < end && dialect.draft != 0;
	     key = doc->nodes[key + 1].next)
		add_vocabulary(&dialect, doc, key);
	return dialect;
}

static struct schema_dialect
find_dialect(const struct schema_set *set, struct view uri, unsigned depth)
{
	struct view fragment;
	uri = schema_uri_split(uri, &fragment);
	struct schema_dialect dialect = find_draft(uri);
	const struct schema_document *metaschema = NULL;
	if (dialect.draft == 0 && depth < METASCHEMA_DEPTH)
		metaschema = find_metaschema(set, uri);
	if (!metaschema)
		return dialect;
	const struct json_doc *doc = &metaschema->doc;
	uint32_t schema = json_member(doc, 0, view_of("$schema"));
	if (!schema || doc->nodes[schema].type != JSON_STRING)
		return read_vocabulary(
		    doc, schema_dialect_of_draft(SCHEMA_DRAFT_AUTO));
	struct buf text;
	buf_init(&text, 0);
	struct view outer = json_string(doc, schema, &text);
	dialect = find_dialect(set, outer, depth + 1);
	buf_fini(&text);
	return read_vocabulary(doc, dialect);
}

struct schema_dialect
schema_dialect_find(const struct schema_set *set, struct view uri)
{
	return find_dialect(set, uri, 0);
}
