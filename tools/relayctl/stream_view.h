/* SPDX-License-Identifier: MIT */
#ifndef STREAM_VIEW_H
#define STREAM_VIEW_H

/*
 * A frame as one line for people: time of the entry, type, and what stands at
 * the pointers they asked for. Knows no contract.
 */

#include "json.h"

#include <stdio.h>

#define STREAM_VIEW_POINTERS 8

struct stream_view {
	FILE *out;
	bool is_colored;
	size_t width;              /* columns; longer lines are cut */
	const char *discriminator; /* RFC 6901 pointer of the type */
	struct view pointers[STREAM_VIEW_POINTERS];
	size_t pointer_count;
	struct json_doc doc;
	struct buf line;
	struct buf scratch;
};

/* show: comma-separated RFC 6901 pointers, borrowed; "" = the whole frame. */
void stream_view_init(struct stream_view *view, FILE *out, const char *show,
    const char *discriminator);
void stream_view_fini(struct stream_view *view);
void stream_view_frame(struct stream_view *view, struct view frame);

#endif
