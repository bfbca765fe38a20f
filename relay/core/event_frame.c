/* SPDX-License-Identifier: MIT */
#include "event_frame.h"

#include "ws_frame.h"

static const char CURSOR_MEMBER[] = "{\"cursor\":\"";

static size_t
payload_length(const struct event_frame *frame)
{
	if (!frame->splice_cursor)
		return frame->object.len;
	size_t member = sizeof(CURSOR_MEMBER) - 1 + frame->cursor_length + 1;
	/* Behind it `}`, or a comma and all but the object's first byte. */
	return member + (frame->is_empty_object ? 1 : frame->object.len);
}

size_t
event_frame_plan(struct event_frame *frame, struct entry_id id,
    struct view object, bool is_empty_object, bool splice_cursor)
{
	frame->object = object;
	frame->is_empty_object = is_empty_object;
	frame->splice_cursor = splice_cursor;
	frame->cursor_length = entry_id_print(id, frame->cursor);
	size_t length = payload_length(frame);
	return ws_frame_header_size(length) + length;
}

static char *
put(char *out, const char *bytes, size_t length)
{
	memcpy(out, bytes, length);
	return out + length;
}

void
event_frame_write(const struct event_frame *frame, char *out)
{
	out += ws_frame_header(out, WS_TEXT, payload_length(frame));
	if (!frame->splice_cursor) {
		put(out, frame->object.data, frame->object.len);
		return;
	}
	out = put(out, CURSOR_MEMBER, sizeof(CURSOR_MEMBER) - 1);
	out = put(out, frame->cursor, frame->cursor_length);
	*out++ = '"';
	if (frame->is_empty_object) {
		*out = '}';
		return;
	}
	*out++ = ',';
	put(out, frame->object.data + 1, frame->object.len - 1);
}
