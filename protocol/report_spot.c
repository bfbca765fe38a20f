/* SPDX-License-Identifier: MIT */

/* From a pointer or an offset to a line, a column and the bytes to mark. */

#include "report_parts.h"

#include "utf8.h"

/* Rules that speak of the member's name rather than of its value. */
static bool
is_about_name(const char *rule)
{
	static const char *const names[] = { "additionalProperties",
		"unevaluatedProperties", "propertyNames", "undeclared_member",
		"reserved_member" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(rule, names[i]) == 0)
			return true;
	return false;
}

/* The value that the pointer names, or the innermost that is there. */
static uint32_t
find_node(const struct json_doc *doc, const char *pointer)
{
	struct view text = view_of(pointer);
	uint32_t node = 0;
	while (!json_pointer_get(doc, text, &node)) {
		while (text.len && text.data[text.len - 1] != '/')
			text.len--;
		if (text.len == 0)
			return 0;
		text.len--;
	}
	return node;
}

/* A value says itself; a container is said by its name, or its bracket. */
static void
mark_node(const struct json_doc *doc, uint32_t at, const char *rule,
    size_t *start_r, size_t *length_r)
{
	const struct json_node *node = &doc->nodes[at];
	bool has_key = at > 0 && (node[-1].flags & JSON_IS_KEY);
	bool is_container =
	    node->type == JSON_OBJECT || node->type == JSON_ARRAY;
	if (has_key && (is_container || is_about_name(rule)))
		node--;
	*start_r = node->start;
	*length_r = node->length;
	if (is_container && !has_key)
		*length_r = 1;
}

static bool
mark(const struct finding *finding, struct json_doc *doc, size_t *start_r,
    size_t *length_r)
{
	struct json_limits limits = { 0 };
	struct json_fault fault;
	if (finding->has_offset) {
		*start_r = finding->offset;
		*length_r = 1;
		return true;
	}
	if (!finding->pointer ||
	    json_scan(doc, finding->text, &limits, &fault) == -1)
		return false;
	mark_node(doc, find_node(doc, finding->pointer), finding->rule, start_r,
	    length_r);
	return true;
}

static uint64_t
count_characters(struct view text)
{
	uint64_t count = 0;
	for (size_t i = 0; i < text.len; i++)
		count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
	return count;
}

/* The line of `text` that holds the byte at `start`. */
static void
cut_line(struct view text, size_t start, struct report_spot *spot)
{
	size_t begin = start;
	size_t end = start;
	while (begin > 0 && text.data[begin - 1] != '\n')
		begin--;
	while (end < text.len && text.data[end] != '\n')
		end++;
	for (size_t i = 0; i < begin && spot->line; i++)
		spot->line += text.data[i] == '\n';
	if (end > start && text.data[end - 1] == '\r')
		end--;
	spot->source_line = view_make(text.data + begin, end - begin);
	spot->start = start - begin;
}

void
report_locate(const struct finding *finding, struct json_doc *doc,
    struct report_spot *spot_r)
{
	size_t start = 0;
	size_t length = 0;
	*spot_r = (struct report_spot){ .line = finding->line };
	if (finding->text.len == 0 || !mark(finding, doc, &start, &length))
		return;
	if (start > finding->text.len)
		start = finding->text.len;
	cut_line(finding->text, start, spot_r);
	size_t rest = spot_r->source_line.len - spot_r->start;
	spot_r->length = length < rest ? length : rest;
	spot_r->column = 1 + finding->before +
	    count_characters(
		view_make(spot_r->source_line.data, spot_r->start));
	spot_r->end_column = spot_r->column +
	    count_characters(view_make(
		spot_r->source_line.data + spot_r->start, spot_r->length));
}
