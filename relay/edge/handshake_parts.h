/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_PARTS_H
#define HANDSHAKE_PARTS_H

/* Small readers of lists, tokens and paths, for the handshake's own files
 * only. */

#include "view.h"

#include <stdint.h>

/* RFC 9110 section 5.6.2. */
bool handshake_token_byte(uint8_t byte);
bool handshake_is_token(struct view text);

/* Without spaces and tabs at both ends. */
struct view handshake_trim(struct view text);

/* False for dot segments, also written %2e, escaped NUL, bad escapes and bytes
 * that no path holds. */
bool handshake_is_clean_path(struct view path);

/* Takes the next item, trimmed and perhaps empty, off a list; false at its
 * end. */
bool handshake_next_item(
    struct view *list, char separator, struct view *item_r);

/* Equal but for the case of ASCII letters. */
bool handshake_same_word(struct view text, const char *word);

#endif
