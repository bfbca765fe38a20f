/* SPDX-License-Identifier: MIT */

/*
 * JSON values as Python prints them: null is None, ["x"] is ['x'], 1e3 is
 * 1000.0. For contracts whose platform is written in Python and words its
 * refusals with str(); asked for with "type_text": "python".
 */

#include "contract_parts.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void add_repr(
    const struct json_doc *doc, uint32_t node, struct buf *out);

/* The code points that str.isspace() is true of. */
static bool
is_space(const char *at, size_t length)
{
	static const char *const wide[] = { "\xc2\x85", "\xc2\xa0",
		"\xe1\x9a\x80", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",
		"\xe2\x81\x9f", "\xe3\x80\x80" };
	uint8_t byte = (uint8_t)*at;
	if (length == 1)
		return (byte >= 9 && byte <= 13) || (byte >= 28 && byte <= 32);
	for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++)
		if (view_is(view_make(at, length), wide[i]))
			return true;
	/* U+2000 to U+200A */
	return length == 3 && memcmp(at, "\xe2\x80", 2) == 0 &&
	    (uint8_t)at[2] <= 0x8a;
}

/* Bytes of the last character. `text` is UTF-8 and not empty. */
static size_t
last_character(struct view text)
{
	size_t length = 1;
	while (length < text.len &&
	    ((uint8_t)text.data[text.len - length] & 0xc0) == 0x80)
		length++;
	return length;
}

static struct view
strip(struct view text)
{
	while (text.len) {
		const uint8_t *at = (const uint8_t *)text.data;
		size_t length = utf8_sequence(at, at + text.len);
		if (length == 0 || !is_space(text.data, length))
			break;
		text = view_make(text.data + length, text.len - length);
	}
	while (text.len) {
		size_t length = last_character(text);
		if (!is_space(text.data + text.len - length, length))
			break;
		text.len -= length;
	}
	return text;
}

/* --- numbers --- */

static bool
is_integer(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '.' || (text.data[i] | 0x20) == 'e')
			return false;
	return true;
}

static void
add_zeros(int count, struct buf *out)
{
	for (int i = 0; i < count; i++)
		buf_add_char(out, '0');
}

/* `digits` is the mantissa without its point; its first digit counts
 * 10^exponent. Python writes an exponent below 1e-4 and from 1e16. */
static void
add_digits(const char *digits, int exponent, struct buf *out)
{
	int count = (int)strlen(digits);
	if (exponent < -4 || exponent >= 16) {
		buf_addf(out, "%c%s%se%c%02d", digits[0], count > 1 ? "." : "",
		    digits + 1, exponent < 0 ? '-' : '+', abs(exponent));
	} else if (exponent < 0) {
		buf_add_text(out, "0.");
		add_zeros(-exponent - 1, out);
		buf_add_text(out, digits);
	} else if (count > exponent + 1) {
		buf_addf(out, "%.*s.%s", exponent + 1, digits,
		    digits + exponent + 1);
	} else {
		buf_add_text(out, digits);
		add_zeros(exponent + 1 - count, out);
		buf_add_text(out, ".0");
	}
}

/* repr() of a float: the fewest digits that read back as the same number. */
static void
add_float(double number, struct buf *out)
{
	char text[64];
	if (isinf(number)) {
		buf_add_text(out, number < 0 ? "-inf" : "inf");
		return;
	}
	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, number);
		if (strtod(text, NULL) == number)
			break;
	}
	char digits[32];
	size_t count = 0;
	const char *at = text + (*text == '-');
	for (; *at != 'e'; at++)
		if (*at != '.')
			digits[count++] = *at;
	digits[count] = '\0';
	if (signbit(number))
		buf_add_char(out, '-');
	add_digits(digits, atoi(at + 1), out);
}

static void
add_number(struct view text, struct buf *out)
{
	char copy[512];
	if (is_integer(text)) {
		buf_add(out, view_is(text, "-0") ? view_of("0") : text);
		return;
	}
	snprintf(copy, sizeof(copy), "%.*s",
	    (int)(text.len < sizeof(copy) ? text.len : sizeof(copy) - 1),
	    text.data);
	add_float(strtod(copy, NULL), out);
}

/* --- strings and what holds them --- */

static void
add_character(const char *at, size_t length, char quote, struct buf *out)
{
	uint8_t byte = (uint8_t)*at;
	if (length > 1)
		buf_add(out, view_make(at, length));
	else if (byte == '\\' || *at == quote)
		buf_addf(out, "\\%c", byte);
	else if (byte == '\n' || byte == '\r' || byte == '\t')
		buf_addf(out, "\\%c",
		    byte == '\n'       ? 'n'
			: byte == '\r' ? 'r'
				       : 't');
	else if (byte < 0x20 || byte == 0x7f)
		buf_addf(out, "\\x%02x", byte);
	else
		buf_add_char(out, *at);
}

static void
add_quoted(struct view text, struct buf *out)
{
	bool has_single = text.len && memchr(text.data, '\'', text.len);
	bool has_double = text.len && memchr(text.data, '"', text.len);
	char quote = has_single && !has_double ? '"' : '\'';
	const uint8_t *end = (const uint8_t *)text.data + text.len;
	buf_add_char(out, quote);
	for (size_t i = 0; i < text.len;) {
		size_t length =
		    utf8_sequence((const uint8_t *)text.data + i, end);
		length = length ? length : 1;
		add_character(text.data + i, length, quote, out);
		i += length;
	}
	buf_add_char(out, quote);
}

static void
add_string(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	struct buf scratch;
	buf_init(&scratch, 0);
	add_quoted(json_string(doc, node, &scratch), out);
	buf_fini(&scratch);
}

static void
add_items(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	bool is_object = doc->nodes[node].type == JSON_OBJECT;
	uint32_t at = node + 1;
	buf_add_char(out, is_object ? '{' : '[');
	for (uint32_t i = 0; i < doc->nodes[node].count; i++) {
		buf_add_text(out, i ? ", " : "");
		if (is_object) {
			add_string(doc, at++, out);
			buf_add_text(out, ": ");
		}
		add_repr(doc, at, out);
		at = doc->nodes[at].next;
	}
	buf_add_char(out, is_object ? '}' : ']');
}

/* Recursive: the depth was bounded when the frame was scanned. */
static void
add_repr(const struct json_doc *doc, uint32_t node, struct buf *out)
{
	switch ((enum json_type)doc->nodes[node].type) {
	case JSON_NULL:
		buf_add_text(out, "None");
		break;
	case JSON_FALSE:
		buf_add_text(out, "False");
		break;
	case JSON_TRUE:
		buf_add_text(out, "True");
		break;
	case JSON_NUMBER:
		add_number(json_text(doc, node), out);
		break;
	case JSON_STRING:
		add_string(doc, node, out);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		add_items(doc, node, out);
		break;
	}
}

static struct view
cut(struct view text, size_t max)
{
	if (text.len <= max)
		return text;
	while (max && ((uint8_t)text.data[max] & 0xc0) == 0x80)
		max--;
	return view_make(text.data, max);
}

void
contract_python_text(
    const struct json_doc *doc, uint32_t node, size_t max, struct buf *out)
{
	struct buf whole;
	struct view text;
	buf_init(&whole, 0);
	if (doc->nodes[node].type == JSON_STRING) {
		text = json_string(doc, node, &whole);
	} else {
		add_repr(doc, node, &whole);
		text = buf_view(&whole);
	}
	text = strip(text);
	buf_add(out, cut(text, max));
	if (text.len > max)
		buf_add_text(out, "\xe2\x80\xa6");
	buf_fini(&whole);
}
