/* SPDX-License-Identifier: MIT */
#ifndef JSON_H
#define JSON_H

/*
 * The strict RFC 8259 scanner. It judges every byte (UTF-8, control
 * characters, escapes, surrogate pairs, number grammar, depth) and lays the
 * document out as a flat tape in a reused arena: no allocation per message
 * after warm-up. It copies nothing: nodes point into the caller's text.
 *
 * Tape: one node a value, in document order. An array's items follow it, each
 * item's subtree before the next item. An object is followed by key, value,
 * key, value; a key is a JSON_STRING node with JSON_IS_KEY and the hash of its
 * decoded text. `next` is the index of the first node behind a subtree, so a
 * sibling is one step away. Index 0 is the root; as a member or item index 0
 * means "none".
 */

#include "buf.h"

#include <stdint.h>

enum json_type {
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

#define JSON_HAS_ESCAPE       0x01 /* string: text differs from its value */
#define JSON_IS_KEY           0x02 /* string: a member's name */
#define JSON_IS_PLAIN_INTEGER 0x04 /* number: only '-' and digits */

struct json_node {
	uint32_t hash;   /* string: json_hash() of its decoded bytes */
	uint32_t length; /* bytes of its text, quotes or brackets included */
	uint32_t start;  /* offset of the value's first byte in the text */
	uint32_t next;   /* index of the first node behind this subtree */
	uint32_t count; /* array: items; object: members; string: code points */
	uint8_t type;   /* enum json_type */
	uint8_t flags;
	uint8_t mask; /* 1 << type; JSON_PLAIN_INTEGER_BIT added to those */
};

#define JSON_PLAIN_INTEGER_BIT 0x80

struct json_limits {
	uint32_t max_depth; /* arrays and objects open at once; 0 = 512 */
	bool strict_keys;   /* refuse duplicate keys and U+0000 in keys */
};

enum json_reason { JSON_OK, JSON_SYNTAX, JSON_TOO_DEEP, JSON_TOO_LARGE };

struct json_fault {
	enum json_reason reason;
	size_t offset; /* byte at which it went wrong */
	const char
	    *message; /* static text: "duplicate key", "invalid UTF-8" … */
};

/* Owned by whoever scans; init once, scan many. The nodes are good until the
 * next scan; `text` is borrowed from the caller of json_scan. */
struct json_doc {
	struct view text;
	struct json_node *nodes;
	uint32_t count;
	uint32_t capacity;
	void *scratch; /* the scanner's own */
};

void json_doc_init(struct json_doc *doc);
void json_doc_fini(struct json_doc *doc);

/* 0, or -1 and *fault_r. Text over 4 GiB is JSON_TOO_LARGE. White space round
 * the value is allowed, a byte order mark is not. Linear in the text. */
int json_scan(struct json_doc *doc, struct view text,
    const struct json_limits *limits, struct json_fault *fault_r);

/* The hash that nodes carry, of decoded bytes. */
uint32_t json_hash(struct view decoded);

/* The node behind this value. Of a scalar that is known without reading where
 * it ends, so that a walk need not wait for memory at each step. */
static inline const struct json_node *
json_behind(const struct json_doc *doc, const struct json_node *value)
{
	if (value->type < JSON_ARRAY)
		return value + 1;
	return doc->nodes + value->next;
}

/* The raw text of a value, as written (strings with their quotes). */
static inline struct view
json_text(const struct json_doc *doc, uint32_t node)
{
	return view_make(
	    doc->text.data + doc->nodes[node].start, doc->nodes[node].length);
}

/* The value index of the member `name` (decoded bytes) of the object at
 * `object`; 0 when it is not an object or has no such member. With duplicate
 * keys the last one. */
uint32_t json_member(
    const struct json_doc *doc, uint32_t object, struct view name);

/* Resolves an RFC 6901 pointer from the root ("" = root). Returns true and
 * *node_r, or false. */
bool json_pointer_get(
    const struct json_doc *doc, struct view pointer, uint32_t *node_r);

/* True when `node` is a string whose decoded value is these bytes. */
bool json_string_is(
    const struct json_doc *doc, uint32_t node, struct view decoded);

/* The decoded value of a string: a view into the text when it has no escape,
 * else written to `scratch` (cleared first). Good until text or scratch go. */
struct view json_string(
    const struct json_doc *doc, uint32_t node, struct buf *scratch);

/* "null", "boolean", "number", "string", "array", "object". */
const char *json_type_name(enum json_type type);

#endif
