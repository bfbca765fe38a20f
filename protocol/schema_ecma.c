/* SPDX-License-Identifier: MIT */

/*
 * One pass over the pattern, token by token. What both dialects spell alike is
 * copied; what PCRE2 would read otherwise is rewritten (\s . \v \uXXXX \p{…});
 * what only PCRE2 knows is refused ((?i) \Z a++ (?>…)). Balance of brackets
 * and order of ranges are left to PCRE2, which judges them alike.
 */

#include "schema_ecma.h"

#include "utf8.h"

#include <stdio.h>
#include <stdlib.h>

#define SPACES                                                             \
	"\\x{9}-\\x{d}\\x{20}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}" \
	"\\x{2029}\\x{202f}\\x{205f}\\x{3000}\\x{feff}"
/* PCRE2 takes an empty class for the end of the branch, also where it may be
 * left out ("[]?"). */
#define NOTHING_CLASS "[^\\s\\S]"
#define NOT_SPACES                                                    \
	"\\x{0}-\\x{8}\\x{e}-\\x{1f}\\x{21}-\\x{9f}\\x{a1}-\\x{167f}" \
	"\\x{1681}-\\x{1fff}\\x{200b}-\\x{2027}\\x{202a}-\\x{202e}"   \
	"\\x{2030}-\\x{205e}\\x{2060}-\\x{2fff}\\x{3001}-\\x{fefe}"   \
	"\\x{ff00}-\\x{10ffff}"

/* What the last token was, to know whether a quantifier may follow. */
enum last { LAST_NOTHING, LAST_ATOM, LAST_ASSERTION };

struct ecma {
	struct view text;
	size_t at;
	struct buf *out;
	struct error *err;
	bool is_in_class;
	bool was_set; /* in a class: the last member was a set like \d */
	enum last last;
};

static int
refuse(struct ecma *ecma, const char *why)
{
	return error_set(ecma->err, "",
	    "pattern is not ECMA-262: %s at byte %zu", why, ecma->at);
}

static char
peek(const struct ecma *ecma, size_t ahead)
{
	size_t at = ecma->at + ahead;
	return at < ecma->text.len ? ecma->text.data[at] : '\0';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* `digits` hex digits at `from`, or -1. */
static long
read_hex(const struct ecma *ecma, size_t from, size_t digits)
{
	char text[9] = { 0 };
	if (digits == 0 || digits > 8 || from + digits > ecma->text.len)
		return -1;
	memcpy(text, ecma->text.data + from, digits);
	if (strspn(text, "0123456789abcdefABCDEF") != digits)
		return -1;
	return strtol(text, NULL, 16);
}

static int
add_code_point(struct ecma *ecma, long code_point)
{
	if (code_point < 0 || code_point > 0x10ffff)
		return refuse(ecma, "bad character escape");
	buf_addf(ecma->out, "\\x{%lx}", (unsigned long)code_point);
	ecma->was_set = false;
	return 0;
}

static int
add_set(struct ecma *ecma, const char *in_class, const char *outside)
{
	buf_add_text(ecma->out, ecma->is_in_class ? in_class : outside);
	ecma->was_set = true;
	return 0;
}

/* \u{…}, \uXXXX, \uD83D\uDC32. ecma->at is on the u. */
static int
unicode_escape(struct ecma *ecma)
{
	if (peek(ecma, 1) == '{') {
		size_t start = ecma->at + 2;
		size_t end = start;
		while (end < ecma->text.len && ecma->text.data[end] != '}')
			end++;
		if (end == ecma->text.len)
			return refuse(ecma, "\\u{ without an end");
		long code_point = read_hex(ecma, start, end - start);
		ecma->at = end + 1;
		return add_code_point(ecma, code_point);
	}
	long unit = read_hex(ecma, ecma->at + 1, 4);
	ecma->at += 5;
	if (unit >= 0xd800 && unit < 0xdc00 && peek(ecma, 0) == '\\' &&
	    peek(ecma, 1) == 'u') {
		long low = read_hex(ecma, ecma->at + 2, 4);
		if (low >= 0xdc00 && low < 0xe000) {
			ecma->at += 6;
			unit = 0x10000 + ((unit - 0xd800) << 10) + low - 0xdc00;
		}
	}
	return add_code_point(ecma, unit);
}

/* \p{…} and \P{…}. */
static int
property_escape(struct ecma *ecma)
{
	char kind = peek(ecma, 0);
	size_t start = ecma->at + 2;
	size_t end = start;
	while (end < ecma->text.len && ecma->text.data[end] != '}')
		end++;
	if (peek(ecma, 1) != '{' || end == ecma->text.len)
		return refuse(ecma, "\\p needs a name in braces");
	char buffer[64];
	const char *name = schema_ecma_property(
	    view_make(ecma->text.data + start, end - start), buffer);
	if (!name)
		return refuse(ecma, "unknown property in \\p{…}");
	buf_addf(ecma->out, "\\%c{%s}", kind, name);
	ecma->was_set = true;
	ecma->at = end + 1;
	return 0;
}

/* \k<name>, \1: references to groups. */
static int
reference_escape(struct ecma *ecma)
{
	size_t start = ecma->at;
	if (peek(ecma, 0) == 'k') {
		while (ecma->at < ecma->text.len && peek(ecma, 0) != '>')
			ecma->at++;
		if (peek(ecma, 0) != '>')
			return refuse(ecma, "\\k needs a name");
		ecma->at++;
		buf_add_char(ecma->out, '\\');
		buf_add(ecma->out,
		    view_make(ecma->text.data + start, ecma->at - start));
		return 0;
	}
	while (is_digit(peek(ecma, 0)))
		ecma->at++;
	buf_addf(ecma->out, "\\g{%.*s}", (int)(ecma->at - start),
	    ecma->text.data + start);
	return 0;
}

static int
control_escape(struct ecma *ecma)
{
	char letter = peek(ecma, 1);
	if (!is_letter(letter))
		return refuse(ecma, "\\c needs a letter");
	ecma->at += 2;
	return add_code_point(ecma, letter & 0x1f);
}

/* One letter that stands for one character: \n \t …; 0: none of them. */
static int
simple_escape(char c)
{
	static const char names[] = "tnvfr";
	static const char values[] = "\t\n\v\f\r";
	const char *found = c ? strchr(names, c) : NULL;
	return found ? values[found - names] : 0;
}

/* \d \w \s and their opposites. */
static int
set_escape(struct ecma *ecma, char c)
{
	char copy[3] = { '\\', c, '\0' };
	ecma->at++;
	if (c == 's')
		return add_set(ecma, SPACES, "[" SPACES "]");
	if (c == 'S')
		return add_set(ecma, NOT_SPACES, "[^" SPACES "]");
	return add_set(ecma, copy, copy);
}

/* \b and \B outside of classes; \b inside is a backspace. */
static int
boundary_escape(struct ecma *ecma, char c)
{
	ecma->at++;
	if (ecma->is_in_class && c == 'b')
		return add_code_point(ecma, '\b');
	if (ecma->is_in_class)
		return refuse(ecma, "\\B in a class");
	buf_addf(ecma->out, "\\%c", c);
	ecma->last = LAST_ASSERTION;
	return 0;
}

static int
identity_escape(struct ecma *ecma, char c)
{
	if (is_letter(c) || is_digit(c) || c == '\0')
		return refuse(ecma, "unknown escape");
	if (c & 0x80)
		return 0; /* the character itself follows as a literal */
	buf_addf(ecma->out, "\\%c", c);
	if (c == '_') /* PCRE2 knows no \_ */
		ecma->out->data[--ecma->out->len - 1] = '_';
	ecma->at++;
	ecma->was_set = false;
	return 0;
}

/* ecma->at is behind the backslash. */
static int
translate_escape(struct ecma *ecma)
{
	char c = peek(ecma, 0);
	ecma->last = LAST_ATOM;
	if (c && strchr("dDwWsS", c))
		return set_escape(ecma, c);
	if (simple_escape(c)) {
		ecma->at++;
		return add_code_point(ecma, simple_escape(c));
	}
	if (c == 'b' || c == 'B')
		return boundary_escape(ecma, c);
	if (c == 'u')
		return unicode_escape(ecma);
	if (c == 'x') {
		long code_point = read_hex(ecma, ecma->at + 1, 2);
		ecma->at += 3;
		return add_code_point(ecma, code_point);
	}
	if (c == 'p' || c == 'P')
		return property_escape(ecma);
	if (c == 'c')
		return control_escape(ecma);
	if (c == '0' && !is_digit(peek(ecma, 1))) {
		ecma->at++;
		return add_code_point(ecma, 0);
	}
	bool is_reference = c == 'k' || (c >= '1' && c <= '9');
	if (is_reference && !ecma->is_in_class)
		return reference_escape(ecma);
	return identity_escape(ecma, c);
}

/* What follows the '-' at hand is a set: then it is no range. */
static bool
is_set_ahead(const struct ecma *ecma)
{
	return peek(ecma, 1) == '\\' && peek(ecma, 2) != '\0' &&
	    strchr("dDwWsSpP", peek(ecma, 2));
}

static int
class_member(struct ecma *ecma)
{
	char c = peek(ecma, 0);
	if (c == '\\') {
		ecma->at++;
		return translate_escape(ecma);
	}
	bool is_literal_dash =
	    c == '-' && (ecma->was_set || is_set_ahead(ecma));
	/* "[.", "[:" and "[=" begin what PCRE2 takes for POSIX names. */
	if (is_literal_dash || (c != '\0' && strchr("[.:=", c)))
		buf_add_char(ecma->out, '\\');
	if (c == '\0')
		buf_add_text(ecma->out, "\\x{0}");
	else
		buf_add_char(ecma->out, c);
	ecma->was_set = false;
	ecma->at++;
	return 0;
}

static int
translate_class(struct ecma *ecma)
{
	ecma->is_in_class = true;
	ecma->was_set = false;
	ecma->at++;
	if (peek(ecma, 0) == ']') {
		buf_add_text(ecma->out, NOTHING_CLASS);
		ecma->at++;
		ecma->is_in_class = false;
		ecma->last = LAST_ATOM;
		return 0;
	}
	buf_add_char(ecma->out, '[');
	if (peek(ecma, 0) == '^') {
		buf_add_char(ecma->out, '^');
		ecma->at++;
	}
	while (ecma->at < ecma->text.len && peek(ecma, 0) != ']')
		if (class_member(ecma) < 0)
			return -1;
	if (ecma->at == ecma->text.len)
		return refuse(ecma, "class without an end");
	buf_add_char(ecma->out, ']');
	ecma->at++;
	ecma->is_in_class = false;
	ecma->last = LAST_ATOM;
	return 0;
}

/* The length of "{n}", "{n,}" or "{n,m}" at hand, else 0. */
static size_t
counted_length(const struct ecma *ecma)
{
	size_t n = 1;
	while (is_digit(peek(ecma, n)))
		n++;
	if (n == 1)
		return 0;
	if (peek(ecma, n) == ',')
		n++;
	while (is_digit(peek(ecma, n)))
		n++;
	return peek(ecma, n) == '}' ? n + 1 : 0;
}

static int
translate_quantifier(struct ecma *ecma, size_t length)
{
	if (ecma->last != LAST_ATOM)
		return refuse(ecma, "nothing to repeat");
	buf_add(ecma->out, view_make(ecma->text.data + ecma->at, length));
	ecma->at += length;
	if (peek(ecma, 0) == '?') {
		buf_add_char(ecma->out, '?');
		ecma->at++;
	}
	ecma->last = LAST_NOTHING; /* another one may not follow */
	return 0;
}

static bool
is_known_group(const struct ecma *ecma)
{
	char c = peek(ecma, 2);
	if (c == ':' || c == '=' || c == '!')
		return true;
	char next = peek(ecma, 3);
	return c == '<' &&
	    (next == '=' || next == '!' || next == '_' || is_letter(next) ||
		(next & 0x80));
}

static int
translate_group(struct ecma *ecma)
{
	size_t length = 1;
	if (peek(ecma, 1) == '?') {
		if (!is_known_group(ecma))
			return refuse(ecma, "unknown kind of group");
		length = 3;
		bool is_behind = peek(ecma, 2) == '<' &&
		    (peek(ecma, 3) == '=' || peek(ecma, 3) == '!');
		length += is_behind;
	}
	buf_add(ecma->out, view_make(ecma->text.data + ecma->at, length));
	ecma->at += length;
	bool is_named = length == 3 && ecma->text.data[ecma->at - 1] == '<';
	while (is_named && ecma->at < ecma->text.len) {
		char c = peek(ecma, 0);
		buf_add_char(ecma->out, c);
		ecma->at++;
		is_named = c != '>';
	}
	ecma->last = LAST_NOTHING;
	return 0;
}

static int
translate_literal(struct ecma *ecma, char c)
{
	if (c == '\0')
		buf_add_text(ecma->out, "\\x{0}");
	else if (c == '{' || c == '}' || c == ']')
		buf_addf(ecma->out, "\\%c", c);
	else
		buf_add_char(ecma->out, c);
	ecma->at++;
	ecma->last = LAST_ATOM;
	return 0;
}

static int
translate_one(struct ecma *ecma)
{
	char c = peek(ecma, 0);
	size_t counted = c == '{' ? counted_length(ecma) : 0;
	if (c == '*' || c == '+' || c == '?')
		counted = 1;
	if (counted > 0)
		return translate_quantifier(ecma, counted);
	if (c == '\\') {
		ecma->at++;
		return translate_escape(ecma);
	}
	if (c == '[')
		return translate_class(ecma);
	if (c == '(')
		return translate_group(ecma);
	if (c != '^' && c != '$' && c != '|' && c != '.')
		return translate_literal(ecma, c);
	ecma->at++;
	ecma->last = c == '.' ? LAST_ATOM : LAST_ASSERTION;
	if (c == '.')
		buf_add_text(ecma->out, "[^\\n\\r\\x{2028}\\x{2029}]");
	else
		buf_add_char(ecma->out, c);
	return 0;
}

int
schema_ecma_translate(struct view pattern, struct buf *out, struct error *err)
{
	struct ecma ecma = { .text = pattern, .out = out, .err = err };
	while (ecma.at < pattern.len)
		if (translate_one(&ecma) < 0)
			return -1;
	return 0;
}

static const char *
category(struct view name)
{
	static const char *const table[][3] = {
#define CATEGORY(code, text, alias) { code, text, alias },
#include "schema_categories.def"
#undef CATEGORY
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t k = 0; k < 3; k++)
			if (view_is(name, table[i][k]))
				return table[i][0];
	return NULL;
}

/* PCRE2 takes more: "L&", "^Lu", " L". */
static bool
is_property_text(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!is_letter(text.data[i]) && !is_digit(text.data[i]) &&
		    text.data[i] != '_')
			return false;
	return text.len > 0 && text.len <= 48;
}

const char *
schema_ecma_property(struct view name, char buffer[64])
{
	const char *equals = memchr(name.data, '=', name.len);
	struct view value = name;
	struct view kind = view_make(NULL, 0);
	if (equals) {
		kind = view_make(name.data, (size_t)(equals - name.data));
		value = view_make(equals + 1, name.len - kind.len - 1);
	}
	if (!is_property_text(value))
		return NULL;
	bool is_category =
	    !equals || view_is(kind, "gc") || view_is(kind, "General_Category");
	const char *code = is_category ? category(value) : NULL;
	if (code)
		return code;
	bool is_extended =
	    view_is(kind, "scx") || view_is(kind, "Script_Extensions");
	bool is_script = view_is(kind, "sc") || view_is(kind, "Script");
	if (equals && !is_script && !is_extended)
		return NULL;
	const char *prefix = is_extended ? "scx:" : is_script ? "sc:" : "";
	snprintf(buffer, 64, "%s%.*s", prefix, (int)value.len, value.data);
	return buffer;
}
