/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_ASK_H
#define SOURCE_ASK_H

/*
 * The three questions that a source asks about a stream, as commands on a
 * link. Always from a concrete id, never `$`; one key each, so that the same
 * code serves a cluster. -1: the link is down and no answer comes.
 */

#include "entry_id.h"
#include "redis_link.h"

/* Entries behind `after`. Answer: what XREAD says. */
int source_ask_entries(struct redis_link *link, struct view key,
    struct entry_id after, uint32_t count, redis_answer_fn *answer, void *arg);
/* In one transaction. Answer: [TIME, XINFO STREAM]. */
int source_ask_open(struct redis_link *link, struct view key,
    redis_answer_fn *answer, void *arg);
/* In one transaction. Answer: [XINFO STREAM, XREAD]. */
int source_ask_proof(struct redis_link *link, struct view key,
    struct entry_id after, uint32_t count, redis_answer_fn *answer, void *arg);

/* What the next read may bring, with so many under way already: 1 MiB, but
 * 32 KiB from 64 on, so that 1,024 of them keep about 100 MiB in Redis at
 * most. */
size_t source_ask_bytes(size_t in_flight);
/* COUNT for about `bytes` in one read of entries of this mean size (0: not
 * known), and one more for the position's own entry. */
uint32_t source_ask_count(uint32_t mean_bytes, size_t bytes);
/* The mean moves with what was read. */
uint32_t source_ask_mean(uint32_t mean_bytes, size_t bytes, size_t count);
/* A read was lost, perhaps because its answer is too much: a mean with which
 * the next one asks for a quarter. */
uint32_t source_ask_less(uint32_t mean_bytes);

#endif
