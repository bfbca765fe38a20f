/* SPDX-License-Identifier: MIT */
#ifndef RUN_FILE_H
#define RUN_FILE_H

/*
 * A recorded run: NDJSON, one {"at_ms":N,"event":{…}} a line, at_ms counted
 * from the start of the run. A line that is a bare event counts as at_ms 0.
 * Read line by line in constant memory.
 */

#include "error.h"
#include "json.h"

#include <stdio.h>

struct run_file {
	FILE *file;
	const char *name;
	char *line;
	size_t capacity;
	size_t number; /* of the line last read, from 1 */
	struct json_doc doc;
};

/* "-" is standard input. -1: cannot be opened. */
int run_file_open(struct run_file *run, const char *name, struct error *err);
void run_file_close(struct run_file *run);

/* 1 and the next event (its bytes as they stand in the line, good until the
 * next call), 0 at the end, -1 when a line is no JSON object or cannot be
 * read. */
int run_file_next(struct run_file *run, uint64_t *at_ms_r, struct view *event_r,
    struct error *err);

#endif
