/* SPDX-License-Identifier: MIT */
#ifndef XMALLOC_H
#define XMALLOC_H

/*
 * Allocation that cannot fail: when memory is out the process says so in one
 * line and ends with exit code 70. Sizes that come from outside are capped
 * before they get here.
 */

#include <stddef.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size); /* zeroed; dies on overflow */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text);
char *xstrndup(const char *text, size_t len); /* copies len bytes + NUL */

#endif
