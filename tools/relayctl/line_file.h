/* SPDX-License-Identifier: MIT */
#ifndef LINE_FILE_H
#define LINE_FILE_H

/*
 * A file of any size, line by line, in memory that does not grow: of a line
 * that is longer than the limit only its length is known.
 */

#include "buf.h"
#include "error.h"

struct line_file {
	int fd;
	const char *name;
	size_t limit;
	uint64_t size;     /* of a regular file; 0: nobody knows */
	uint64_t position; /* bytes read so far */
	uint64_t number;   /* of the line last read, from 1 */
	bool is_at_end;
	char *chunk;
	size_t chunk_start;
	size_t chunk_end;
	struct buf line;
};

/* A line without its LF. Good until the next call. */
struct line {
	struct view text;
	uint64_t length;
	bool is_too_long; /* `text` is only how it begins */
};

/* "-" is standard input; a line may have `limit` bytes. 0, or -1 and err. */
int line_file_open(
    struct line_file *file, const char *name, size_t limit, struct error *err);
void line_file_close(struct line_file *file);

/* 1 and the next line (the last one needs no LF), 0 at the end, -1 and err. */
int line_file_next(
    struct line_file *file, struct line *line_r, struct error *err);

#endif
