/* SPDX-License-Identifier: MIT */
#ifndef REDACT_SHAPE_H
#define REDACT_SHAPE_H

/* What looks like a secret: redact.h asks for it, nobody else. */

#include "buf.h"

/* Appends the text, each thing that looks like a secret replaced. */
void redact_shapes(struct view text, struct buf *out);

#endif
