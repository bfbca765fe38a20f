/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_INDEX_H
#define SCHEMA_INDEX_H

/*
 * What can be referred to: the resources of all documents of a set (roots and
 * subschemas with $id) and their anchors. Made anew for each compilation.
 */

#include "schema_arena.h"
#include "schema_dialect.h"
#include "schema_map.h"

struct schema_resource {
	char *uri; /* its base, without fragment */
	uint32_t document;
	uint32_t node;
	struct schema_dialect dialect;
	bool is_recursive; /* 2019-09: $recursiveAnchor */
};

struct schema_anchor {
	struct view name;
	uint32_t resource;
	uint32_t node;
	bool is_dynamic;
};

/* A second name of a resource: where its document was found. */
struct schema_alias {
	const char *uri;
	uint32_t resource;
};

/* A subschema: its node, and the resource that is its base. */
struct schema_place {
	uint32_t resource;
	uint32_t node;
};

struct schema_index {
	const struct schema_set *set;
	const struct schema_options *options;
	struct error *err;
	struct schema_arena arena;
	struct schema_document **documents; /* shared with the set */
	uint32_t document_count;
	struct schema_resource *resources;
	uint32_t resource_count;
	struct schema_anchor *anchors;
	uint32_t anchor_count;
	struct schema_alias *aliases;
	uint32_t alias_count;
	struct schema_map roots; /* (document, node) -> resource */
};

int schema_index_init(struct schema_index *index, const struct schema_set *set,
    const struct schema_options *options, struct error *err);
void schema_index_fini(struct schema_index *index);

/* What a reference in `resource` means. -1 and err at (resource, node). */
int schema_index_resolve(struct schema_index *index, uint32_t resource,
    uint32_t node, struct view reference, struct schema_place *place_r);

/* The same for a whole URI or name. False: there is no such place. */
bool schema_index_find(
    struct schema_index *index, struct view uri, struct schema_place *place_r);

/* Anchor of a resource, or NULL. */
const struct schema_anchor *schema_index_anchor(
    const struct schema_index *index, uint32_t resource, struct view name);

/* The resource of a subschema one level inside of `resource`. */
uint32_t schema_index_base(
    const struct schema_index *index, uint32_t resource, uint32_t node);

const struct json_doc *schema_index_doc(
    const struct schema_index *index, uint32_t resource);

/* Fails with err->where = uri#pointer of the node. Always -1. */
int schema_index_fail(struct schema_index *index, uint32_t document,
    uint32_t node, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
