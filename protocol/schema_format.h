/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

/* The values of `format` that can be asserted. */

#include "view.h"

struct schema_format {
	const char *name;
	bool (*is_valid)(struct view text);
};

/* NULL: not a format that we know; then it decides nothing. */
const struct schema_format *schema_format_find(struct view name);

#endif
