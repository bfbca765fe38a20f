/* SPDX-License-Identifier: MIT */
#include "query.h"

static int
hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	if (byte >= 'a' && byte <= 'f')
		return byte - 'a' + 10;
	if (byte >= 'A' && byte <= 'F')
		return byte - 'A' + 10;
	return -1;
}

/* The byte that an escape at the front of `text` stands for, else -1. */
static int
escaped_byte(struct view text)
{
	if (text.len < 3 || text.data[0] != '%')
		return -1;
	int high = hex_digit(text.data[1]);
	int low = hex_digit(text.data[2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static void
decode(struct view text, struct buf *out)
{
	for (size_t i = 0; i < text.len; i++) {
		struct view rest = view_make(text.data + i, text.len - i);
		int byte = escaped_byte(rest);
		if (byte >= 0)
			i += 2;
		else
			byte = *rest.data == '+' ? ' ' : *rest.data;
		buf_add_char(out, (char)byte);
	}
}

/* Cuts what stands before `separator` off the front; the separator goes. */
static struct view
cut(struct view *text, char separator)
{
	const char *at =
	    text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
	struct view head = *text;
	if (at == NULL) {
		*text = view_make(NULL, 0);
		return head;
	}
	head.len = (size_t)(at - text->data);
	*text = view_make(at + 1, text->len - head.len - 1);
	return head;
}

bool
query_get(struct view query, const char *name, struct buf *value_r)
{
	bool found = false;
	struct buf decoded;
	buf_init(&decoded, 0);
	while (query.len > 0) {
		struct view value = cut(&query, '&');
		struct view key = cut(&value, '=');
		buf_clear(&decoded);
		decode(key, &decoded);
		if (!view_is(buf_view(&decoded), name))
			continue;
		found = true;
		buf_clear(value_r);
		decode(value, value_r);
	}
	buf_fini(&decoded);
	return found;
}

static bool
is_space(char byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

struct view
query_trim(struct view text)
{
	while (text.len > 0 && is_space(text.data[0]))
		text = view_make(text.data + 1, text.len - 1);
	while (text.len > 0 && is_space(text.data[text.len - 1]))
		text.len--;
	return text;
}
