/* SPDX-License-Identifier: MIT */
#include "contract_reach.h"

#include "contract_refs.h"
#include "contract_walk.h"
#include "xmalloc.h"

#include <stdlib.h>

/* Marks, one for each node of each file, and the places that are still to be
 * looked at: a list, not a recursion, so that a long chain of references costs
 * no stack. */
struct contract_reach {
	const struct contract_files *files;
	struct contract_refs *refs;
	bool **marks;
	struct contract_spot *waiting;
	size_t count;
	size_t capacity;
};

static bool *
mark_of(const struct contract_reach *reach, const struct contract_file *file,
    uint32_t node)
{
	return &reach->marks[file - reach->files->items][node];
}

static void
add(struct contract_reach *reach, struct contract_spot spot)
{
	if (!spot.file || *mark_of(reach, spot.file, spot.node))
		return;
	if (reach->count == reach->capacity) {
		reach->capacity = reach->capacity ? 2 * reach->capacity : 64;
		reach->waiting = xrealloc(
		    reach->waiting, reach->capacity * sizeof(*reach->waiting));
	}
	reach->waiting[reach->count++] = spot;
}

static void
add_reference(struct contract_reach *reach, const struct subschema *subschema,
    const char *keyword, bool is_dynamic)
{
	const struct json_doc *doc = &subschema->file->doc;
	struct contract_spot from = { subschema->file, subschema->node };
	uint32_t value = json_member(doc, from.node, view_of(keyword));
	uint32_t next = 0;
	if (value == 0 || doc->nodes[value].type != JSON_STRING)
		return;
	struct buf scratch;
	buf_init(&scratch, 0);
	struct view reference = json_string(doc, value, &scratch);
	struct contract_spot spot =
	    contract_follow(reach->refs, from, reference);
	add(reach, spot);
	while (is_dynamic && spot.file) {
		spot = contract_follow_dynamic(reach->refs, reference, &next);
		add(reach, spot);
	}
	buf_fini(&scratch);
}

static int
visit(void *arg, const struct subschema *subschema)
{
	struct contract_reach *reach = arg;
	*mark_of(reach, subschema->file, subschema->node) = true;
	add_reference(reach, subschema, "$ref", false);
	add_reference(reach, subschema, "$dynamicRef", true);
	return 0;
}

static void
add_messages(struct contract_reach *reach, const struct contract_side *side)
{
	const struct contract_spot contract_json = { NULL, 0 };
	for (size_t i = 0; i < side->message_count; i++)
		add(reach,
		    contract_follow(reach->refs, contract_json,
			view_of(side->messages[i].reference)));
}

struct contract_reach *
contract_reach_new(const struct contract *contract,
    const struct contract_files *files, struct contract_refs *refs)
{
	struct contract_reach *reach = xcalloc(1, sizeof(*reach));
	reach->files = files;
	reach->refs = refs;
	reach->marks = xcalloc(files->count, sizeof(*reach->marks));
	for (size_t i = 0; i < files->count; i++)
		reach->marks[i] =
		    xcalloc(files->items[i].doc.count, sizeof(bool));
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		add_messages(reach, &contract->endpoints[i].client);
		add_messages(reach, &contract->endpoints[i].server);
	}
	while (reach->count > 0) {
		struct contract_spot spot = reach->waiting[--reach->count];
		if (!*mark_of(reach, spot.file, spot.node))
			contract_walk_part(spot.file, spot.node, visit, reach);
	}
	return reach;
}

void
contract_reach_free(struct contract_reach **reach_p)
{
	struct contract_reach *reach = *reach_p;
	if (!reach)
		return;
	for (size_t i = 0; i < reach->files->count; i++)
		free(reach->marks[i]);
	free(reach->marks);
	free(reach->waiting);
	free(reach);
	*reach_p = NULL;
}

bool
contract_reach_has(const struct contract_reach *reach,
    const struct contract_file *file, uint32_t node)
{
	for (uint32_t i = node; i < file->doc.nodes[node].next; i++)
		if (*mark_of(reach, file, i))
			return true;
	return false;
}
