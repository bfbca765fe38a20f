/* SPDX-License-Identifier: MIT */

/* What schemas say beside their rules. Examples that lie are worse than none:
 * each one is held against the schema that it stands in. */

#include "contract_parts.h"
#include "contract_walk.h"

#include <stdio.h>

struct annotations {
	const struct schema_set *set;
	const struct contract_files *files;
	struct schema_scratch *scratch;
	struct error *err;
};

static int
refuse_example(struct annotations *annotations,
    const struct subschema *subschema, const struct schema *schema,
    uint32_t index, uint32_t node)
{
	struct violation why = { .rule = "" };
	char pointer[CONTRACT_POINTER];
	char message[400];
	schema_explain(
	    schema, annotations->scratch, &subschema->file->doc, node, &why, 1);
	snprintf(pointer, sizeof(pointer), "%.*s/examples/%u",
	    (int)subschema->pointer.len, subschema->pointer.data, index);
	snprintf(message, sizeof(message),
	    "is an example that its schema refuses: %.120s %s, expected %.120s",
	    why.pointer, why.rule, why.expected);
	return contract_files_error(annotations->files, subschema->file->path,
	    pointer, annotations->err, message);
}

static int
check_examples(struct annotations *annotations,
    const struct subschema *subschema, uint32_t list)
{
	const struct json_doc *doc = &subschema->file->doc;
	struct buf reference;
	buf_init(&reference, 0);
	buf_addf(&reference, "%s#%.*s", subschema->file->path,
	    (int)subschema->pointer.len, subschema->pointer.data);
	buf_add_char(&reference, '\0');
	struct schema *schema = contract_compile(annotations->set,
	    annotations->files, reference.data, annotations->err);
	buf_fini(&reference);
	if (!schema)
		return -1;
	int status = 0;
	uint32_t item = list + 1;
	for (uint32_t i = 0; i < doc->nodes[list].count && status == 0; i++) {
		if (!schema_check(schema, annotations->scratch, doc, item))
			status = refuse_example(
			    annotations, subschema, schema, i, item);
		item = doc->nodes[item].next;
	}
	schema_free(&schema);
	return status;
}

/* A misspelt "code" would be a refusal without one. */
static int
check_refusal(
    struct annotations *annotations, const struct subschema *subschema)
{
	const struct json_doc *doc = &subschema->file->doc;
	uint32_t object = json_member(doc, subschema->node, view_of("x-error"));
	char pointer[CONTRACT_POINTER];
	if (object == 0 || doc->nodes[object].type != JSON_OBJECT)
		return 0; /* the compiler has judged it */
	uint32_t known = 0;
	known += json_member(doc, object, view_of("code")) != 0;
	known += json_member(doc, object, view_of("message")) != 0;
	if (doc->nodes[object].count == known)
		return 0;
	snprintf(pointer, sizeof(pointer), "%.*s/x-error",
	    (int)subschema->pointer.len, subschema->pointer.data);
	return contract_files_error(annotations->files, subschema->file->path,
	    pointer, annotations->err,
	    "has other members than \"code\" and \"message\"");
}

static int
visit(void *arg, const struct subschema *subschema)
{
	if (check_refusal(arg, subschema) == -1)
		return -1;
	const struct json_doc *doc = &subschema->file->doc;
	uint32_t list = json_member(doc, subschema->node, view_of("examples"));
	if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
		return 0;
	return check_examples(arg, subschema, list);
}

int
contract_check_annotations(const struct schema_set *set,
    const struct contract_files *files, struct error *err)
{
	struct annotations annotations = { set, files, NULL, err };
	int status = 0;
	annotations.scratch = schema_scratch_new();
	for (size_t i = 0; i < files->count && status == 0; i++)
		if (contract_is_schema(&files->items[i]))
			status = contract_walk(
			    &files->items[i], visit, &annotations);
	schema_scratch_free(&annotations.scratch);
	return status;
}
