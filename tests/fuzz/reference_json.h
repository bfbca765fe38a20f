/* SPDX-License-Identifier: MIT */
#ifndef REFERENCE_JSON_H
#define REFERENCE_JSON_H

/*
 * The grammar of RFC 8259 once more, slow and plain: a recursive descent that
 * follows the ABNF byte by byte and shares nothing with the scanner. Says yes
 * or no to every text, with the same limits.
 */

#include "view.h"

#include <stdint.h>

#define REFERENCE_TEXT_MAX 4096 /* bytes */

enum reference_verdict {
	REFERENCE_VALID,
	REFERENCE_SYNTAX,
	REFERENCE_TOO_DEEP
};

/* max_depth 0 is 512. *values_r: how many values and member names there are;
 * set when valid. */
enum reference_verdict reference_json(
    struct view text, uint32_t max_depth, bool strict_keys, uint32_t *values_r);

#endif
