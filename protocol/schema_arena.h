/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_ARENA_H
#define SCHEMA_ARENA_H

/* Memory that is only ever freed as a whole: everything that a compiled schema
 * owns. Pointers into it never move. */

#include "view.h"

struct schema_chunk;

struct schema_arena {
	struct schema_chunk *chunks;
};

/* Zeroed and aligned for anything. */
void *schema_arena_get(struct schema_arena *arena, size_t size);
/* A copy with a NUL behind it. */
char *schema_arena_text(struct schema_arena *arena, struct view text);
void schema_arena_fini(struct schema_arena *arena);

#endif
