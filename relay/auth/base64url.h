/* SPDX-License-Identifier: MIT */
#ifndef BASE64URL_H
#define BASE64URL_H

/*
 * base64url without padding (RFC 4648 section 5), strict: each sequence of
 * bytes has exactly one text, and no other text is taken for it.
 */

#include "view.h"

/* Characters that `size` bytes take. */
#define BASE64URL_SIZE(size) (((size)*4 + 2) / 3)

/* Writes BASE64URL_SIZE(bytes.len) characters, no NUL. */
void base64url_encode(struct view bytes, char *text);

/* Bytes outside of the alphabet, padding, an impossible length, bits left over
 * that are not 0, more than `room` bytes: -1. Else how many bytes were
 * written. */
long base64url_decode(struct view text, void *bytes, size_t room);

#endif
