/* SPDX-License-Identifier: MIT */

/* What runs write to, and what outlives them. */

#include "schema_run.h"
#include "xmalloc.h"

#include <stdlib.h>

struct schema_scratch *
schema_scratch_new(void)
{
	struct schema_scratch *scratch = xcalloc(1, sizeof(*scratch));
	buf_init(&scratch->text, 0);
	buf_init(&scratch->other, 0);
	scratch->matcher = schema_matcher_new();
	/* The hash of strings is drawn anew for each process; borrow that. */
	uint64_t high = json_hash(view_of("seed"));
	uint64_t low = json_hash(view_of("unique"));
	scratch->seed = (high << 32 | low) | 1;
	return scratch;
}

void
schema_scratch_free(struct schema_scratch **scratch)
{
	if (!*scratch)
		return;
	buf_fini(&(*scratch)->text);
	buf_fini(&(*scratch)->other);
	free((*scratch)->bits);
	free((*scratch)->keys);
	schema_matcher_free(&(*scratch)->matcher);
	free(*scratch);
	*scratch = NULL;
}
