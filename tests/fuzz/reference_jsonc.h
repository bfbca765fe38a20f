/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_JSON_H
#define REFERENCE_JSON_H

/* json-c's opinion, in a file of its own: its names collide with ours. */

#include <stdbool.h>
#include <stddef.h>

/* True when json-c parses the text (or only finds it too deep). *items_r is
 * set when the text is an array. */
bool reference_accepts(const char *text, size_t size, size_t *items_r);

#endif
