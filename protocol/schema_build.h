/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_BUILD_H
#define SCHEMA_BUILD_H

/*
 * Compiling one subschema: the builder gathers the rules of a node while the
 * keywords are read in the author's order. One function a keyword, named in
 * schema_keywords.def; they live in schema_build_*.c.
 */

#include "schema_compile.h"

#define BUILDER_RULES_MAX 4096

struct schema_builder {
	struct schema_compiler *compiler;
	const struct json_doc *doc;
	const struct schema_dialect *dialect;
	struct schema_place place;      /* of the subschema being compiled */
	struct schema_members *members; /* made by the first of its keywords */
	struct schema_items *items;
	struct schema_rule *fast;
	struct schema_rule *plain;
	uint32_t fast_count;
	uint32_t plain_count;
	uint8_t types;
	bool tracks;
};

#define KEYWORD(text, drafts, vocabulary, shape, function) \
	schema_compile_fn schema_build_##function;
#include "schema_keywords.def"
#undef KEYWORD

/* A rule of this operation, types filled in; the caller sets the operand. */
struct schema_rule schema_build_rule(enum schema_op op);
/* For explaining; for checking; for both. */
void schema_build_plain(
    struct schema_builder *builder, struct schema_rule rule);
void schema_build_fast(struct schema_builder *builder, struct schema_rule rule);
void schema_build_both(struct schema_builder *builder, struct schema_rule rule);

/* The node of a subschema at tape index `value`. -1: neither object nor
 * boolean. */
int schema_build_child(
    struct schema_builder *builder, uint32_t value, uint32_t *id_r);
/* The nodes of a non-empty list of subschemas; the array is the arena's. */
int schema_build_children(struct schema_builder *builder, uint32_t value,
    uint32_t **ids_r, uint32_t *count_r);
/* The value of another keyword of the same subschema, 0 when it is absent or
 * not in force. */
uint32_t schema_build_sibling(
    const struct schema_builder *builder, const char *keyword);

/* err->where = uri#pointer of `value`. Always -1. */
int schema_build_fail(
    struct schema_builder *builder, uint32_t value, const char *message);

/* A number that is a whole one and not negative. */
int schema_build_limit(
    struct schema_builder *builder, uint32_t value, uint64_t *limit_r);

/* A decoded string that lives as long as the schema. */
struct view schema_build_text(struct schema_builder *builder, uint32_t value);

/* The pattern in the string at `value`. NULL: not one (error set). */
const struct schema_regex *schema_build_regex(
    struct schema_builder *builder, uint32_t value);

void *schema_build_alloc(struct schema_builder *builder, size_t size);

/* The names of a list of strings, as a new array. */
int schema_build_names(struct schema_builder *builder, uint32_t value,
    struct schema_name **names_r, uint32_t *count_r);

#endif
