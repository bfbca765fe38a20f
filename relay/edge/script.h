/* SPDX-License-Identifier: MIT */
#ifndef SCRIPT_H
#define SCRIPT_H

/*
 * A Lua script in Redis: called by its SHA-1, and sent whole when Redis does
 * not know it (any more).
 */

#include "redis_link.h"

struct script {
	const char *source;
	char sha[41];
};

/* The source is borrowed for the script's life. */
void script_init(struct script *script, const char *source);

/* So that no call meets a Redis that does not know it; on each `up`. */
void script_load(const struct script *script, struct redis_link *link);

/* Keys, then arguments, all copied. The deadline is in milliseconds and holds
 * for everything. The answer is as redis_link_command's, exactly once; -1 when
 * the link is down: no answer. */
int script_call(const struct script *script, struct redis_link *link,
    const struct view *words, size_t key_count, size_t word_count,
    unsigned deadline_ms, redis_answer_fn *answer, void *arg);

#endif
