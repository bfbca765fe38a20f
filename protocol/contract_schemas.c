/* SPDX-License-Identifier: MIT */

/* The schema files of a contract: registered, compiled, shared. */

#include "contract_parts.h"
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>

/* contract:///a.schema.json#/x becomes FOLDER/a.schema.json#/x. */
static void
localize(const struct contract_files *files, struct error *err)
{
	struct error raw = *err;
	size_t base = strlen(CONTRACT_BASE);
	if (strncmp(raw.where, CONTRACT_BASE, base) != 0)
		return;
	char *path = raw.where + base;
	char *pointer = strchr(path, '#');
	if (pointer)
		*pointer++ = '\0';
	contract_files_error(files, path, pointer, err, raw.message);
}

struct schema_set *
contract_schema_set(const struct contract_files *files, struct error *err)
{
	struct schema_set *set = schema_set_new();
	for (size_t i = 0; i < files->count; i++) {
		const struct contract_file *file = &files->items[i];
		char uri[1024];
		if (strcmp(file->path, CONTRACT_FILE) == 0)
			continue;
		snprintf(uri, sizeof(uri), CONTRACT_BASE "%.900s", file->path);
		struct view text = view_make(file->text, file->size);
		if (schema_set_add(set, uri, text, err) == -1) {
			localize(files, err);
			schema_set_free(&set);
			return NULL;
		}
	}
	return set;
}

struct schema *
contract_compile(const struct schema_set *set,
    const struct contract_files *files, const char *reference,
    struct error *err)
{
	struct schema_options options = { .refuse_unknown_keywords = true };
	struct buf uri;
	buf_init(&uri, 0);
	buf_add_text(&uri, CONTRACT_BASE);
	buf_add_text(&uri, reference);
	buf_add_char(&uri, '\0');
	struct schema *schema = schema_compile(set, uri.data, &options, err);
	buf_fini(&uri);
	if (!schema)
		localize(files, err);
	return schema;
}

struct compiling {
	struct contract *contract;
	const struct schema_set *set;
	const struct contract_files *files;
	const char **references; /* beside contract->schemas */
	struct error *err;
};

/* O(N) in the different references of one contract. */
static struct schema *
compile_once(struct compiling *compiling, const char *reference)
{
	struct contract *contract = compiling->contract;
	for (size_t i = 0; i < contract->schema_count; i++)
		if (strcmp(compiling->references[i], reference) == 0)
			return contract->schemas[i];
	struct schema *schema = contract_compile(
	    compiling->set, compiling->files, reference, compiling->err);
	if (!schema)
		return NULL;
	size_t count = ++contract->schema_count;
	compiling->references = xrealloc(
	    compiling->references, count * sizeof(*compiling->references));
	compiling->references[count - 1] = reference;
	contract->schemas =
	    xrealloc(contract->schemas, count * sizeof(*contract->schemas));
	contract->schemas[count - 1] = schema;
	return schema;
}

static int
compile_side(struct compiling *compiling, struct contract_side *side)
{
	for (size_t i = 0; i < side->message_count; i++) {
		struct contract_message *message = &side->messages[i];
		message->schema = compile_once(compiling, message->reference);
		if (!message->schema)
			return -1;
	}
	return 0;
}

int
contract_compile_messages(struct contract *contract,
    const struct schema_set *set, const struct contract_files *files,
    struct error *err)
{
	struct compiling compiling = { contract, set, files, NULL, err };
	int status = 0;
	for (size_t i = 0; i < contract->endpoint_count && status == 0; i++) {
		struct contract_endpoint *endpoint = &contract->endpoints[i];
		status = compile_side(&compiling, &endpoint->client);
		if (status == 0)
			status = compile_side(&compiling, &endpoint->server);
	}
	free(compiling.references);
	return status;
}
