/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_DIALECT_H
#define SCHEMA_DIALECT_H

/*
 * A dialect is a draft and the vocabularies in force: which words are keywords
 * and what their values hold. 2019-09 is known as far as the two supported
 * drafts may refer to documents written in it.
 */

#include "schema_set.h"

#define DRAFT_D7  0x1u
#define DRAFT_D19 0x2u
#define DRAFT_D20 0x4u
#define DRAFT_ALL 0x7u
#define DRAFT_OLD (DRAFT_D7 | DRAFT_D19)
#define DRAFT_NEW (DRAFT_D19 | DRAFT_D20)

#define VOCABULARY_CORE        0x01u
#define VOCABULARY_APPLICATOR  0x02u
#define VOCABULARY_UNEVALUATED 0x04u
#define VOCABULARY_VALIDATION  0x08u
#define VOCABULARY_META        0x10u
#define VOCABULARY_FORMAT      0x20u
#define VOCABULARY_CONTENT     0x40u
#define VOCABULARY_ALL         0x7fu

struct schema_dialect {
	uint8_t draft; /* one DRAFT_ bit; 0: unknown, compiling is an error */
	uint8_t vocabularies;
	bool asserts_format;
};

enum schema_shape_of_value {
	VALUE_NONE, /* no subschemas in it */
	VALUE_ONE,
	VALUE_LIST,
	VALUE_MAP,
	VALUE_ITEMS, /* one or a list, by draft */
	VALUE_DEPS   /* a map of subschemas or lists of names */
};

struct schema_builder;
typedef int schema_compile_fn(struct schema_builder *builder, uint32_t value);

struct schema_keyword {
	struct view text;
	uint8_t drafts;
	uint8_t vocabulary;
	enum schema_shape_of_value shape;
	schema_compile_fn *compile;
};

/* The keyword at tape index `key` in this dialect, or NULL. */
const struct schema_keyword *schema_keyword_find(
    const struct schema_dialect *dialect, const struct json_doc *doc,
    uint32_t key);

/* The most similar keyword of any dialect, or NULL. */
const char *schema_keyword_nearest(struct view name);

struct schema_dialect schema_dialect_of_draft(enum schema_draft draft);

/* By the URI in $schema: a draft of ours, or a metaschema in the set with a
 * $vocabulary. */
struct schema_dialect schema_dialect_find(
    const struct schema_set *set, struct view uri);

#endif
