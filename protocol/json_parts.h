/* SPDX-License-Identifier: MIT */
#ifndef JSON_PARTS_H
#define JSON_PARTS_H

/*
 * What the scanner's files share and nobody else may include: the state of one
 * scan, and the parts that judge strings, numbers and keys. A part returns 0
 * with scan->at behind what it read, or -1 with the fault filled.
 */

#include "json.h"

/* Lives in json_doc.scratch, so that a second scan allocates nothing. */
struct json_scratch {
	uint32_t *stack; /* node indexes of the open containers */
	uint32_t stack_capacity;
	uint32_t *table; /* hash set of keys; 0 = free slot */
	uint32_t table_capacity;
	struct buf decoded; /* a string while it is hashed or compared */
	struct buf other;
};

struct json_scan {
	const uint8_t *text;
	const uint8_t *at;
	const uint8_t *end;
	struct json_doc *doc;
	struct json_scratch *scratch;
	struct json_fault *fault;
	uint32_t depth;
	uint32_t max_depth;
	bool strict_keys;
};

int json_fail(struct json_scan *scan, const uint8_t *at, const char *message);

void json_grow(struct json_doc *doc);

/* A fresh node behind the last one; good until the next push. */
static inline struct json_node *
json_push(struct json_scan *scan, const uint8_t *start, enum json_type type)
{
	struct json_doc *doc = scan->doc;
	if (doc->count == doc->capacity)
		json_grow(doc);
	struct json_node *node = &doc->nodes[doc->count++];
	*node = (struct json_node){
		.start = (uint32_t)(start - scan->text),
		.next = doc->count,
		.type = (uint8_t)type,
		.mask = (uint8_t)(1u << type),
	};
	return node;
}

/* *scan->at is the opening quote. */
int json_scan_string(struct json_scan *scan, uint8_t flags);
/* *scan->at is a digit or '-'. */
int json_scan_number(struct json_scan *scan);

/* Decodes the inside of a string that the scanner has accepted (no quotes). */
void json_decode(struct view raw, struct buf *out);
/* Decodes one unit (a run without escapes, or one escape) of such text, moves
 * *at_r behind it. Escapes are written to `small`. */
struct view json_decode_step(const char **at_r, const char *end, char small[4]);

/* Refuses the object (just closed) when two of its keys are the same. */
int json_check_keys(struct json_scan *scan, uint32_t object);

/* The text of a string node between its quotes, not decoded. */
static inline struct view
json_inside(const struct json_doc *doc, uint32_t node)
{
	return view_make(doc->text.data + doc->nodes[node].start + 1,
	    doc->nodes[node].length - 2);
}

#endif
