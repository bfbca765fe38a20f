/* SPDX-License-Identifier: MIT */

/* "Did you mean": the declared name nearest to the one at hand. */

#include "nearest.h"
#include "schema_explain.h"
#include "schema_table.h"

#include <stdio.h>

#define NAMES_MAX    256
#define SEARCH_DEPTH 6

struct names {
	const char *texts[NAMES_MAX];
	size_t count;
};

static void
set_hint(struct violation *violation, const char *name)
{
	if (name)
		snprintf(violation->hint, sizeof(violation->hint),
		    "did you mean \"%.100s\"?", name);
}

static void
add_table(struct names *names, const struct schema_table *table)
{
	for (uint32_t i = 0; i < table->count && names->count < NAMES_MAX; i++)
		names->texts[names->count++] = table->names[i].text.data;
}

void
schema_hint_table(struct schema_explain *explain,
    const struct schema_table *table, uint32_t at, struct violation *violation)
{
	struct names names = { .count = 0 };
	add_table(&names, table);
	struct view text =
	    json_string(explain->run.doc, at, &explain->run.scratch->text);
	set_hint(violation, nearest_name(text, names.texts, names.count));
}

static void add_declared(struct names *names, const struct schema *schema,
    uint32_t id, unsigned depth);

static void
add_of_rule(struct names *names, const struct schema *schema,
    const struct schema_rule *rule, unsigned depth)
{
	switch ((enum schema_op)rule->op) {
	case SCHEMA_OP_MEMBERS:
		add_table(names, rule->members->table);
		break;
	case SCHEMA_OP_REF:
	case SCHEMA_OP_ALL_OF:
		add_declared(names, schema, rule->node, depth);
		break;
	case SCHEMA_OP_DEPENDENT_SCHEMAS:
		add_declared(names, schema, rule->dependency->name.node, depth);
		break;
	case SCHEMA_OP_IF:
		add_declared(names, schema, rule->choice->condition, depth);
		add_declared(names, schema, rule->choice->then, depth);
		add_declared(names, schema, rule->choice->otherwise, depth);
		break;
	case SCHEMA_OP_ANY_OF:
	case SCHEMA_OP_ONE_OF:
		for (uint32_t i = 0; i < rule->branches->count; i++)
			add_declared(
			    names, schema, rule->branches->nodes[i], depth);
		break;
	default:
		break;
	}
}

/* All member names that the node and its parts at the same place declare. */
static void
add_declared(struct names *names, const struct schema *schema, uint32_t id,
    unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	if (depth == 0 || names->count == NAMES_MAX)
		return;
	for (uint32_t i = 0; i < node->fast_count; i++)
		add_of_rule(names, schema, &node->fast[i], depth - 1);
}

/* What the object has already is seldom what a misspelt name means. */
static void
drop_present(
    struct schema_explain *explain, struct names *names, uint32_t object)
{
	size_t kept = 0;
	for (size_t i = 0; i < names->count; i++)
		if (!json_member(
			explain->run.doc, object, view_of(names->texts[i])))
			names->texts[kept++] = names->texts[i];
	names->count = kept;
}

void
schema_hint_member(struct schema_explain *explain, uint32_t id, uint32_t object,
    uint32_t key, struct violation *violation)
{
	struct names names = { .count = 0 };
	add_declared(&names, explain->run.schema, id, SEARCH_DEPTH);
	struct names absent = names;
	drop_present(explain, &absent, object);
	struct view text =
	    json_string(explain->run.doc, key, &explain->run.scratch->text);
	const char *near = nearest_name(text, absent.texts, absent.count);
	if (!near)
		near = nearest_name(text, names.texts, names.count);
	set_hint(violation, near);
}

static bool
is_declared(const struct json_doc *doc, const struct names *names, uint32_t key)
{
	for (size_t i = 0; i < names->count; i++)
		if (json_string_is(doc, key, view_of(names->texts[i])))
			return true;
	return false;
}

/* The first undeclared member that resembles the missing one. */
void
schema_hint_missing(struct schema_explain *explain, uint32_t id,
    uint32_t object, const struct schema_name *name,
    struct violation *violation)
{
	const struct json_doc *doc = explain->run.doc;
	struct names names = { .count = 0 };
	add_declared(&names, explain->run.schema, id, SEARCH_DEPTH);
	const char *missing = name->text.data;
	for (uint32_t key = object + 1; key < doc->nodes[object].next;
	     key = doc->nodes[key + 1].next) {
		if (is_declared(doc, &names, key))
			continue;
		struct view text =
		    json_string(doc, key, &explain->run.scratch->text);
		if (!nearest_name(text, &missing, 1))
			continue;
		snprintf(violation->hint, sizeof(violation->hint),
		    "is it \"%.*s\" that is meant?",
		    (int)(text.len < 80 ? text.len : 80), text.data);
		return;
	}
}
