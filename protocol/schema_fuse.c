/* SPDX-License-Identifier: MIT */

/*
 * Makes of the `fast` lists what schema_check runs. What a node refers to by
 * $ref and allOf is put into its own list, as far as no scope and no set of
 * seen could tell the difference; objects that are described in two places so
 * are walked once. Then each node is told what may pass and how it is run.
 */

#include "schema_compile.h"
#include "schema_regex.h"
#include "schema_table.h"
#include "xmalloc.h"

/* How far references are followed, and how long a list may become by it. */
#define FUSE_DEPTH    6
#define FUSE_RULES    32
#define REQUIRED_BITS 64

/* Where an object refers to itself in two places, fusing would have no end. */
#define FUSE_NODES(count) ((count) / 4 + 64)

struct list {
	struct schema_rule rules[FUSE_RULES];
	uint32_t count;
	bool is_full;
};

static const uint8_t costs[] = {
#define OP(name, text, types, cost) cost,
#include "schema_ops.def"
#undef OP
};

/* Insertion keeps rules of one cost in the author's order. */
void
schema_sort_by_cost(struct schema_rule *rules, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct schema_rule rule = rules[i];
		uint32_t k = i;
		for (; k > 0 && costs[rule.op] < costs[rules[k - 1].op]; k--)
			rules[k] = rules[k - 1];
		rules[k] = rule;
	}
}

/* --- what may pass --- */

/* A mask of types, numbers with the integers among them. */
static uint8_t
with_integers(unsigned types)
{
	if (types & TYPE_BIT(JSON_NUMBER))
		types |= TYPE_INTEGER;
	return (uint8_t)types;
}

static uint8_t
types_of_values(const struct schema_values *values)
{
	unsigned types = values->types;
	if (values->strings->count > 0)
		types |= TYPE_BIT(JSON_STRING);
	if (values->number_count > 0)
		types |= TYPE_BIT(JSON_NUMBER);
	if (values->container_count > 0)
		types |= TYPE_BIT(JSON_ARRAY) | TYPE_BIT(JSON_OBJECT);
	return with_integers(types);
}

static uint8_t
accepted(const struct schema *schema, uint32_t id, unsigned depth)
{
	const struct schema_node *node = &schema->nodes[id];
	uint8_t types = with_integers(node->types);
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		bool is_list =
		    rule->op == SCHEMA_OP_CONST || rule->op == SCHEMA_OP_ENUM;
		if (is_list)
			types &= types_of_values(rule->values);
		else if (schema_is_conjunction(rule) && depth > 0)
			types &= accepted(schema, rule->node, depth - 1);
	}
	return types;
}

void
schema_find_accepted(struct schema *schema)
{
	for (uint32_t id = 0; id < schema->node_count; id++)
		schema->nodes[id].accepts = accepted(schema, id, FUSE_DEPTH);
}

/* --- one list --- */

/* Nothing but its rules tells this node from its place in another's list. */
static bool
may_inline(const struct schema *schema, const struct schema_node *into,
    const struct schema_node *node)
{
	return !node->tracks &&
	    (!schema->is_dynamic || into->resource == node->resource);
}

static void
gather(const struct schema *schema, const struct schema_node *into,
    const struct schema_node *node, unsigned depth, struct list *list)
{
	for (uint32_t i = 0; i < node->fast_count; i++) {
		const struct schema_rule *rule = &node->fast[i];
		const struct schema_node *part = NULL;
		if (schema_is_conjunction(rule) && depth > 0)
			part = &schema->nodes[rule->node];
		if (part && may_inline(schema, into, part))
			gather(schema, into, part, depth - 1, list);
		else if (list->count < FUSE_RULES)
			list->rules[list->count++] = *rule;
		else
			list->is_full = true;
	}
}

/* --- members described in two places --- */

static bool
may_merge(const struct schema_members *members)
{
	return members->pattern_count == 0 && !members->marks_additional &&
	    members->other.node == SCHEMA_TRUE && !members->has_late;
}

static uint32_t
count_required(const struct schema_members *members)
{
	return (uint32_t)__builtin_popcountll(members->required);
}

/* A node that asks what both ask. */
static uint32_t
add_both(struct schema *schema, uint32_t resource, uint32_t a, uint32_t b)
{
	if (a == b)
		return a;
	struct schema_rule *rules =
	    schema_arena_get(&schema->arena, 2 * sizeof(*rules));
	rules[0] =
	    (struct schema_rule){ .op = SCHEMA_OP_ALL_OF, .types = TYPE_ANY };
	rules[1] = rules[0];
	rules[0].node = a;
	rules[1].node = b;
	schema->nodes = xrealloc(
	    schema->nodes, (schema->node_count + 1) * sizeof(*schema->nodes));
	uint32_t id = schema->node_count++;
	schema->nodes[id] = (struct schema_node){ .types = TYPE_ANY,
		.resource = resource,
		.fast = rules,
		.fast_count = 2 };
	schema->nodes[id].accepts = accepted(schema, id, FUSE_DEPTH);
	return id;
}

static void
merge_name(struct schema *schema, uint32_t resource,
    struct schema_members *into, const struct schema_name *from)
{
	struct schema_name *name = schema_table_add(into->table, from->text);
	if (from->is_declared && name->is_declared)
		name->node = add_both(schema, resource, name->node, from->node);
	else if (from->is_declared)
		name->node = from->node;
	name->is_declared = name->is_declared || from->is_declared;
	if (!from->is_required || name->is_required)
		return;
	name->is_required = true;
	name->bit = UINT64_C(1) << count_required(into);
	into->required |= name->bit;
}

static struct schema_members *
merge(struct schema *schema, uint32_t resource, const struct schema_members *a,
    const struct schema_members *b)
{
	struct schema_members *both =
	    schema_arena_get(&schema->arena, sizeof(*both));
	both->table =
	    schema_table_new(&schema->arena, a->table->count + b->table->count);
	for (uint32_t i = 0; i < a->table->count; i++)
		merge_name(schema, resource, both, &a->table->names[i]);
	for (uint32_t i = 0; i < b->table->count; i++)
		merge_name(schema, resource, both, &b->table->names[i]);
	return both;
}

static void
merge_members(struct schema *schema, uint32_t resource, struct list *list)
{
	struct schema_rule *first = NULL;
	uint32_t kept = 0;
	for (uint32_t i = 0; i < list->count; i++) {
		struct schema_rule rule = list->rules[i];
		bool is_open =
		    rule.op == SCHEMA_OP_MEMBERS && may_merge(rule.members);
		bool fits = is_open && first &&
		    count_required(first->members) +
			    count_required(rule.members) <=
			REQUIRED_BITS;
		if (fits) {
			first->members = merge(
			    schema, resource, first->members, rule.members);
			continue;
		}
		list->rules[kept] = rule;
		if (is_open && !first)
			first = &list->rules[kept];
		kept++;
	}
	list->count = kept;
}

/* --- branches --- */

static void
sort_branches(struct schema *schema, struct schema_branches *branches)
{
	if (branches->fitting[0])
		return; /* stands in two lists */
	for (unsigned type = 0; type <= JSON_OBJECT; type++) {
		unsigned bits = with_integers(TYPE_BIT(type));
		uint32_t *ids = schema_arena_get(
		    &schema->arena, (branches->count + 1) * sizeof(*ids));
		uint32_t count = 0;
		for (uint32_t i = 0; i < branches->count; i++)
			if (schema->nodes[branches->nodes[i]].accepts & bits)
				ids[count++] = branches->nodes[i];
		branches->fitting[type] = ids;
		branches->fitting_count[type] = count;
	}
}

/* --- the kinds --- */

static bool
is_leaf_rule(const struct schema_rule *rule)
{
	return costs[rule->op] < 3;
}

static bool
is_list_rule(const struct schema_rule *rule)
{
	return rule->op == SCHEMA_OP_MIN_ITEMS ||
	    rule->op == SCHEMA_OP_MAX_ITEMS ||
	    (rule->op == SCHEMA_OP_ITEMS && rule->items->prefix_count == 0);
}

static bool
all_rules(const struct schema_node *node,
    bool (*test)(const struct schema_rule *rule))
{
	for (uint32_t i = 0; i < node->run_count; i++)
		if (!test(&node->run[i]))
			return false;
	return true;
}

static bool
has_one_list(const struct schema_node *node)
{
	uint32_t lists = 0;
	for (uint32_t i = 0; i < node->run_count; i++)
		lists += node->run[i].op == SCHEMA_OP_ITEMS;
	return lists == 1 && all_rules(node, is_list_rule);
}

static enum schema_kind
kind_of(const struct schema *schema, const struct schema_node *node)
{
	const struct schema_rule *rule = node->run;
	bool is_list = node->run_count == 1 &&
	    (rule->op == SCHEMA_OP_CONST || rule->op == SCHEMA_OP_ENUM);
	if (all_rules(node, is_leaf_rule))
		return is_list ? KIND_STRINGS : KIND_LEAF;
	if (schema->is_dynamic || node->tracks)
		return KIND_MIXED;
	if (node->run_count == 1 && rule->op == SCHEMA_OP_MEMBERS &&
	    rule->members->pattern_count == 0)
		return KIND_MEMBERS;
	return has_one_list(node) ? KIND_LIST : KIND_MIXED;
}

static const struct schema_list *
list_of(struct schema *schema, const struct schema_node *node)
{
	struct schema_list *list =
	    schema_arena_get(&schema->arena, sizeof(*list));
	list->max = UINT64_MAX;
	for (uint32_t i = 0; i < node->run_count; i++) {
		const struct schema_rule *rule = &node->run[i];
		if (rule->op == SCHEMA_OP_ITEMS)
			list->rest = rule->items->rest;
		else if (rule->op == SCHEMA_OP_MIN_ITEMS &&
		    rule->limit > list->min)
			list->min = rule->limit;
		else if (rule->op == SCHEMA_OP_MAX_ITEMS &&
		    rule->limit < list->max)
			list->max = rule->limit;
	}
	return list;
}

static void
fuse_node(struct schema *schema, uint32_t id, bool merges)
{
	struct list list = { .count = 0 };
	uint32_t resource = schema->nodes[id].resource;
	struct schema_node *node = &schema->nodes[id];
	gather(schema, node, node, FUSE_DEPTH, &list);
	if (list.is_full) {
		node->run = node->fast;
		node->run_count = node->fast_count;
	} else {
		if (merges) /* may move nodes */
			merge_members(schema, resource, &list);
		schema_sort_by_cost(list.rules, list.count);
		node = &schema->nodes[id];
		node->run = schema_arena_get(
		    &schema->arena, (list.count + 1) * sizeof(*node->run));
		memcpy(node->run, list.rules, list.count * sizeof(*node->run));
		node->run_count = (uint16_t)list.count;
	}
	for (uint32_t i = 0; i < node->run_count; i++)
		node->work |= node->run[i].types;
	node->kind = (uint8_t)kind_of(schema, node);
	if (node->kind == KIND_STRINGS)
		node->strings = node->run->values->strings;
	if (node->kind == KIND_MEMBERS)
		node->members = node->run->members;
	if (node->kind == KIND_LIST)
		node->list = list_of(schema, node);
}

static void
tell_name(const struct schema *schema, struct schema_name *name)
{
	name->types = schema->nodes[name->node].accepts;
	name->work = schema->nodes[name->node].work;
}

/* So that no pattern is run over a name that is declared. */
static void
tell_patterns(const struct schema_members *members,
    struct schema_matcher *matcher, struct schema_name *name)
{
	name->has_pattern = false;
	for (uint32_t i = 0; i < members->pattern_count; i++)
		if (schema_regex_match(members->patterns[i].regex, matcher,
			name->text) != SCHEMA_MATCH_NO)
			name->has_pattern = true;
}

static void
tell_rule(struct schema *schema, struct schema_matcher *matcher,
    struct schema_rule *rule)
{
	if (rule->op == SCHEMA_OP_ANY_OF || rule->op == SCHEMA_OP_ONE_OF)
		sort_branches(schema, rule->branches);
	if (rule->op != SCHEMA_OP_MEMBERS)
		return;
	struct schema_table *table = rule->members->table;
	tell_name(schema, &rule->members->other);
	for (uint32_t i = 0; i < table->count; i++) {
		tell_name(schema, &table->names[i]);
		tell_patterns(rule->members, matcher, &table->names[i]);
	}
}

static void
tell_rules(struct schema *schema, struct schema_matcher *matcher,
    struct schema_rule *rules, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		tell_rule(schema, matcher, &rules[i]);
}

void
schema_fuse(struct schema *schema)
{
	struct schema_matcher *matcher = schema_matcher_new();
	uint32_t most = schema->node_count + FUSE_NODES(schema->node_count);
	for (uint32_t id = 0; id < schema->node_count; id++) /* grows */
		fuse_node(schema, id, schema->node_count < most);
	for (uint32_t id = 0; id < schema->node_count; id++) {
		struct schema_node *node = &schema->nodes[id];
		tell_rules(schema, matcher, node->run, node->run_count);
		tell_rules(schema, matcher, node->fast, node->fast_count);
	}
	schema_matcher_free(&matcher);
}
