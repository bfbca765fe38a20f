/* SPDX-License-Identifier: MIT */

/* The scanner against itself and against json-c: what it accepts has a sound
 * tape, and what both accept has the same shape. The first byte chooses. */

#include "json.h"

#include "reference_json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(fact)               \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static void
check_string(const struct json_doc *doc, uint32_t node, struct buf *scratch)
{
	struct view value = json_string(doc, node, scratch);
	uint32_t points = 0;
	for (size_t i = 0; i < value.len; i++)
		points += (value.data[i] & 0xc0) != 0x80;
	must(points == doc->nodes[node].count);
	must(json_hash(value) == doc->nodes[node].hash);
	must(json_string_is(doc, node, value));
}

static void
check_children(const struct json_doc *doc, uint32_t parent)
{
	bool is_object = doc->nodes[parent].type == JSON_OBJECT;
	uint32_t end = doc->nodes[parent].next;
	uint32_t count = 0;
	uint32_t child = parent + 1;
	for (; child < end; child = doc->nodes[child].next) {
		if (is_object) {
			must(doc->nodes[child].flags & JSON_IS_KEY);
			must(doc->nodes[child].next == child + 1);
			child++;
		}
		count++;
	}
	must(child == end && count == doc->nodes[parent].count);
}

/* Every value, cut out, is a document of its own with the same tape. */
static void
check_tape(const struct json_doc *doc, struct json_doc *again)
{
	struct buf scratch;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 0 };
	buf_init(&scratch, 0);
	must(doc->count > 0 && doc->nodes[0].next == doc->count);
	for (uint32_t i = 0; i < doc->count; i++) {
		const struct json_node *node = &doc->nodes[i];
		must(node->next > i && node->next <= doc->count);
		must((size_t)node->start + node->length <= doc->text.len);
		if (node->type == JSON_STRING)
			check_string(doc, i, &scratch);
		else if (node->type >= JSON_ARRAY)
			check_children(doc, i);
		if (i < 64) {
			must(json_scan(again, json_text(doc, i), &limits,
				 &fault) == 0);
			must(again->count == node->next - i);
		}
	}
	buf_fini(&scratch);
}

static void
check_text_written_again(struct view text, struct json_doc *doc)
{
	struct buf out;
	struct json_fault fault;
	struct json_limits limits = { .strict_keys = true };
	buf_init(&out, 0);
	buf_add_json_string(&out, text);
	must(json_scan(doc, buf_view(&out), &limits, &fault) == 0);
	buf_fini(&out);
}

/* json-c takes more than we do, but nothing less. */
static void
compare_with_reference(const struct json_doc *doc)
{
	size_t items = doc->nodes[0].count;
	if (doc->text.len > 4096)
		return;
	must(reference_accepts(doc->text.data, doc->text.len, &items));
	if (doc->nodes[0].type == JSON_ARRAY)
		must(items == doc->nodes[0].count);
}

static void
check_pointer(const struct json_doc *doc, struct view pointer)
{
	uint32_t node;
	if (json_pointer_get(doc, pointer, &node))
		must(node < doc->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_doc doc;
	struct json_doc again;
	struct json_fault fault;
	if (size == 0)
		return 0;
	struct json_limits limits = { .max_depth = data[0] >> 1,
		.strict_keys = data[0] & 1 };
	struct view text = view_make(data + 1, size - 1);
	json_doc_init(&doc);
	json_doc_init(&again);
	bool accepted = json_scan(&doc, text, &limits, &fault) == 0;
	must(accepted ? fault.reason == JSON_OK : fault.offset <= text.len);
	if (accepted) {
		check_tape(&doc, &again);
		compare_with_reference(&doc);
		check_pointer(&doc, text);
		check_pointer(&doc, view_make(data + 1, size / 2));
	}
	check_text_written_again(text, &again);
	json_doc_fini(&again);
	json_doc_fini(&doc);
	return 0;
}
