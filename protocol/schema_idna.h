/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_IDNA_H
#define SCHEMA_IDNA_H

/* Host names in any script: IDNA2008 (RFC 5890 to 5893). */

#include "view.h"

#include <stdint.h>

#define IDNA_LABEL_MAX 63  /* bytes of a label in ASCII */
#define IDNA_NAME_MAX  253 /* and of a whole name */

/* The characters of a label, decoded. */
struct schema_idna_label {
	uint32_t points[IDNA_LABEL_MAX];
	size_t count;
};

/* A whole name. With `wide` labels may be in any script and the other full
 * stops separate too; without, they are letters, digits and hyphens. Either
 * way "xn--…" must be the Punycode of a valid label. */
bool schema_idna_is_name(struct view text, bool wide);

/* RFC 3492. Decode: what stands behind "xn--", lower case. False: malformed.
 * Encode: the length of the result, 0 = it does not fit. */
bool schema_punycode_decode(
    struct view text, struct schema_idna_label *label_r);
size_t schema_punycode_encode(
    const struct schema_idna_label *label, char text[IDNA_LABEL_MAX]);

#endif
