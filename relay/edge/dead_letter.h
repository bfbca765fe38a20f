/* SPDX-License-Identifier: MIT */
#ifndef DEAD_LETTER_H
#define DEAD_LETTER_H

/*
 * Refused events on their way to the dead-letter stream: one entry for each
 * (stream, id), whoever else has read it. While Redis is away they wait, up to
 * a bound; what is beyond it is counted as lost. So that a flood does not come
 * to that while Redis is there, whoever reads is told to wait.
 */

#include "judge.h"
#include "redis_link.h"

struct dead_letters;

/* More letters are under way to Redis than is good: read no more until they are
 * answered (false). Never for longer than the deadline of an answer. */
typedef void dead_letter_crowd_fn(void *arg, bool is_crowded);

struct dead_letter_options {
	struct view prefix;   /* of keys */
	struct view contract; /* "name/version" */
	struct view node;
};

/* The options' views and the link are borrowed for its life. */
struct dead_letters *dead_letters_new(const struct dead_letter_options *options,
    struct redis_link *link, struct stats *stats);
/* Likewise in place of those before, for what is added from now on; the prefix
 * is the same. */
void dead_letters_reload(
    struct dead_letters *letters, const struct dead_letter_options *options);
void dead_letters_on_crowd(
    struct dead_letters *letters, dead_letter_crowd_fn *crowd, void *arg);
/* After the link is freed. */
void dead_letters_free(struct dead_letters **letters);

void dead_letters_add(
    struct dead_letters *letters, const struct refused_entry *refused);
/* The link came up: send what waits. */
void dead_letters_up(struct dead_letters *letters);

#endif
