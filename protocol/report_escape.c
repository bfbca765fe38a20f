/* SPDX-License-Identifier: MIT */

/* Each format's way to keep hostile text from being read as the format. All of
 * them first lose what no text may hold: control characters, broken UTF-8, the
 * noncharacters that XML forbids. */

#include "report_parts.h"

#include "utf8.h"

#define REPLACEMENT "\xef\xbf\xbd"

/* The next character: itself, or U+FFFD for what no text may hold. */
static struct view
next_char(struct view *rest)
{
	const uint8_t *at = (const uint8_t *)rest->data;
	size_t length = utf8_sequence(at, at + rest->len);
	struct view one = view_make(at, length);
	bool is_bad = length == 0 || at[0] < 0x20 || at[0] == 0x7f;
	/* U+0080 to U+009F, U+FFFE and U+FFFF */
	if (length == 2 && at[0] == 0xc2 && at[1] < 0xa0)
		is_bad = true;
	if (length == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe)
		is_bad = true;
	*rest = view_make(
	    at + (length ? length : 1), rest->len - (length ? length : 1));
	return is_bad ? view_of(REPLACEMENT) : one;
}

void
report_add_printable(struct buf *out, struct view text)
{
	while (text.len)
		buf_add(out, next_char(&text));
}

void
report_add_xml(struct buf *out, struct view text)
{
	while (text.len) {
		struct view one = next_char(&text);
		switch (one.data[0]) {
		case '&':
			buf_add_text(out, "&amp;");
			break;
		case '<':
			buf_add_text(out, "&lt;");
			break;
		case '>':
			buf_add_text(out, "&gt;");
			break;
		case '"':
			buf_add_text(out, "&quot;");
			break;
		case '\'':
			buf_add_text(out, "&apos;");
			break;
		default:
			buf_add(out, one);
		}
	}
}

static bool
is_uri_byte(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || (byte && strchr("-._~/", byte));
}

void
report_add_uri(struct buf *out, struct view path)
{
	for (size_t i = 0; i < path.len; i++) {
		unsigned char byte = (unsigned char)path.data[i];
		if (is_uri_byte(byte))
			buf_add_char(out, (char)byte);
		else
			buf_addf(out, "%%%02X", byte);
	}
}

void
report_add_markdown(struct buf *out, struct view text)
{
	while (text.len) {
		struct view one = next_char(&text);
		if (strchr("\\`*_[]<>|#~", one.data[0]) && one.len == 1)
			buf_add_char(out, '\\');
		if (one.data[0] == '&')
			buf_add_text(out, "&amp;");
		else
			buf_add(out, one);
	}
}

static size_t
longest_run(struct view text, char byte)
{
	size_t longest = 0;
	size_t run = 0;
	for (size_t i = 0; i < text.len; i++) {
		run = text.data[i] == byte ? run + 1 : 0;
		if (run > longest)
			longest = run;
	}
	return longest;
}

/* A fence longer than any run of backticks within. */
void
report_add_code(struct buf *out, struct view text)
{
	size_t fence = longest_run(text, '`') + 1;
	bool needs_space = fence > 1 || text.len == 0;
	for (size_t i = 0; i < fence; i++)
		buf_add_char(out, '`');
	if (needs_space)
		buf_add_char(out, ' ');
	report_add_printable(out, text);
	if (needs_space)
		buf_add_char(out, ' ');
	for (size_t i = 0; i < fence; i++)
		buf_add_char(out, '`');
}
