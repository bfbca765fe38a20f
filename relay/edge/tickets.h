/* SPDX-License-Identifier: MIT */
#ifndef TICKETS_H
#define TICKETS_H

/*
 * Tickets in Redis, so that each is good on every node and only once: kept with
 * SET NX EX, burnt with GETDEL, which of two who come at once serves one.
 */

#include "redis_link.h"
#include "ticket.h"

/* The answer comes within this, or NULL. */
#define TICKETS_MS 1800

/* -1: Redis is away, no answer follows. */
int tickets_keep(struct redis_link *link, struct view prefix,
    struct view ticket, const struct token_bearer *bearer,
    redis_answer_fn *answer, void *arg);
bool tickets_was_kept(const struct redis_value *answer);

int tickets_burn(struct redis_link *link, struct view prefix,
    struct view ticket, redis_answer_fn *answer, void *arg);
/* TOKEN_ACCEPTED, and *bearer_r is filled; TOKEN_TICKET: there was none;
 * TOKEN_UNAVAILABLE: Redis did not say. */
enum token_verdict tickets_read(
    const struct redis_value *answer, struct token_bearer *bearer_r);

#endif
