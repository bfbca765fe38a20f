/* SPDX-License-Identifier: MIT */
#include "contract.h"

#include "contract_parts.h"
#include "xmalloc.h"

#include <stdlib.h>

/* --- the end --- */

static void
fini_refusal(struct contract_refusal *refusal)
{
	free(refusal->name);
	free(refusal->code);
	free(refusal->message);
}

static void
free_refusal(struct contract_refusal *refusal)
{
	if (refusal)
		fini_refusal(refusal);
	free(refusal);
}

static void
fini_message(struct contract_message *message)
{
	for (size_t i = 0; i < message->terminal_value_count; i++)
		free(message->terminal_values[i]);
	free(message->terminal_values);
	free(message->terminal_at);
	free(message->type);
	free(message->reference);
}

static void
fini_side(struct contract_side *side)
{
	for (size_t i = 0; i < side->message_count; i++)
		fini_message(&side->messages[i]);
	free(side->messages);
	free(side->slots);
	free(side->discriminator);
	free(side->session);
	free(side->request_id);
	free_refusal(side->missing_type);
	free_refusal(side->unknown_type);
}

static void
fini_endpoint(struct contract_endpoint *endpoint)
{
	for (size_t i = 0; i < endpoint->refuse_query_count; i++)
		fini_refusal(&endpoint->refuse_query[i]);
	free(endpoint->refuse_query);
	free_refusal(endpoint->missing_session);
	free_refusal(endpoint->no_session);
	free_refusal(endpoint->refuse_client);
	fini_side(&endpoint->client);
	fini_side(&endpoint->server);
	free(endpoint->name);
	free(endpoint->path);
	free(endpoint->session_query);
}

void
contract_free(struct contract **contract_p)
{
	struct contract *contract = *contract_p;
	if (!contract)
		return;
	for (size_t i = 0; i < contract->endpoint_count; i++)
		fini_endpoint(&contract->endpoints[i]);
	for (size_t i = 0; i < contract->schema_count; i++)
		schema_free(&contract->schemas[i]);
	free(contract->endpoints);
	free(contract->schemas);
	free(contract->name);
	free(contract->version);
	free(contract->directory);
	free(contract);
	*contract_p = NULL;
}

/* --- messages by type --- */

void
contract_index(struct contract_side *side)
{
	uint32_t size = 4;
	while (size < 2 * side->message_count)
		size *= 2;
	side->slots = xcalloc(size, sizeof(*side->slots));
	side->slot_mask = size - 1;
	for (uint32_t i = 0; i < side->message_count; i++) {
		uint32_t slot = json_hash(view_of(side->messages[i].type));
		while (side->slots[slot & side->slot_mask])
			slot++;
		side->slots[slot & side->slot_mask] = i + 1;
	}
}

const struct contract_message *
contract_find(const struct contract_side *side, struct view type)
{
	uint32_t slot = json_hash(type);
	uint32_t index;
	while ((index = side->slots[slot++ & side->slot_mask]))
		if (view_is(type, side->messages[index - 1].type))
			return &side->messages[index - 1];
	return NULL;
}

/* As contract_find, with the hash that the scanner made. */
static const struct contract_message *
find_node(
    const struct contract_side *side, const struct json_doc *doc, uint32_t node)
{
	if (doc->nodes[node].type != JSON_STRING)
		return NULL;
	uint32_t slot = doc->nodes[node].hash;
	uint32_t index;
	while ((index = side->slots[slot++ & side->slot_mask])) {
		const struct contract_message *message =
		    &side->messages[index - 1];
		if (json_string_is(doc, node, view_of(message->type)))
			return message;
	}
	return NULL;
}

const struct contract_message *
contract_select(const struct contract_side *side, const struct json_doc *doc)
{
	uint32_t node;
	if (!json_pointer_get(doc, view_of(side->discriminator), &node))
		return side->default_message;
	return find_node(side, doc, node);
}

bool
contract_ends_run(
    const struct contract_message *message, const struct json_doc *doc)
{
	uint32_t node;
	if (!message->is_terminal || !message->terminal_at)
		return message->is_terminal;
	if (!json_pointer_get(doc, view_of(message->terminal_at), &node))
		return false;
	for (size_t i = 0; i < message->terminal_value_count; i++)
		if (json_string_is(
			doc, node, view_of(message->terminal_values[i])))
			return true;
	return false;
}

enum contract_verdict
contract_check(const struct contract_side *side, struct schema_scratch *scratch,
    const struct json_doc *doc, const struct contract_message **message_r)
{
	uint32_t node;
	*message_r = NULL;
	if (doc->nodes[0].type != JSON_OBJECT)
		return CONTRACT_NOT_OBJECT;
	bool has_type =
	    json_pointer_get(doc, view_of(side->discriminator), &node);
	const struct contract_message *message =
	    has_type ? find_node(side, doc, node) : side->default_message;
	if (!message)
		return has_type ? CONTRACT_UNKNOWN_TYPE : CONTRACT_MISSING_TYPE;
	*message_r = message;
	return schema_check(message->schema, scratch, doc, 0)
	    ? CONTRACT_VALID
	    : CONTRACT_INVALID;
}

/* --- the beginning --- */

static int
compile_all(struct contract *contract, const struct contract_files *files,
    struct error *err)
{
	struct schema_set *set = contract_schema_set(files, err);
	if (!set)
		return -1;
	int status = contract_compile_messages(contract, set, files, err);
	if (status == 0)
		status = contract_check_annotations(set, files, err);
	schema_set_free(&set);
	return status;
}

struct contract *
contract_load(const char *directory, struct error *err)
{
	struct contract_files files;
	struct contract *contract = xcalloc(1, sizeof(*contract));
	contract->directory = xstrdup(directory);
	int status = contract_files_read(&files, directory, err);
	if (status == 0)
		status = contract_read(contract, &files, err);
	if (status == 0)
		status = contract_complete(contract, &files, err);
	if (status == 0)
		status = compile_all(contract, &files, err);
	if (status == 0)
		contract_files_hash(&files, contract->hash);
	contract_files_fini(&files);
	if (status == -1)
		contract_free(&contract);
	return contract;
}
