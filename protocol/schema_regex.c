/* SPDX-License-Identifier: MIT */
#include "schema_regex.h"

#include "schema_ecma.h"
#include "schema_shape.h"
#include "xmalloc.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <stdlib.h>

/* Patterns are trusted, messages are not: a match may cost so much and no
 * more. About 10 ms at worst. */
#define MATCH_LIMIT     1000000u
#define DEPTH_LIMIT     10000u
#define HEAP_LIMIT_KIB  8192u
#define JIT_STACK_START (32u * 1024)
#define JIT_STACK_MAX   (1024u * 1024)

struct schema_regex {
	struct schema_regex *next;
	struct schema_shape *shape; /* a byte loop, or NULL: */
	pcre2_code *code;
	char *text;
	size_t text_length;
	size_t prefix_length; /* of what every match begins with: text + 1 */
};

struct schema_matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

/* *code_r is PCRE2's error code, on NULL. */
static pcre2_code *
compile_translated(struct view translated, int *code_r)
{
	uint32_t options = PCRE2_UTF | PCRE2_NO_UTF_CHECK |
	    PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS |
	    PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_SIZE offset = 0;
	return pcre2_compile((PCRE2_SPTR)translated.data, translated.len,
	    options, code_r, &offset, NULL);
}

static pcre2_code *
compile(struct view pattern, int *code_r, struct error *err)
{
	struct buf translated;
	pcre2_code *code = NULL;
	buf_init(&translated, 0);
	buf_reserve(&translated, 1); /* PCRE2 wants a pointer to nothing too */
	*code_r = 0;
	if (schema_ecma_translate(pattern, &translated, err) == 0)
		code = compile_translated(buf_view(&translated), code_r);
	buf_fini(&translated);
	if (!code && *code_r != 0) {
		PCRE2_UCHAR text[160];
		pcre2_get_error_message(*code_r, text, sizeof(text));
		error_set(err, "", "pattern: %s", (const char *)text);
	}
	return code;
}

bool
schema_regex_is_ecma(struct view pattern)
{
	int code = 0;
	pcre2_code *compiled = compile(pattern, &code, NULL);
	pcre2_code_free(compiled);
	return compiled || code == PCRE2_ERROR_LOOKBEHIND_NOT_FIXED_LENGTH;
}

/* NULL too when it is not ECMA-262: then compiling says why. */
static struct schema_shape *
find_shape(struct view pattern)
{
	struct buf translated;
	buf_init(&translated, 0);
	int rc = schema_ecma_translate(pattern, &translated, NULL);
	buf_fini(&translated);
	return rc == 0 ? schema_shape_new(pattern) : NULL;
}

static bool
is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') || strchr("-_/@:#", c);
}

/* How many characters behind a leading ^ stand for themselves, once each. */
static size_t
measure_prefix(struct view pattern)
{
	size_t end = 1;
	if (pattern.len == 0 || pattern.data[0] != '^' ||
	    memchr(pattern.data, '|', pattern.len) ||
	    memchr(pattern.data, '\0', pattern.len))
		return 0;
	while (end < pattern.len && is_plain(pattern.data[end]))
		end++;
	bool is_counted =
	    end < pattern.len && strchr("*+?{", pattern.data[end]);
	return is_counted && end > 1 ? end - 2 : end - 1;
}

struct schema_regex *
schema_regex_new(struct view pattern, struct error *err)
{
	int rc = 0;
	pcre2_code *code = NULL;
	struct schema_shape *shape = find_shape(pattern);
	if (!shape)
		code = compile(pattern, &rc, err);
	if (!shape && !code)
		return NULL;
	/* Without JIT (or without the memory for it) it is only slower. */
	if (code)
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	struct schema_regex *regex = xcalloc(1, sizeof(*regex));
	regex->code = code;
	regex->shape = shape;
	regex->text = xstrndup(pattern.data, pattern.len);
	regex->text_length = pattern.len;
	regex->prefix_length = measure_prefix(pattern);
	return regex;
}

void
schema_regex_free(struct schema_regex **regex)
{
	if (!*regex)
		return;
	pcre2_code_free((*regex)->code);
	schema_shape_free(&(*regex)->shape);
	free((*regex)->text);
	free(*regex);
	*regex = NULL;
}

void
schema_regex_push(struct schema_regex **list, struct schema_regex *regex)
{
	regex->next = *list;
	*list = regex;
}

void
schema_regex_free_all(struct schema_regex **list)
{
	while (*list) {
		struct schema_regex *regex = *list;
		*list = regex->next;
		schema_regex_free(&regex);
	}
}

struct view
schema_regex_text(const struct schema_regex *regex)
{
	return view_make(regex->text, regex->text_length);
}

struct schema_matcher *
schema_matcher_new(void)
{
	struct schema_matcher *matcher = xcalloc(1, sizeof(*matcher));
	matcher->data = pcre2_match_data_create(1, NULL);
	matcher->context = pcre2_match_context_create(NULL);
	matcher->stack =
	    pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	pcre2_set_match_limit(matcher->context, MATCH_LIMIT);
	pcre2_set_depth_limit(matcher->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(matcher->context, HEAP_LIMIT_KIB);
	pcre2_jit_stack_assign(matcher->context, NULL, matcher->stack);
	return matcher;
}

void
schema_matcher_free(struct schema_matcher **matcher)
{
	if (!*matcher)
		return;
	pcre2_match_data_free((*matcher)->data);
	pcre2_match_context_free((*matcher)->context);
	pcre2_jit_stack_free((*matcher)->stack);
	free(*matcher);
	*matcher = NULL;
}

enum schema_match
schema_regex_match(const struct schema_regex *regex,
    struct schema_matcher *matcher, struct view text)
{
	size_t prefix = regex->prefix_length;
	if (prefix > 0 &&
	    (text.len < prefix ||
		memcmp(text.data, regex->text + 1, prefix) != 0))
		return SCHEMA_MATCH_NO;
	if (regex->shape)
		return schema_shape_match(regex->shape, text) ? SCHEMA_MATCH_YES
							      : SCHEMA_MATCH_NO;
	const char *data = text.data ? text.data : "";
	int rc = pcre2_match(regex->code, (PCRE2_SPTR)data, text.len, 0,
	    PCRE2_NO_UTF_CHECK, matcher->data, matcher->context);
	if (rc >= 0)
		return SCHEMA_MATCH_YES;
	return rc == PCRE2_ERROR_NOMATCH ? SCHEMA_MATCH_NO : SCHEMA_MATCH_LIMIT;
}
