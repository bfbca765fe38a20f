/* SPDX-License-Identifier: MIT */
#include "xmalloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_OWN_BUG 70 /* wire.md section 10 */

/* No stdio: it may allocate, and there is nothing left to allocate from. */
static void *
die(void)
{
	static const char line[] = "out of memory; raise the limit of this "
				   "process or lower the relay's limits.\n";
	ssize_t ignored = write(STDERR_FILENO, line, sizeof(line) - 1);
	(void)ignored;
	_exit(EXIT_OWN_BUG);
}

void *
xmalloc(size_t size)
{
	void *fresh = malloc(size ? size : 1);
	return fresh ? fresh : die();
}

void *
xcalloc(size_t count, size_t size)
{
	void *fresh = calloc(count ? count : 1, size ? size : 1);
	return fresh ? fresh : die();
}

void *
xrealloc(void *old, size_t size)
{
	void *fresh = realloc(old, size ? size : 1);
	return fresh ? fresh : die();
}

char *
xstrdup(const char *text)
{
	return xstrndup(text, strlen(text));
}

char *
xstrndup(const char *text, size_t len)
{
	char *copy = xmalloc(len + 1);
	if (len)
		memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}
