/* SPDX-License-Identifier: MIT */
#ifndef FRAME_CHECK_H
#define FRAME_CHECK_H

/*
 * Holds frames against a contract, one after the other, and tells a report
 * what is wrong with each. A frame is fine when one of the sides asked for
 * takes it.
 */

#include "frame_attempt.h"
#include "report.h"

struct generations;

/* Longer frames are refused, as the daemon does by default: limits.event_bytes
 * and, where only clients are listened to, limits.frame_bytes. */
#define FRAME_BYTES_MAX        ((size_t)4 << 20)
#define FRAME_CLIENT_BYTES_MAX ((size_t)1 << 20)

struct frame_check {
	struct report *report;
	struct frame_scope scope;
	struct generations *generations; /* told of each frame; NULL: none */
	const char *source;              /* file or key, for findings */
	struct json_doc doc;
	struct schema_scratch *scratch;
	struct buf type;
	struct view frame; /* the one at hand */
	bool hides_frames; /* findings do not show them */
	unsigned long frames;
	unsigned long invalid;
};

/* Where a frame stands: a line, or the entry `id`. */
struct frame_place {
	unsigned long line;
	const char *id; /* NULL: a line */
	size_t column;  /* characters before the frame in its line */
};

void frame_check_init(struct frame_check *check, struct report *report,
    const struct contract *contract);
void frame_check_fini(struct frame_check *check);

void frame_check_judge(struct frame_check *check,
    const struct frame_place *place, struct view frame);

/* A frame of that many bytes, which are not at hand. */
void frame_check_long(
    struct frame_check *check, const struct frame_place *place, uint64_t bytes);

/* For entries without a frame. */
void frame_check_missing(struct frame_check *check,
    const struct frame_place *place, const char *what);

#endif
