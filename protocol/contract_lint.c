/* SPDX-License-Identifier: MIT */
#include "contract_lint.h"

#include "contract_parts.h"
#include "contract_reach.h"
#include "contract_refs.h"
#include "contract_walk.h"
#include "schema_uri.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

#define VIOLATIONS_MAX 4096 /* as many members may be missing */
#define DECLARE_DEPTH  8    /* references followed to find a member */

struct lint {
	const struct contract *contract;
	const struct contract_files *files;
	const struct schema_set *set;
	struct contract_refs *refs;
	struct contract_reach *reach;
	struct schema_scratch *scratch;
	struct violation *violations;
	contract_finding_fn *report;
	void *arg;
	size_t count;
	char skipped[CONTRACT_POINTER]; /* what lies below is known already */
};

/* A message and where contract.json has it. */
struct place {
	const struct contract_endpoint *endpoint;
	const struct contract_side *side;
	const struct contract_message *message; /* NULL: the whole side */
};

/* --- findings --- */

static void
report(struct lint *lint, const char *source, const char *type,
    struct view pointer, const char *rule, const char *expected,
    const char *got)
{
	struct contract_finding finding = { .source = source, .type = type };
	struct violation *violation = &finding.violation;
	snprintf(violation->pointer, sizeof(violation->pointer), "%.*s",
	    (int)(pointer.len < 255 ? pointer.len : 255), pointer.data);
	snprintf(violation->rule, sizeof(violation->rule), "%s", rule);
	snprintf(
	    violation->expected, sizeof(violation->expected), "%s", expected);
	snprintf(violation->got, sizeof(violation->got), "%s", got);
	lint->count++;
	lint->report(lint->arg, &finding);
}

static void
report_place(struct lint *lint, const struct place *place, const char *rule,
    const char *expected, const char *got)
{
	const char *type = place->message ? place->message->type : NULL;
	bool is_client = place->side == &place->endpoint->client;
	struct buf pointer;
	buf_init(&pointer, 0);
	buf_addf(&pointer, "/endpoints/%s/%s", place->endpoint->name,
	    is_client ? "client" : "server");
	if (type) {
		buf_add_text(&pointer, "/messages/");
		buf_add_token(&pointer, view_of(type));
	}
	report(
	    lint, CONTRACT_FILE, type, buf_view(&pointer), rule, expected, got);
	buf_fini(&pointer);
}

/* What stands in a subschema, or `below` it; pointers of a walk have %XX. */
static void
report_part(struct lint *lint, const struct subschema *subschema,
    const char *below, const char *rule, const char *expected, const char *got)
{
	struct buf pointer;
	buf_init(&pointer, 0);
	schema_uri_decode(subschema->pointer, &pointer);
	buf_add_text(&pointer, below);
	report(lint, subschema->file->path, NULL, buf_view(&pointer), rule,
	    expected, got);
	buf_fini(&pointer);
}

/* --- messages --- */

/* {"meta":{"kind":"T"}} for /meta/kind. */
static void
add_instance(struct buf *out, const char *pointer, const char *type)
{
	size_t depth = 0;
	while (*pointer == '/') {
		char token[CONTRACT_POINTER];
		size_t length = 0;
		for (pointer++; *pointer && *pointer != '/'; pointer++) {
			char byte = *pointer;
			if (byte == '~')
				byte = *++pointer == '0' ? '~' : '/';
			if (length + 1 < sizeof(token))
				token[length++] = byte;
		}
		buf_add_char(out, '{');
		buf_add_json_string(out, view_make(token, length));
		buf_add_char(out, ':');
		depth++;
	}
	buf_add_json_string(out, view_of(type));
	while (depth-- > 0)
		buf_add_char(out, '}');
}

/* The schema must let its own type stand at the discriminator, else nothing
 * can ever be valid under it. */
static void
check_discriminator(struct lint *lint, const struct place *place)
{
	struct violation *violations = lint->violations;
	struct json_limits limits = { .max_depth = 0 };
	struct json_fault fault;
	struct json_doc doc;
	struct buf text;
	buf_init(&text, 0);
	json_doc_init(&doc);
	const char *pointer = place->side->discriminator;
	add_instance(&text, pointer, place->message->type);
	size_t count = 0;
	if (json_scan(&doc, buf_view(&text), &limits, &fault) == 0)
		count = schema_explain(place->message->schema, lint->scratch,
		    &doc, 0, violations, VIOLATIONS_MAX);
	for (size_t i = 0; i < count; i++) {
		if (strcmp(violations[i].pointer, pointer) != 0)
			continue;
		report_place(lint, place, "discriminator",
		    violations[i].expected, place->message->type);
		break;
	}
	json_doc_fini(&doc);
	buf_fini(&text);
}

static bool declares(const struct lint *lint, struct contract_spot spot,
    struct view name, unsigned depth);

static bool
list_declares(const struct lint *lint, struct contract_spot spot,
    const char *keyword, struct view name, unsigned depth)
{
	const struct json_doc *doc = &spot.file->doc;
	uint32_t list = json_member(doc, spot.node, view_of(keyword));
	if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
		return false;
	uint32_t item = list + 1;
	for (uint32_t i = 0; i < doc->nodes[list].count; i++) {
		struct contract_spot part = { spot.file, item };
		if (declares(lint, part, name, depth))
			return true;
		item = doc->nodes[item].next;
	}
	return false;
}

static bool
reference_declares(const struct lint *lint, struct contract_spot spot,
    struct view name, unsigned depth)
{
	const struct json_doc *doc = &spot.file->doc;
	uint32_t value = json_member(doc, spot.node, view_of("$ref"));
	if (value == 0 || doc->nodes[value].type != JSON_STRING)
		return false;
	struct buf scratch;
	buf_init(&scratch, 0);
	struct contract_spot target = contract_follow(
	    lint->refs, spot, json_string(doc, value, &scratch));
	buf_fini(&scratch);
	return declares(lint, target, name, depth);
}

/* Does the schema, or what it is made of, speak of a member of this name? */
static bool
declares(const struct lint *lint, struct contract_spot spot, struct view name,
    unsigned depth)
{
	static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
	if (!spot.file || depth == 0)
		return false;
	const struct json_doc *doc = &spot.file->doc;
	uint32_t properties =
	    json_member(doc, spot.node, view_of("properties"));
	uint32_t member = properties ? json_member(doc, properties, name) : 0;
	if (member && doc->nodes[member].type != JSON_FALSE)
		return true;
	for (size_t i = 0; i < 3; i++)
		if (list_declares(lint, spot, lists[i], name, depth - 1))
			return true;
	return reference_declares(lint, spot, name, depth - 1);
}

static void
check_reserved(struct lint *lint, const struct place *place)
{
	const struct contract_spot contract_json = { NULL, 0 };
	struct contract_spot spot = contract_follow(
	    lint->refs, contract_json, view_of(place->message->reference));
	if (place->side == &place->endpoint->server &&
	    place->endpoint->splice_cursor &&
	    declares(lint, spot, view_of("cursor"), DECLARE_DEPTH))
		report_place(lint, place, "reserved",
		    "no member \"cursor\": the relay adds it", "cursor");
}

static void
check_side(struct lint *lint, const struct contract_endpoint *endpoint,
    const struct contract_side *side)
{
	for (size_t i = 0; i < side->message_count; i++) {
		struct place place = { endpoint, side, &side->messages[i] };
		check_discriminator(lint, &place);
		check_reserved(lint, &place);
	}
}

/* A request that is not run twice is remembered until its run ends. */
static void
check_terminal(struct lint *lint, const struct contract_endpoint *endpoint)
{
	bool has_dedup = false;
	bool has_terminal = false;
	for (size_t i = 0; i < endpoint->client.message_count; i++)
		has_dedup |= endpoint->client.messages[i].is_dedup;
	for (size_t i = 0; i < endpoint->server.message_count; i++)
		has_terminal |= endpoint->server.messages[i].is_terminal;
	struct place place = { endpoint, &endpoint->server, NULL };
	if (has_dedup && !has_terminal)
		report_place(lint, &place, "terminal",
		    "a terminal type, since a client type is in \"dedup\"",
		    "none");
}

/* --- subschemas --- */

static bool
same_value(const struct json_doc *doc, uint32_t one, uint32_t other)
{
	struct buf a;
	struct buf b;
	buf_init(&a, 0);
	buf_init(&b, 0);
	contract_canonical(doc, one, &a);
	contract_canonical(doc, other, &b);
	bool same = view_equal(buf_view(&a), buf_view(&b));
	buf_fini(&a);
	buf_fini(&b);
	return same;
}

static bool
stands_before(const struct json_doc *doc, uint32_t list, uint32_t item)
{
	for (uint32_t at = list + 1; at < item; at = doc->nodes[at].next)
		if (same_value(doc, at, item))
			return true;
	return false;
}

static void
check_branches(
    struct lint *lint, const struct subschema *subschema, const char *keyword)
{
	const struct json_doc *doc = &subschema->file->doc;
	uint32_t list = json_member(doc, subschema->node, view_of(keyword));
	char below[32];
	if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
		return;
	uint32_t item = list + 1;
	for (uint32_t i = 0; i < doc->nodes[list].count; i++) {
		const char *got = NULL;
		if (doc->nodes[item].type == JSON_FALSE)
			got = "false";
		else if (stands_before(doc, list, item))
			got = "the same branch again";
		snprintf(below, sizeof(below), "/%s/%u", keyword, i);
		if (got)
			report_part(lint, subschema, below, "unreachable",
			    "a branch that can be taken", got);
		item = doc->nodes[item].next;
	}
}

static void
check_condition(struct lint *lint, const struct subschema *subschema)
{
	const struct json_doc *doc = &subschema->file->doc;
	bool has_if = json_member(doc, subschema->node, view_of("if"));
	bool has_then = json_member(doc, subschema->node, view_of("then"));
	bool has_else = json_member(doc, subschema->node, view_of("else"));
	if (!has_if && (has_then || has_else))
		report_part(lint, subschema, "", "unreachable",
		    "an \"if\" beside it",
		    has_then ? "\"then\" alone" : "\"else\" alone");
}

static bool
is_definition(struct view pointer)
{
	size_t end = pointer.len;
	while (end > 0 && pointer.data[end - 1] != '/')
		end--;
	struct view parent = view_make(pointer.data, end ? end - 1 : 0);
	return (parent.len >= 6 &&
		   memcmp(parent.data + parent.len - 6, "/$defs", 6) == 0) ||
	    (parent.len >= 12 &&
		memcmp(parent.data + parent.len - 12, "/definitions", 12) == 0);
}

static bool
is_below(struct view pointer, const char *skipped)
{
	size_t length = strlen(skipped);
	return length > 0 && pointer.len > length &&
	    memcmp(pointer.data, skipped, length) == 0 &&
	    pointer.data[length] == '/';
}

/* What nothing refers to was not compiled either. */
static void
check_unused(struct lint *lint, const struct subschema *subschema)
{
	struct error err = { "", "" };
	struct buf reference;
	report_part(
	    lint, subschema, "", "unreachable", "a reference to it", "none");
	buf_init(&reference, 0);
	buf_addf(&reference, "%s#%.*s", subschema->file->path,
	    (int)subschema->pointer.len, subschema->pointer.data);
	buf_add_char(&reference, '\0');
	struct schema *schema =
	    contract_compile(lint->set, lint->files, reference.data, &err);
	if (!schema)
		report_part(
		    lint, subschema, "", "schema", err.message, err.where);
	schema_free(&schema);
	buf_fini(&reference);
}

static int
visit(void *arg, const struct subschema *subschema)
{
	struct lint *lint = arg;
	check_branches(lint, subschema, "oneOf");
	check_branches(lint, subschema, "anyOf");
	check_condition(lint, subschema);
	if (!is_definition(subschema->pointer) ||
	    is_below(subschema->pointer, lint->skipped) ||
	    contract_reach_has(lint->reach, subschema->file, subschema->node))
		return 0;
	check_unused(lint, subschema);
	snprintf(lint->skipped, sizeof(lint->skipped), "%.*s",
	    (int)(subschema->pointer.len < 255 ? subschema->pointer.len : 0),
	    subschema->pointer.data);
	return 0;
}

static void
check_files(struct lint *lint)
{
	for (size_t i = 0; i < lint->files->count; i++) {
		const struct contract_file *file = &lint->files->items[i];
		if (!contract_is_schema(file))
			continue;
		lint->skipped[0] = '\0';
		if (contract_reach_has(lint->reach, file, 0))
			contract_walk(file, visit, lint);
		else
			report(lint, file->path, NULL, view_of(""),
			    "unreachable", "a reference to it", "none");
	}
}

/* --- all of it --- */

static void
lint_loaded(struct lint *lint)
{
	for (size_t i = 0; i < lint->contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &lint->contract->endpoints[i];
		check_side(lint, endpoint, &endpoint->client);
		check_side(lint, endpoint, &endpoint->server);
		check_terminal(lint, endpoint);
	}
	check_files(lint);
}

static void
lint_files(struct lint *lint, struct contract_files *files)
{
	struct error err = { "", "" };
	struct schema_set *set = contract_schema_set(files, &err);
	lint->files = files;
	lint->set = set;
	if (!set) /* the folder has changed since it was loaded */
		return;
	lint->scratch = schema_scratch_new();
	lint->violations = xcalloc(VIOLATIONS_MAX, sizeof(*lint->violations));
	lint->refs = contract_refs_new(files, set);
	lint->reach = contract_reach_new(lint->contract, files, lint->refs);
	lint_loaded(lint);
	contract_reach_free(&lint->reach);
	contract_refs_free(&lint->refs);
	schema_scratch_free(&lint->scratch);
	free(lint->violations);
	schema_set_free(&set);
}

/* contract_load stops at the first thing, which is then the one finding. */
static void
report_load(struct lint *lint, const char *directory, const struct error *err)
{
	char source[sizeof(err->where)];
	size_t length = strlen(directory);
	const char *where = err->where;
	if (strncmp(where, directory, length) == 0 && where[length] == '/')
		where += length + 1;
	snprintf(source, sizeof(source), "%s", where);
	char *pointer = strchr(source, '#');
	if (pointer)
		*pointer++ = '\0';
	report(lint, source, NULL, view_of(pointer ? pointer : ""), "load",
	    err->message, "");
}

size_t
contract_lint(const char *directory, struct contract **contract_r,
    contract_finding_fn *report_each, void *arg)
{
	struct lint lint = { .report = report_each, .arg = arg };
	struct contract_files files;
	struct error err = { "", "" };
	*contract_r = contract_load(directory, &err);
	if (!*contract_r) {
		report_load(&lint, directory, &err);
		return lint.count;
	}
	lint.contract = *contract_r;
	if (contract_files_read(&files, directory, &err) == 0)
		lint_files(&lint, &files);
	else
		report_load(&lint, directory, &err);
	contract_files_fini(&files);
	return lint.count;
}
