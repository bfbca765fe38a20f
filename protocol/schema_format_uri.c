/* SPDX-License-Identifier: MIT */

/* RFC 3986 URIs, RFC 3987 IRIs, RFC 6570 templates. */

#include "schema_format.h"

#define UNRESERVED "-._~"
#define SUB_DELIMS "!$&'()*+,;="

/* What a part of an address may hold besides letters, digits and %XX. */
struct charset {
	const char *others;
	bool wide;         /* characters beyond ASCII */
	bool private_wide; /* those for private use, too */
};

static struct view
slice(struct view text, size_t from, size_t to)
{
	return view_make(text.data + from, to - from);
}

static size_t
find_any(struct view text, size_t from, const char *stops)
{
	size_t at = from;
	while (
	    at < text.len && !(text.data[at] && strchr(stops, text.data[at])))
		at++;
	return at;
}

static size_t
decode(struct view text, size_t at, unsigned *code_point)
{
	unsigned char first = (unsigned char)text.data[at];
	size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
	*code_point = first & (0x7fu >> length);
	for (size_t i = 1; i < length; i++)
		*code_point = *code_point << 6 |
		    ((unsigned char)text.data[at + i] & 0x3fu);
	return length;
}

static bool
is_private(unsigned c)
{
	return (c >= 0xe000 && c <= 0xf8ff) || c >= 0xf0000;
}

/* ucschar and iprivate of RFC 3987. */
static bool
is_wide_allowed(unsigned c, bool allows_private)
{
	if (is_private(c))
		return allows_private && (c & 0xfffe) != 0xfffe;
	bool is_excluded = c < 0xa0 || (c >= 0xfdd0 && c <= 0xfdef) ||
	    (c >= 0xfff0 && c <= 0xffff) || (c & 0xfffe) == 0xfffe ||
	    (c >= 0xe0000 && c < 0xe1000);
	return !is_excluded;
}

/* The length of one allowed character (or %XX) at `at`, 0 = none. */
static size_t
char_length(struct view text, size_t at, struct charset set)
{
	char c = text.data[at];
	if (c & 0x80) {
		unsigned code_point = 0;
		size_t length = decode(text, at, &code_point);
		bool fits =
		    set.wide && is_wide_allowed(code_point, set.private_wide);
		return fits ? length : 0;
	}
	if (c == '%') {
		bool fits = at + 2 < text.len &&
		    format_is_hex(text.data[at + 1]) &&
		    format_is_hex(text.data[at + 2]);
		return fits ? 3 : 0;
	}
	bool fits = format_is_letter(c) || format_is_digit(c) ||
	    (c != '\0' &&
		(strchr(UNRESERVED SUB_DELIMS, c) || strchr(set.others, c)));
	return fits ? 1 : 0;
}

static bool
is_made_of(struct view text, struct charset set)
{
	size_t at = 0;
	while (at < text.len) {
		size_t length = char_length(text, at, set);
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}

static bool
is_future_address(struct view text)
{
	size_t dot = find_any(text, 0, ".");
	if (text.len == 0 || (text.data[0] | 0x20) != 'v' || dot < 2 ||
	    dot + 1 >= text.len)
		return false;
	for (size_t i = 1; i < dot; i++)
		if (!format_is_hex(text.data[i]))
			return false;
	struct charset set = { ":", false, false };
	struct view rest = slice(text, dot + 1, text.len);
	return !memchr(rest.data, '%', rest.len) && is_made_of(rest, set);
}

static bool
is_port(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!format_is_digit(text.data[i]))
			return false;
	return true;
}

static bool
is_host_and_port(struct view text, bool wide)
{
	if (text.len > 0 && text.data[0] == '[') {
		size_t end = find_any(text, 0, "]");
		if (end == text.len)
			return false;
		struct view inside = slice(text, 1, end);
		if (!schema_format_ipv6(inside) && !is_future_address(inside))
			return false;
		if (end + 1 == text.len)
			return true;
		return text.data[end + 1] == ':' &&
		    is_port(slice(text, end + 2, text.len));
	}
	size_t colon = find_any(text, 0, ":");
	struct charset set = { "", wide, false };
	if (!is_made_of(slice(text, 0, colon), set))
		return false;
	return colon == text.len || is_port(slice(text, colon + 1, text.len));
}

static bool
is_authority(struct view text, bool wide)
{
	size_t at = find_any(text, 0, "@");
	if (at == text.len)
		return is_host_and_port(text, wide);
	struct charset set = { ":", wide, false };
	return is_made_of(slice(text, 0, at), set) &&
	    is_host_and_port(slice(text, at + 1, text.len), wide);
}

/* The length of "scheme:", 0 = none. */
static size_t
scheme_length(struct view text)
{
	size_t end = find_any(text, 0, ":/?#");
	if (end == 0 || end == text.len || text.data[end] != ':' ||
	    !format_is_letter(text.data[0]))
		return 0;
	for (size_t i = 1; i < end; i++) {
		char c = text.data[i];
		if (!format_is_letter(c) && !format_is_digit(c) &&
		    (c == '\0' || !strchr("+-.", c)))
			return 0;
	}
	return end + 1;
}

/* Everything behind the scheme. */
static bool
is_hierarchy(struct view text, bool wide)
{
	struct charset path_set = { ":@/", wide, false };
	struct charset query_set = { ":@/?", wide, true };
	struct charset fragment_set = { ":@/?", wide, false };
	size_t hash = find_any(text, 0, "#");
	if (hash < text.len &&
	    !is_made_of(slice(text, hash + 1, text.len), fragment_set))
		return false;
	text.len = hash;
	size_t mark = find_any(text, 0, "?");
	if (mark < text.len &&
	    !is_made_of(slice(text, mark + 1, text.len), query_set))
		return false;
	text.len = mark;
	size_t path = 0;
	if (text.len >= 2 && memcmp(text.data, "//", 2) == 0) {
		path = find_any(text, 2, "/");
		if (!is_authority(slice(text, 2, path), wide))
			return false;
	}
	return is_made_of(slice(text, path, text.len), path_set);
}

static bool
is_reference(struct view text, bool wide, bool needs_scheme)
{
	size_t scheme = scheme_length(text);
	if (scheme > 0)
		return is_hierarchy(slice(text, scheme, text.len), wide);
	size_t first = find_any(text, 0, "/?#");
	bool has_colon = find_any(text, 0, ":") < first;
	return !needs_scheme && !has_colon && is_hierarchy(text, wide);
}

bool
schema_format_uri(struct view text)
{
	return is_reference(text, false, true);
}

bool
schema_format_uri_reference(struct view text)
{
	return is_reference(text, false, false);
}

bool
schema_format_iri(struct view text)
{
	return is_reference(text, true, true);
}

bool
schema_format_iri_reference(struct view text)
{
	return is_reference(text, true, false);
}

/* A name of a template's variable: parts joined by single dots. */
static size_t
variable_length(struct view text, size_t from)
{
	size_t at = from;
	bool was_dot = true;
	while (at < text.len) {
		char c = text.data[at];
		bool is_escape = c == '%' && at + 2 < text.len &&
		    format_is_hex(text.data[at + 1]) &&
		    format_is_hex(text.data[at + 2]);
		if (c == '.' && was_dot)
			return 0;
		if (!format_is_letter(c) && !format_is_digit(c) && c != '_' &&
		    c != '.' && !is_escape)
			break;
		was_dot = c == '.';
		at += is_escape ? 3 : 1;
	}
	return was_dot ? 0 : at - from;
}

/* ":n" with 1 to 9999, or "*", or nothing; SIZE_MAX: does not fit. */
static size_t
modifier_length(struct view text, size_t from)
{
	if (from == text.len)
		return 0;
	if (text.data[from] == '*')
		return 1;
	if (text.data[from] != ':')
		return 0;
	size_t at = from + 1;
	while (at < text.len && format_is_digit(text.data[at]))
		at++;
	size_t digits = at - from - 1;
	bool fits = digits >= 1 && digits <= 4 && text.data[from + 1] != '0';
	return fits ? at - from : SIZE_MAX;
}

static bool
is_expression(struct view text)
{
	size_t at = 0;
	if (text.len > 0 && text.data[0] &&
	    strchr("+#./;?&=,!@|", text.data[0]))
		at = 1;
	if (at == 1 && strchr("=,!@|", text.data[0]))
		return false; /* reserved for the future */
	for (;;) {
		size_t name = variable_length(text, at);
		if (name == 0)
			return false;
		size_t modifier = modifier_length(text, at + name);
		if (modifier == SIZE_MAX)
			return false;
		at += name + modifier;
		if (at == text.len)
			return true;
		if (text.data[at++] != ',')
			return false;
	}
}

static size_t
literal_length(struct view text, size_t at)
{
	unsigned char c = (unsigned char)text.data[at];
	struct charset wide = { "", true, true };
	if (c >= 0x80 || c == '%')
		return char_length(text, at, wide);
	bool is_excluded =
	    c <= ' ' || c == 0x7f || strchr("\"<>\\^`{|}", c) != NULL;
	return is_excluded ? 0 : 1;
}

bool
schema_format_uri_template(struct view text)
{
	size_t at = 0;
	while (at < text.len) {
		size_t length = 0;
		if (text.data[at] == '{') {
			size_t end = find_any(text, at, "}");
			if (end == text.len ||
			    !is_expression(slice(text, at + 1, end)))
				return false;
			length = end + 1 - at;
		} else {
			length = literal_length(text, at);
		}
		if (length == 0)
			return false;
		at += length;
	}
	return true;
}
