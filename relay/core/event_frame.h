/* SPDX-License-Identifier: MIT */
#ifndef EVENT_FRAME_H
#define EVENT_FRAME_H

/*
 * The WebSocket frame of an event, made once for all who get it: header, the
 * cursor as the first member, then the producer's bytes as they are.
 */

#include "entry_id.h"

struct event_frame {
	struct view object;   /* begins with '{'; borrowed */
	bool is_empty_object; /* nothing but white space in it */
	bool splice_cursor;
	size_t cursor_length;
	char cursor[ENTRY_ID_TEXT_MAX];
};

/* Returns the bytes that the frame takes. */
size_t event_frame_plan(struct event_frame *frame, struct entry_id id,
    struct view object, bool is_empty_object, bool splice_cursor);
/* Writes that many bytes. */
void event_frame_write(const struct event_frame *frame, char *out);

#endif
