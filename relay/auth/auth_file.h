/* SPDX-License-Identifier: MIT */
#ifndef AUTH_FILE_H
#define AUTH_FILE_H

/* Small files that hold keys. */

#include "buf.h"
#include "error.h"

#define AUTH_SECRET_MAX 4096 /* bytes */

/* Appends the whole file. *is_open_r: others than its owner and group may read
 * it. 0, or an exit code (exit_code.h) and err: it may not be read (69), it is
 * not there, no file, empty, or longer than `max` (67). */
int auth_file_read(const char *path, size_t max, struct buf *text,
    bool *is_open_r, struct error *err);

/* A text without the line end behind it; bytes that are no text, as they are:
 * there a line end may be part of the secret. */
struct view auth_file_line(struct view text);

#endif
