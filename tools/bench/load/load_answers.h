/* SPDX-License-Identifier: MIT */
#ifndef LOAD_ANSWERS_H
#define LOAD_ANSWERS_H

/*
 * Counts the answers to published events in what Redis (RESP) or an HTTP
 * server sends, by the beginnings of lines alone.
 */

#include <stddef.h>
#include <stdint.h>

#define LOAD_ANSWER_HEAD 96

struct load_answers {
	uint64_t taken;
	uint64_t refused;
	char refusal[LOAD_ANSWER_HEAD]; /* the first one's line */
	char head[LOAD_ANSWER_HEAD];    /* of the line that is not whole yet */
	size_t len;
};

void load_answers_read(
    struct load_answers *answers, const char *bytes, size_t len);

#endif
