/* SPDX-License-Identifier: MIT */

/* The usual ways to miss JSON: text of another language, a hand that slipped,
 * a file in another encoding. */

#include "json_hint.h"

static const struct {
	const char *text; /* what stands where it broke */
	const char *hint;
} words[] = {
	{ "None", "None is Python: write null" },
	{ "True", "True is Python: write true" },
	{ "False", "False is Python: write false" },
	{ "undefined",
	    "undefined is JavaScript: write null, or leave the "
	    "member out" },
	{ "NaN", "NaN is no JSON number: write null" },
	{ "Infinity", "Infinity is no JSON number: write null" },
	{ "-Infinity", "Infinity is no JSON number: write null" },
	{ "'", "strings stand in double quotes" },
	{ "//", "JSON has no comments" },
	{ "/*", "JSON has no comments" },
	{ "#", "JSON has no comments" },
	{ "\xef\xbb\xbf",
	    "a byte order mark: save the file as UTF-8 without "
	    "it" },
	{ "\xff\xfe", "this is UTF-16: save the file as UTF-8" },
	{ "\xfe\xff", "this is UTF-16: save the file as UTF-8" },
	{ "\x1f\x8b", "this is a gzip file: unpack it first" },
};

static bool
begins_with(struct view text, const char *start)
{
	struct view wanted = view_of(start);
	return text.len >= wanted.len &&
	    memcmp(text.data, wanted.data, wanted.len) == 0;
}

/* The last byte that is no white space in front of `at`; 0: none. */
static char
byte_before(struct view text, size_t at)
{
	while (at > 0 && strchr(" \t\r\n", text.data[at - 1]))
		at--;
	return at > 0 ? text.data[at - 1] : '\0';
}

static const char *
hint_name(struct view rest)
{
	bool is_name = (rest.data[0] >= 'a' && rest.data[0] <= 'z') ||
	    (rest.data[0] >= 'A' && rest.data[0] <= 'Z') || rest.data[0] == '_';
	return is_name ? "names of members stand in double quotes" : "";
}

const char *
json_hint(struct view text, const struct json_fault *fault)
{
	if (fault->reason != JSON_SYNTAX)
		return "";
	size_t at = fault->offset < text.len ? fault->offset : text.len;
	struct view rest = view_make(text.data + at, text.len - at);
	char before = byte_before(text, at);
	if (rest.len == 0)
		return "the text ends too early: is it cut off, or does one "
		       "frame stand on several lines?";
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (begins_with(rest, words[i].text))
			return words[i].hint;
	bool is_close = rest.data[0] == '}' || rest.data[0] == ']';
	if (is_close && before == ',')
		return "leave out the comma before the bracket";
	if (rest.data[0] == '"' && before && strchr("\"}]0123456789el", before))
		return "a comma or a colon is missing before this";
	if (before == '{' || before == ',')
		return hint_name(rest);
	return "";
}
