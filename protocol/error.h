/* SPDX-License-Identifier: MIT */
#ifndef ERROR_H
#define ERROR_H

/*
 * One error value. Functions that can fail return -1 and fill the caller's
 * struct error, which says what was wrong, where, and what to do. It never
 * holds secrets or payload bytes. The caller decides whether it is logged.
 */

struct error {
	char where[256];   /* file, pointer, option or key; may be empty */
	char message[512]; /* one sentence, no newline */
};

/* Both take printf formats; `where` may be "". Return -1, so that a function
 * can end with `return error_set(err, ...)`. err may be NULL. */
int error_set(struct error *err, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
