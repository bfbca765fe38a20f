/* SPDX-License-Identifier: MIT */
#ifndef STREAM_EXPECT_H
#define STREAM_EXPECT_H

/*
 * Compares what a subscriber gets with a recorded run: every event that its
 * endpoint shows, in order, byte for byte behind the cursor.
 */

#include "contract.h"
#include "run_file.h"

struct stream_expect {
	struct run_file run;
	struct json_doc doc;
	const struct contract_side
	    *side; /* borrowed: what the endpoint shows */
	size_t matched;
	bool is_done; /* every event of the run has arrived */
	struct view next;
};

/* `side` is borrowed until stream_expect_close. */
int stream_expect_open(struct stream_expect *expect, const char *file,
    const struct contract_side *side, struct error *err);
void stream_expect_close(struct stream_expect *expect);

/* One event frame, cursor included. -1: another one was due; err names the
 * line of the run and the byte at which they differ. */
int stream_expect_frame(
    struct stream_expect *expect, struct view frame, struct error *err);

/* The cursor of an event frame and the text behind it (from the first byte
 * after the comma). false: a frame without a cursor. Views into the frame. */
bool stream_split_cursor(
    struct view frame, struct view *cursor_r, struct view *rest_r);

#endif
