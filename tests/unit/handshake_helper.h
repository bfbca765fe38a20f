/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_HELPER_H
#define HANDSHAKE_HELPER_H

/* What the tests of heads share: parse one, and what came of it. One test
 * program includes this once. */

#include "handshake.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define LITERAL(text)                  \
	{                              \
		text, sizeof(text) - 1 \
	}
#define KEY "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct handshake result;
static int status;
static const char *reason;
static char *copy;

/* An exact copy on the heap, so that a sanitizer sees an overread. */
static inline enum handshake_state
parse(struct view head)
{
	free(copy);
	copy = malloc(head.len ? head.len : 1);
	memcpy(copy, head.data, head.len);
	status = -1;
	reason = NULL;
	return handshake_parse(
	    view_make(copy, head.len), &result, &status, &reason);
}

/* Of the group. */
static inline int
handshake_teardown(void **state)
{
	(void)state;
	free(copy);
	return 0;
}

#endif
