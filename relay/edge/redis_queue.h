/* SPDX-License-Identifier: MIT */
#ifndef REDIS_QUEUE_H
#define REDIS_QUEUE_H

/*
 * Commands under way on one connection, oldest first: who gets the answer and
 * when it is late. Embedded in redis_link, which alone uses it.
 */

#include "redis_link.h"

struct redis_waiter {
	redis_answer_fn *answer; /* NULL: nobody wants to know */
	void *arg;
	uint64_t deadline_ms; /* moved while bytes come … */
	uint64_t hard_ms;     /* … but never beyond this */
	uint64_t sent_us;
};

struct redis_queue {
	struct redis_waiter *ring;
	size_t head, count, capacity;
};

void redis_queue_fini(struct redis_queue *queue);
void redis_queue_push(
    struct redis_queue *queue, const struct redis_waiter *waiter);
/* Only when count > 0. */
struct redis_waiter redis_queue_pop(struct redis_queue *queue);
/* Empties the queue first, then answers each with NULL; they may push anew. */
void redis_queue_answer_lost(struct redis_queue *queue);

/* When this one is late. The default deadline counts from the last sign of
 * life (alive_until_ms), so that a big answer over a slow line gets through;
 * where hard_ms equals deadline_ms it is kept to the millisecond. */
uint64_t redis_waiter_due_ms(
    const struct redis_waiter *waiter, uint64_t alive_until_ms);
/* The earliest of all, UINT64_MAX when empty. O(n): ask when a timer fires. */
uint64_t redis_queue_due_ms(
    const struct redis_queue *queue, uint64_t alive_until_ms);

#endif
