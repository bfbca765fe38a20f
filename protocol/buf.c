/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include "utf8.h"
#include "xmalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 64

void
buf_init(struct buf *buf, size_t limit)
{
	*buf = (struct buf){ .limit = limit };
}

void
buf_fini(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ .limit = buf->limit };
}

void
buf_wipe(struct buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->capacity);
	buf_fini(buf);
}

void
buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

static void
grow(struct buf *buf, size_t needed)
{
	size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY;
	while (capacity < needed)
		capacity += capacity / 2;
	if (buf->limit && capacity > buf->limit)
		capacity = buf->limit;
	buf->data = xrealloc(buf->data, capacity);
	buf->capacity = capacity;
}

char *
buf_reserve(struct buf *buf, size_t size)
{
	size_t limit = buf->limit ? buf->limit : SIZE_MAX / 2;
	if (buf->failed || buf->len > limit || size > limit - buf->len) {
		buf->failed = true;
		return NULL;
	}
	if (size > buf->capacity - buf->len || !buf->data)
		grow(buf, buf->len + size);
	return buf->data + buf->len;
}

void
buf_add(struct buf *buf, struct view bytes)
{
	char *room = buf_reserve(buf, bytes.len);
	if (!room || bytes.len == 0)
		return;
	memcpy(room, bytes.data, bytes.len);
	buf->len += bytes.len;
}

void
buf_add_text(struct buf *buf, const char *text)
{
	buf_add(buf, view_of(text));
}

void
buf_add_char(struct buf *buf, char byte)
{
	char *room = buf_reserve(buf, 1);
	if (!room)
		return;
	*room = byte;
	buf->len++;
}

void
buf_add_u64(struct buf *buf, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	buf_add(buf, view_make(digits + at, sizeof(digits) - at));
}

/* One pass when the room that is left suffices, else a second one. The NUL
 * that vsnprintf writes needs a byte of its own, which a limit may deny:
 * hence the detour over an own allocation. */
void
buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args;
	char small[256];
	va_start(args, format);
	int length = vsnprintf(small, sizeof(small), format, args);
	va_end(args);
	if (length < 0) {
		buf->failed = true;
		return;
	}
	size_t size = (size_t)length;
	if (size < sizeof(small)) {
		buf_add(buf, view_make(small, size));
		return;
	}
	char *large = xmalloc(size + 1);
	va_start(args, format);
	vsnprintf(large, size + 1, format, args);
	va_end(args);
	buf_add(buf, view_make(large, size));
	free(large);
}

static void
add_escaped(struct buf *buf, uint8_t byte)
{
	static const char hex[] = "0123456789abcdef";
	static const char shorts[] = "\b\t\n\f\r\"\\";
	static const char letters[] = "btnfr\"\\";
	const char *found = byte ? strchr(shorts, byte) : NULL;
	if (found) {
		char pair[2] = { '\\', letters[found - shorts] };
		buf_add(buf, view_make(pair, 2));
		return;
	}
	char six[6] = { '\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15] };
	buf_add(buf, view_make(six, 6));
}

static bool
must_escape(uint8_t byte)
{
	return byte < 0x20 || byte == '"' || byte == '\\';
}

/* Copies runs of good bytes; stops only at what must be changed. */
void
buf_add_json_string(struct buf *buf, struct view text)
{
	const uint8_t *at = (const uint8_t *)(text.len ? text.data : "");
	const uint8_t *end = at + text.len;
	const uint8_t *run = at;
	buf_add_char(buf, '"');
	while (at < end) {
		size_t length = utf8_sequence(at, end);
		if (length > 1 || (length == 1 && !must_escape(*at))) {
			at += length;
			continue;
		}
		buf_add(buf, view_make(run, (size_t)(at - run)));
		if (length == 0)
			buf_add_text(buf, "\xef\xbf\xbd");
		else
			add_escaped(buf, *at);
		run = ++at;
	}
	buf_add(buf, view_make(run, (size_t)(at - run)));
	buf_add_char(buf, '"');
}

void
buf_add_token(struct buf *buf, struct view name)
{
	for (size_t i = 0; i < name.len; i++) {
		if (name.data[i] == '~')
			buf_add_text(buf, "~0");
		else if (name.data[i] == '/')
			buf_add_text(buf, "~1");
		else
			buf_add_char(buf, name.data[i]);
	}
}
