/* SPDX-License-Identifier: MIT */
#ifndef GENERATIONS_H
#define GENERATIONS_H

/*
 * Frames that break the contract they are held against may be fine under
 * another one that is known: an older one, or the next. This counts, for each
 * known contract, the frames that it takes, in constant memory.
 *
 * Known are the folders beside the one that is expected, and the bundled ones.
 * Those that cannot be loaded are passed over: they are not what was asked.
 */

#include "buf.h"
#include "frame_attempt.h"
#include "report.h"

#define GENERATIONS_MAX 16 /* others are not looked at */

struct generations;

/* `expected` is borrowed. Where the scope names an endpoint, the one of that
 * name counts, or any in a contract that has none of that name. */
struct generations *generations_new(const struct frame_scope *expected);
void generations_free(struct generations **generations);

void generations_judge(
    struct generations *generations, const struct json_doc *doc);

/* Adds one finding when some known contract takes more of the `frames` than
 * the expected one, which took `valid` of them. `source` may be NULL. */
void generations_tell(const struct generations *generations,
    struct report *report, const char *source, unsigned long frames,
    unsigned long valid);

/* [{"contract","valid","expected"},…], the expected one first. */
void generations_add_json(const struct generations *generations,
    unsigned long valid, struct buf *out);

#endif
