/* SPDX-License-Identifier: MIT */
#ifndef DECLARED_HELPER_H
#define DECLARED_HELPER_H

/* What the tests of schema_declared share: a schema that is open, and what it
 * declares. One test program includes this once. */

#include "schema_declared.h"
#include "schema_helper.h"

static struct schema *schema;
static struct schema_declared *declared;

static inline void
declared_open(const char *text)
{
	struct error err = { 0 };
	schema = compile_text(text, NULL, &err);
	if (!schema)
		fail_msg("%s: %s", err.where, err.message);
	declared = schema_declared_new(schema);
}

/* Also the teardown of each test. */
static inline int
declared_close(void **state)
{
	(void)state;
	schema_declared_free(&declared);
	schema_free(&schema);
	return 0;
}

/* The entry; 0: there is none. `value` NULL: any. */
static inline uint32_t
declared_find(enum declared_kind kind, const char *pointer, const char *value)
{
	uint32_t count = 0;
	const struct declared_entry *entries =
	    schema_declared_entries(declared, &count);
	for (uint32_t i = 1; i < count; i++)
		if (entries[i].kind == kind &&
		    strcmp(entries[i].pointer, pointer) == 0 &&
		    (!value || strcmp(entries[i].value, value) == 0))
			return i;
	return 0;
}

#endif
