/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_VALUE_H
#define SCHEMA_VALUE_H

/*
 * Equality of JSON values as JSON Schema means it: 1 equals 1.0, members have
 * no order, strings are compared decoded, true is not 1.
 */

#include "schema_run.h"

/* A value in some document: of the schema or of the instance. */
struct schema_value {
	const struct json_doc *doc;
	uint32_t node;
};

bool schema_value_equal(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b);

/* No two items of the array are equal. O(n log n). */
bool schema_value_is_unique(
    struct schema_scratch *scratch, const struct json_doc *doc, uint32_t array);

#endif
