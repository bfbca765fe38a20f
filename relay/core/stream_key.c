/* SPDX-License-Identifier: MIT */
#include "stream_key.h"

#include "utf8.h"

#define SESSION_BYTES_MAX 256

static bool
is_unreserved(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' ||
	    byte == '_' || byte == '~';
}

static void
add_encoded(struct buf *out, struct view text)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (is_unreserved(text.data[i])) {
			buf_add_char(out, text.data[i]);
			continue;
		}
		buf_add_char(out, '%');
		buf_add_char(out, digits[byte >> 4]);
		buf_add_char(out, digits[byte & 15]);
	}
}

void
stream_key_identity(
    struct buf *out, struct view tenant, struct view user, struct view session)
{
	add_encoded(out, tenant);
	buf_add_char(out, '/');
	add_encoded(out, user);
	if (session.data == NULL)
		return;
	buf_add_char(out, '/');
	add_encoded(out, session);
}

void
stream_key_events(struct buf *out, struct view prefix, struct view tenant,
    struct view user, struct view session)
{
	buf_add(out, prefix);
	buf_add_text(out, "events:{");
	stream_key_identity(out, tenant, user, session);
	buf_add_char(out, '}');
}

/* U+0000 to U+001F and U+007F to U+009F. */
static bool
has_control_character(struct view text)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char byte = (unsigned char)text.data[i];
		if (byte < 0x20 || byte == 0x7f)
			return true;
		if (byte == 0xc2 && i + 1 < text.len &&
		    (unsigned char)text.data[i + 1] < 0xa0)
			return true;
	}
	return false;
}

bool
stream_key_session_is_valid(struct view session)
{
	return session.len > 0 && session.len <= SESSION_BYTES_MAX &&
	    utf8_is_valid(session) && !has_control_character(session);
}
