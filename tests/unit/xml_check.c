/* SPDX-License-Identifier: MIT */
#include "xml_check.h"

#include "utf8.h"

#define DEPTH_MAX 16

struct xml {
	struct view rest;
	struct view open[DEPTH_MAX];
	size_t depth;
	size_t roots;
	xml_tag_fn *tag;
	void *arg;
};

static void
skip(struct xml *xml, size_t count)
{
	xml->rest = view_make(xml->rest.data + count, xml->rest.len - count);
}

static bool
begins(struct view text, const char *with)
{
	size_t length = strlen(with);
	return text.len >= length && memcmp(text.data, with, length) == 0;
}

static bool
is_char(struct view text)
{
	const uint8_t *at = (const uint8_t *)text.data;
	size_t length = utf8_sequence(at, at + text.len);
	bool is_control = at[0] < 0x20 && !strchr("\t\n\r", at[0]);
	bool is_noncharacter =
	    length == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;
	return length > 0 && at[0] != 0 && !is_control && !is_noncharacter;
}

static const char *
check_chars(struct view text)
{
	static const char *const entities[] = { "&amp;", "&lt;", "&gt;",
		"&quot;", "&apos;" };
	while (text.len) {
		bool is_entity = text.data[0] != '&';
		for (size_t i = 0; i < 5; i++)
			is_entity |= begins(text, entities[i]);
		if (!is_entity)
			return "a bare &";
		if (text.data[0] == '<')
			return "a bare <";
		if (!is_char(text))
			return "a character that XML forbids";
		const uint8_t *at = (const uint8_t *)text.data;
		size_t length = utf8_sequence(at, at + text.len);
		text = view_make(text.data + length, text.len - length);
	}
	return NULL;
}

static size_t
name_length(struct view text)
{
	size_t length = 0;
	while (length < text.len &&
	    (strchr("-_.:", text.data[length])
		    ? text.data[length] != '\0'
		    : (text.data[length] | 0x20) >= 'a' &&
			(text.data[length] | 0x20) <= 'z'))
		length++;
	return length;
}

struct view
xml_attribute(struct view attributes, const char *name)
{
	size_t length = strlen(name);
	for (size_t i = 0; i + length + 2 < attributes.len; i++) {
		const char *at = attributes.data + i;
		if (at[0] != ' ' || memcmp(at + 1, name, length) != 0 ||
		    at[1 + length] != '=')
			continue;
		at += length + 3;
		size_t rest = attributes.len - (size_t)(at - attributes.data);
		const char *end = memchr(at, '"', rest);
		return view_make(at, end ? (size_t)(end - at) : rest);
	}
	return view_make(NULL, 0);
}

static const char *
check_attributes(struct view text)
{
	while (text.len) {
		if (text.data[0] != ' ')
			return "no space before an attribute";
		text = view_make(text.data + 1, text.len - 1);
		size_t length = name_length(text);
		if (length == 0 || length + 2 > text.len ||
		    text.data[length] != '=' || text.data[length + 1] != '"')
			return "no name=\" in a tag";
		text = view_make(text.data + length + 2, text.len - length - 2);
		const char *end = memchr(text.data, '"', text.len);
		if (!end)
			return "an attribute without an end";
		size_t size = (size_t)(end - text.data);
		const char *problem = check_chars(view_make(text.data, size));
		if (problem)
			return problem;
		text = view_make(end + 1, text.len - size - 1);
	}
	return NULL;
}

static const char *
check_close(struct xml *xml, struct view tag)
{
	if (xml->depth == 0 || !view_equal(xml->open[xml->depth - 1], tag))
		return "an end tag that closes nothing";
	xml->depth--;
	return NULL;
}

/* `tag`: what stands between < and >, which no attribute may hold here. */
static const char *
check_tag(struct xml *xml, struct view tag)
{
	if (begins(tag, "/"))
		return check_close(xml, view_make(tag.data + 1, tag.len - 1));
	bool is_empty = tag.len && tag.data[tag.len - 1] == '/';
	tag.len -= is_empty;
	struct view name = view_make(tag.data, name_length(tag));
	struct view attributes =
	    view_make(tag.data + name.len, tag.len - name.len);
	if (name.len == 0)
		return "a tag without a name";
	xml->roots += xml->depth == 0;
	if (xml->tag)
		xml->tag(xml->arg, name, attributes);
	if (!is_empty) {
		if (xml->depth == DEPTH_MAX)
			return "too deep";
		xml->open[xml->depth++] = name;
	}
	return check_attributes(attributes);
}

const char *
xml_check(struct view text, xml_tag_fn *tag, void *arg)
{
	static const char head[] =
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
	struct xml xml = { .rest = text, .tag = tag, .arg = arg };
	const char *problem = NULL;
	if (!begins(text, head))
		return "no declaration";
	skip(&xml, sizeof(head) - 1);
	while (xml.rest.len && !problem) {
		const char *open = memchr(xml.rest.data, '<', xml.rest.len);
		size_t length =
		    open ? (size_t)(open - xml.rest.data) : xml.rest.len;
		problem = check_chars(view_make(xml.rest.data, length));
		skip(&xml, length);
		if (problem || !open)
			continue;
		const char *close = memchr(xml.rest.data, '>', xml.rest.len);
		if (!close)
			return "a tag without an end";
		length = (size_t)(close - xml.rest.data);
		problem =
		    check_tag(&xml, view_make(xml.rest.data + 1, length - 1));
		skip(&xml, length + 1);
	}
	if (!problem && (xml.depth != 0 || xml.roots != 1))
		problem = "not one root";
	return problem;
}
