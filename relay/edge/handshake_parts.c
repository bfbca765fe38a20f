/* SPDX-License-Identifier: MIT */
#include "handshake_parts.h"

#include <strings.h>

bool
handshake_token_byte(uint8_t byte)
{
	return (byte >= '0' && byte <= '9') ||
	    ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') ||
	    (byte && strchr("!#$%&'*+-.^_`|~", byte));
}

bool
handshake_is_token(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!handshake_token_byte((uint8_t)text.data[i]))
			return false;
	}
	return text.len > 0;
}

struct view
handshake_trim(struct view text)
{
	while (text.len && (*text.data == ' ' || *text.data == '\t')) {
		text.data++;
		text.len--;
	}
	while (text.len &&
	    (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
		text.len--;
	return text;
}

bool
handshake_next_item(struct view *list, char separator, struct view *item_r)
{
	if (!list->data)
		return false;
	const char *stop = memchr(list->data, separator, list->len);
	size_t length = stop ? (size_t)(stop - list->data) : list->len;
	*item_r = handshake_trim(view_make(list->data, length));
	*list = stop ? view_make(stop + 1, list->len - length - 1)
		     : view_make(NULL, 0);
	return true;
}

bool
handshake_same_word(struct view text, const char *word)
{
	return text.len == strlen(word) &&
	    strncasecmp(text.data, word, text.len) == 0;
}

static int
hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)(digit | 0x20);
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Decodes the byte at path[*i] and moves *i behind it; -1 on a bad escape. */
static int
next_path_byte(struct view path, size_t *i)
{
	char byte = path.data[*i];
	*i += 1;
	if (byte != '%')
		return (uint8_t)byte;
	if (path.len - *i < 2)
		return -1;
	int high = hex_value(path.data[*i]);
	int low = hex_value(path.data[*i + 1]);
	*i += 2;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Segments of one or two dots, also written %2e, are nowhere a known path. */
bool
handshake_is_clean_path(struct view path)
{
	size_t dots = 0;
	size_t others = 0;
	for (size_t i = 0; i < path.len;) {
		bool is_slash = path.data[i] == '/';
		if (strchr("\\\"<>#", path.data[i]))
			return false;
		int byte = next_path_byte(path, &i);
		if (byte <= 0)
			return false;
		if (is_slash && others == 0 && (dots == 1 || dots == 2))
			return false;
		if (is_slash)
			dots = others = 0;
		else if (byte == '.')
			dots++;
		else
			others++;
	}
	return others > 0 || dots == 0 || dots > 2;
}
