/* SPDX-License-Identifier: MIT */

/*
 * A pattern and a text, a line feed between them. What is compiled to a byte
 * loop must say what PCRE2 says: an empty lookahead behind the same pattern
 * keeps it from becoming a loop and changes no verdict.
 */

#include "buf.h"
#include "fuzz.h"
#include "schema_ecma.h"
#include "schema_regex.h"
#include "utf8.h"

static void
compare(const struct schema_regex *regex, struct view pattern, struct view text)
{
	static struct schema_matcher *matcher;
	struct error err;
	struct buf other;
	if (!matcher)
		matcher = schema_matcher_new();
	buf_init(&other, 0);
	buf_addf(&other, "(?:%.*s)(?=)", (int)pattern.len, pattern.data);
	struct schema_regex *twin = schema_regex_new(buf_view(&other), &err);
	must(twin);
	enum schema_match one = schema_regex_match(regex, matcher, text);
	enum schema_match two = schema_regex_match(twin, matcher, text);
	must(one == two || one == SCHEMA_MATCH_LIMIT ||
	    two == SCHEMA_MATCH_LIMIT);
	schema_regex_free(&twin);
	buf_fini(&other);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = { 0 };
	const uint8_t *cut = size ? memchr(data, '\n', size) : NULL;
	if (!cut)
		return 0;
	size_t length = (size_t)(cut - data);
	struct view pattern = view_make(data, length);
	struct view text = view_make(cut + 1, size - length - 1);
	if (!utf8_is_valid(pattern) || !utf8_is_valid(text))
		return 0;
	bool is_ecma = schema_regex_is_ecma(pattern);
	struct schema_regex *regex = schema_regex_new(pattern, &err);
	must(regex || err.message[0]);
	must(!regex || is_ecma);
	if (regex && !memchr(pattern.data, '\0', pattern.len))
		compare(regex, pattern, text);
	schema_regex_free(&regex);
	return 0;
}
