/* SPDX-License-Identifier: MIT */

/*
 * The scanner's skeleton: values, containers, the end. A loop over steps, not
 * a recursion: depth costs four bytes of the scratch stack, never C stack.
 */

#include "json.h"

#include "json_parts.h"
#include "xmalloc.h"

#include <stdlib.h>

#define DEFAULT_DEPTH 512
/* Memory that one huge document claimed is given back by the next small one
 * when it is more than this. */
#define NODES_KEPT 65536u

enum step {
	STEP_VALUE, /* a value must come */
	STEP_KEY,   /* a member must come */
	STEP_AFTER, /* a value has ended: comma, closer, or the end */
	STEP_DONE,
	STEP_FAIL
};

static const uint8_t is_space[256] = {
	[' '] = 1, ['\t'] = 1, ['\n'] = 1, ['\r'] = 1
};

void
json_doc_init(struct json_doc *doc)
{
	struct json_scratch *scratch = xcalloc(1, sizeof(*scratch));
	buf_init(&scratch->decoded, 0);
	buf_init(&scratch->other, 0);
	*doc = (struct json_doc){ .scratch = scratch };
}

void
json_doc_fini(struct json_doc *doc)
{
	struct json_scratch *scratch = doc->scratch;
	if (scratch) {
		buf_fini(&scratch->decoded);
		buf_fini(&scratch->other);
		free(scratch->stack);
		free(scratch->table);
		free(scratch);
	}
	free(doc->nodes);
	*doc = (struct json_doc){ 0 };
}

int
json_fail(struct json_scan *scan, const uint8_t *at, const char *message)
{
	*scan->fault = (struct json_fault){
		.reason = JSON_SYNTAX,
		.offset = (size_t)(at - scan->text),
		.message = at < scan->end ? message : "unexpected end",
	};
	return -1;
}

void
json_grow(struct json_doc *doc)
{
	doc->capacity = doc->capacity ? doc->capacity * 2 : 64;
	doc->nodes = xrealloc(doc->nodes, doc->capacity * sizeof(*doc->nodes));
}

static void
skip_space(struct json_scan *scan)
{
	while (scan->at < scan->end && is_space[*scan->at])
		scan->at++;
}

static void
push_open(struct json_scan *scan, uint32_t node)
{
	struct json_scratch *scratch = scan->scratch;
	if (scan->depth == scratch->stack_capacity) {
		scratch->stack_capacity =
		    scratch->stack_capacity ? scratch->stack_capacity * 2 : 64;
		scratch->stack = xrealloc(scratch->stack,
		    scratch->stack_capacity * sizeof(*scratch->stack));
	}
	scratch->stack[scan->depth++] = node;
}

static enum step
close_container(struct json_scan *scan)
{
	uint32_t index = scan->scratch->stack[--scan->depth];
	struct json_node *node = &scan->doc->nodes[index];
	scan->at++;
	node->length = (uint32_t)(scan->at - scan->text) - node->start;
	node->next = scan->doc->count;
	if (scan->strict_keys && node->type == JSON_OBJECT && node->count > 1 &&
	    json_check_keys(scan, index) < 0)
		return STEP_FAIL;
	return STEP_AFTER;
}

static enum step
open_container(struct json_scan *scan, enum json_type type)
{
	if (scan->depth >= scan->max_depth) {
		json_fail(scan, scan->at, "nested too deep");
		scan->fault->reason = JSON_TOO_DEEP;
		return STEP_FAIL;
	}
	push_open(scan, scan->doc->count);
	json_push(scan, scan->at++, type);
	skip_space(scan);
	uint8_t closer = type == JSON_OBJECT ? '}' : ']';
	if (scan->at < scan->end && *scan->at == closer)
		return close_container(scan);
	return type == JSON_OBJECT ? STEP_KEY : STEP_VALUE;
}

static enum step
scan_literal(struct json_scan *scan, const char *word, enum json_type type)
{
	const uint8_t *start = scan->at;
	for (; *word; word++, scan->at++) {
		if (scan->at >= scan->end || *scan->at != (uint8_t)*word) {
			json_fail(scan, scan->at, "invalid literal");
			return STEP_FAIL;
		}
	}
	struct json_node *node = json_push(scan, start, type);
	node->length = (uint32_t)(scan->at - start);
	return STEP_AFTER;
}

static enum step
step_value(struct json_scan *scan)
{
	skip_space(scan);
	if (scan->at >= scan->end) {
		json_fail(scan, scan->at, "");
		return STEP_FAIL;
	}
	switch (*scan->at) {
	case '"':
		return json_scan_string(scan, 0) < 0 ? STEP_FAIL : STEP_AFTER;
	case '{':
		return open_container(scan, JSON_OBJECT);
	case '[':
		return open_container(scan, JSON_ARRAY);
	case 't':
		return scan_literal(scan, "true", JSON_TRUE);
	case 'f':
		return scan_literal(scan, "false", JSON_FALSE);
	case 'n':
		return scan_literal(scan, "null", JSON_NULL);
	default:
		return json_scan_number(scan) < 0 ? STEP_FAIL : STEP_AFTER;
	}
}

static enum step
step_key(struct json_scan *scan)
{
	skip_space(scan);
	if (scan->at >= scan->end || *scan->at != '"') {
		json_fail(scan, scan->at, "expected a member name");
		return STEP_FAIL;
	}
	if (json_scan_string(scan, JSON_IS_KEY) < 0)
		return STEP_FAIL;
	skip_space(scan);
	if (scan->at >= scan->end || *scan->at != ':') {
		json_fail(scan, scan->at, "expected ':'");
		return STEP_FAIL;
	}
	scan->at++;
	return STEP_VALUE;
}

static enum step
step_after(struct json_scan *scan)
{
	if (scan->depth == 0)
		return STEP_DONE;
	uint32_t index = scan->scratch->stack[scan->depth - 1];
	struct json_node *open = &scan->doc->nodes[index];
	bool is_object = open->type == JSON_OBJECT;
	open->count++;
	skip_space(scan);
	if (scan->at < scan->end && *scan->at == ',') {
		scan->at++;
		return is_object ? STEP_KEY : STEP_VALUE;
	}
	if (scan->at < scan->end && *scan->at == (is_object ? '}' : ']'))
		return close_container(scan);
	json_fail(scan, scan->at,
	    is_object ? "expected ',' or '}'" : "expected ',' or ']'");
	return STEP_FAIL;
}

static enum step
run(struct json_scan *scan)
{
	enum step step = STEP_VALUE;
	while (step < STEP_DONE) {
		if (step == STEP_VALUE)
			step = step_value(scan);
		else if (step == STEP_KEY)
			step = step_key(scan);
		else
			step = step_after(scan);
	}
	return step;
}

static void
give_back(struct json_doc *doc, size_t text_length)
{
	if (doc->capacity <= NODES_KEPT || text_length > NODES_KEPT)
		return;
	doc->capacity = NODES_KEPT;
	doc->nodes = xrealloc(doc->nodes, NODES_KEPT * sizeof(*doc->nodes));
}

int
json_scan(struct json_doc *doc, struct view text,
    const struct json_limits *limits, struct json_fault *fault_r)
{
	const uint8_t *start = (const uint8_t *)(text.len ? text.data : "");
	struct json_scan scan = {
		.text = start,
		.at = start,
		.end = start + text.len,
		.doc = doc,
		.scratch = doc->scratch,
		.fault = fault_r,
		.max_depth =
		    limits->max_depth ? limits->max_depth : DEFAULT_DEPTH,
		.strict_keys = limits->strict_keys,
	};
	*fault_r = (struct json_fault){ .reason = JSON_OK };
	doc->text = text;
	doc->count = 0;
	give_back(doc, text.len);
	if (text.len > UINT32_MAX) {
		*fault_r = (struct json_fault){ JSON_TOO_LARGE, UINT32_MAX,
			"over 4 GiB" };
		return -1;
	}
	if (run(&scan) == STEP_FAIL)
		return -1;
	skip_space(&scan);
	if (scan.at < scan.end)
		return json_fail(&scan, scan.at, "data behind the value");
	return 0;
}
