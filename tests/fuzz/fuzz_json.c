/* SPDX-License-Identifier: MIT */

/*
 * The scanner against itself, against the grammar spelled out once more, and
 * against json-c: it accepts what the grammar accepts and nothing else; what
 * it accepts has a sound tape; what json-c reads out of it is the same. The
 * first byte chooses depth and strictness.
 *
 * The documents live on from run to run, as they do in the relay: a verdict
 * that hung on what was scanned before would not agree with the grammar. One
 * run in sixteen begins afresh, so that a read behind the tape is seen.
 */

#include "fuzz.h"
#include "json.h"
#include "reference_json.h"
#include "reference_jsonc.h"

#include <stdio.h>

struct bench {
	struct json_doc doc;
	struct json_doc again;
	struct buf scratch;
	struct buf shape;
	struct buf other;
	bool is_unsure; /* json-c has a fault there */
};

static void
bench_init(struct bench *bench)
{
	json_doc_init(&bench->doc);
	json_doc_init(&bench->again);
	buf_init(&bench->scratch, 0);
	buf_init(&bench->shape, 0);
	buf_init(&bench->other, 0);
	bench->is_unsure = false;
}

static void
bench_fini(struct bench *bench)
{
	json_doc_fini(&bench->doc);
	json_doc_fini(&bench->again);
	buf_fini(&bench->scratch);
	buf_fini(&bench->shape);
	buf_fini(&bench->other);
}

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

static void
check_tape(struct bench *bench)
{
	const struct json_doc *doc = &bench->doc;
	must(doc->count > 0 && doc->nodes[0].next == doc->count);
	for (uint32_t i = 0; i < doc->count; i++) {
		const struct json_node *node = &doc->nodes[i];
		must(node->next > i && node->next <= doc->count);
		must((size_t)node->start + node->length <= doc->text.len);
		if (node->type == JSON_STRING)
			check_string(doc, i, &bench->scratch);
		else if (node->type >= JSON_ARRAY)
			check_children(doc, i);
	}
}

/* A value, cut out, is a document of its own with the same tape. */
static void
check_part(struct bench *bench, uint32_t node)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 0 };
	struct json_doc *again = &bench->again;
	must(json_scan(again, json_text(&bench->doc, node), &limits, &fault) ==
	    0);
	must(again->count == bench->doc.nodes[node].next - node);
	for (uint32_t i = 0; i < again->count; i++) {
		const struct json_node *whole = &bench->doc.nodes[node + i];
		must(again->nodes[i].hash == whole->hash);
		must(again->nodes[i].length == whole->length);
		must(again->nodes[i].count == whole->count);
		must(again->nodes[i].next == whole->next - node);
	}
}

static void
check_text_written_again(struct bench *bench, struct view text)
{
	struct json_fault fault;
	struct json_limits limits = { .strict_keys = true };
	buf_clear(&bench->scratch);
	buf_add_json_string(&bench->scratch, text);
	must(json_scan(&bench->again, buf_view(&bench->scratch), &limits,
		 &fault) == 0);
}

static void
check_pointer(const struct json_doc *doc, struct view pointer)
{
	uint32_t node;
	if (json_pointer_get(doc, pointer, &node))
		must(node < doc->count);
}

static void
compare_with_grammar(const struct bench *bench, struct view text,
    const struct json_limits *limits, enum json_reason reason)
{
	static const enum json_reason reasons[] = { [REFERENCE_VALID] = JSON_OK,
		[REFERENCE_SYNTAX] = JSON_SYNTAX,
		[REFERENCE_TOO_DEEP] = JSON_TOO_DEEP };
	uint32_t values;
	if (text.len > REFERENCE_TEXT_MAX)
		return;
	must(reasons[reference_json(text, limits->max_depth,
		 limits->strict_keys, &values)] == reason);
	must(reason != JSON_OK || bench->doc.count == values);
}

static void
add_number(const struct json_doc *doc, uint32_t node, struct buf *shape)
{
	struct view text = json_text(doc, node);
	char copy[REFERENCE_TEXT_MAX + 1];
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	if (doc->nodes[node].flags & JSON_IS_PLAIN_INTEGER)
		reference_add_integer(shape, strtoll(copy, NULL, 10));
	else
		reference_add_double(shape, strtod(copy, NULL));
}

/* json-c 0.16 takes U+1D800 to U+1DFFF, and those 64 KiB further each, for lone
 * surrogates when they are written as a pair of escapes. */
static bool
is_beyond_jsonc(struct view value)
{
	for (size_t i = 0; i + 3 < value.len; i++) {
		const uint8_t *at = (const uint8_t *)value.data + i;
		if (at[0] < 0xf0)
			continue;
		uint32_t low = (at[1] & 0xfu) << 12 | (at[2] & 0x3fu) << 6;
		if ((low & 0xf800) == 0xd800)
			return true;
	}
	return false;
}

static void
add_string(struct bench *bench, uint32_t node)
{
	struct view value = json_string(&bench->doc, node, &bench->scratch);
	reference_add_string(&bench->shape, value);
	if (bench->doc.nodes[node].flags & JSON_HAS_ESCAPE)
		bench->is_unsure |= is_beyond_jsonc(value);
}

static void
add_shape(struct bench *bench, uint32_t node)
{
	const struct json_doc *doc = &bench->doc;
	enum json_type type = (enum json_type)doc->nodes[node].type;
	if (type == JSON_NUMBER)
		add_number(doc, node, &bench->shape);
	else if (type == JSON_STRING)
		add_string(bench, node);
	else
		buf_add_char(&bench->shape, "nft  [{"[type]);
	if (type < JSON_ARRAY)
		return;
	for (uint32_t child = node + 1; child < doc->nodes[node].next;
	     child = doc->nodes[child].next)
		add_shape(bench, child);
	buf_add_char(&bench->shape, type == JSON_ARRAY ? ']' : '}');
}

/* json-c takes more than we do, but nothing less, and means the same by it.
 * Of duplicate keys it keeps one only. */
static void
compare_with_jsonc(struct bench *bench, bool strict_keys)
{
	struct view text = bench->doc.text;
	if (text.len > REFERENCE_TEXT_MAX)
		return;
	buf_clear(&bench->other);
	must(reference_jsonc(text.data, text.len, &bench->other));
	if (!strict_keys || bench->other.len == 0)
		return;
	buf_clear(&bench->shape);
	bench->is_unsure = false;
	add_shape(bench, 0);
	if (bench->is_unsure)
		return;
	must(bench->shape.len == bench->other.len);
	must(memcmp(bench->shape.data, bench->other.data, bench->shape.len) ==
	    0);
}

static void
run(struct bench *bench, struct view text, const struct json_limits *limits)
{
	struct json_fault fault;
	uint32_t hash = json_hash(text);
	bool accepted = json_scan(&bench->doc, text, limits, &fault) == 0;
	must(accepted == (fault.reason == JSON_OK));
	must(accepted || fault.offset <= text.len);
	compare_with_grammar(bench, text, limits, fault.reason);
	if (accepted) {
		check_tape(bench);
		check_part(bench, 0);
		check_part(bench, hash % bench->doc.count);
		check_pointer(&bench->doc, text);
		check_pointer(&bench->doc, view_make(text.data, text.len / 2));
		if (hash % 4 == 0) /* slow: half of the time or more */
			compare_with_jsonc(bench, limits->strict_keys);
	}
	if (hash % 4 == 1)
		check_text_written_again(bench, text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bench lasting;
	if (size == 0)
		return 0;
	struct json_limits limits = { .max_depth = data[0] >> 1,
		.strict_keys = data[0] & 1 };
	struct view text = view_make(data + 1, size - 1);
	if (!lasting.doc.scratch)
		bench_init(&lasting);
	run(&lasting, text, &limits);
	if (size % 16 == 0) {
		struct bench fresh;
		bench_init(&fresh);
		run(&fresh, text, &limits);
		bench_fini(&fresh);
	}
	return 0;
}
