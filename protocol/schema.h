/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_H
#define SCHEMA_H

/*
 * JSON Schema (draft 2020-12 and draft-07): compiled once to a flat program,
 * run many times on the tape of json.h. A compiled schema is immutable and may
 * be shared by threads; what a run needs besides lives in a schema_scratch of
 * the caller's, so that after warm-up a check allocates nothing.
 */

#include "error.h"
#include "json.h"

struct schema_set;     /* documents by URI, not yet compiled; owned by caller */
struct schema;         /* one compiled schema; owns what it needs */
struct schema_scratch; /* one a thread, reused */

enum schema_draft { SCHEMA_DRAFT_AUTO, SCHEMA_DRAFT_7, SCHEMA_DRAFT_2020_12 };

struct schema_options {
	enum schema_draft draft; /* AUTO: by $schema, else 2020-12 */
	bool format_assertion;   /* `format` decides; default: annotation */
	bool refuse_unknown_keywords; /* error at compile, except x-* and those
				       * in the vocabulary as annotations */
};

/* A refusal of its own that the schema's author attached with
 * "x-error": {"code": …, "message": …} to a subschema: when that subschema
 * fails, this is the answer. Owned by the schema. */
struct schema_refusal {
	const char *code;
	const char *message;
};

/* Why an instance was refused. Texts are cut to fit. `expected`, `got` and
 * `hint` hold types, names and limits, never values of the instance, except
 * that `hint` may name the nearest declared member or enum value. */
struct violation {
	char pointer[256]; /* instance location, RFC 6901 */
	char rule[32];     /* the keyword: "required", "type", "enum", … */
	char expected[160];
	char got[96];
	char hint[128];
	const struct schema_refusal *refusal; /* innermost x-error, or NULL */
};

struct schema_set *schema_set_new(void);
void schema_set_free(struct schema_set **set);

/* Registers a document under an absolute URI or any name that references will
 * use; the text is copied. -1: not JSON (err->where = uri). */
int schema_set_add(struct schema_set *set, const char *uri, struct view text,
    struct error *err);

/* Compiles `uri` (with an optional #fragment) out of the set. References
 * resolve inside the set only, never by network or file. NULL: unresolvable
 * reference, unsupported or malformed keyword; err->where is uri#pointer. */
struct schema *schema_compile(const struct schema_set *set, const char *uri,
    const struct schema_options *options, struct error *err);
void schema_free(struct schema **schema);

struct schema_scratch *schema_scratch_new(void);
void schema_scratch_free(struct schema_scratch **scratch);

/* The hot path: fail fast, no reasons, no allocation after warm-up. */
bool schema_check(const struct schema *schema, struct schema_scratch *scratch,
    const struct json_doc *doc, uint32_t node);

/* Runs exhaustively and fills at most `max` violations, in schema order, only
 * those of the branch that a shared const/enum member (discriminator) selects.
 * Returns how many; 0 = valid. */
size_t schema_explain(const struct schema *schema,
    struct schema_scratch *scratch, const struct json_doc *doc, uint32_t node,
    struct violation *violations_r, size_t max);

#endif
