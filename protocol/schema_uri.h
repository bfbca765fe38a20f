/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_URI_H
#define SCHEMA_URI_H

/* RFC 3986 section 5: references against a base. Names without a scheme are
 * allowed as bases ("dir/a.json"): a schema set may use plain file names. */

#include "buf.h"

/* Writes the target (with the reference's fragment, if any) to `out`, cleared
 * first. */
void schema_uri_resolve(struct view base, struct view ref, struct buf *out);

/* Cuts at the first '#'. *fragment_r is empty when there is none. */
struct view schema_uri_split(struct view uri, struct view *fragment_r);

/* Undoes %XX; a '%' without two hex digits stands for itself. Cleared first. */
void schema_uri_decode(struct view text, struct buf *out);

#endif
