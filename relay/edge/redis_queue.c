/* SPDX-License-Identifier: MIT */
#include "redis_queue.h"

#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>

static struct redis_waiter *
waiter_at(const struct redis_queue *queue, size_t index)
{
	return &queue->ring[(queue->head + index) % queue->capacity];
}

void
redis_queue_fini(struct redis_queue *queue)
{
	free(queue->ring);
	memset(queue, 0, sizeof(*queue));
}

static void
grow(struct redis_queue *queue)
{
	size_t capacity = queue->capacity > 0 ? queue->capacity * 2 : 16;
	struct redis_waiter *ring = xmalloc(capacity * sizeof(*ring));

	for (size_t i = 0; i < queue->count; i++)
		ring[i] = *waiter_at(queue, i);
	free(queue->ring);
	queue->ring = ring;
	queue->head = 0;
	queue->capacity = capacity;
}

void
redis_queue_push(struct redis_queue *queue, const struct redis_waiter *waiter)
{
	if (queue->count == queue->capacity)
		grow(queue);
	*waiter_at(queue, queue->count++) = *waiter;
}

struct redis_waiter
redis_queue_pop(struct redis_queue *queue)
{
	struct redis_waiter waiter;

	assert(queue->count > 0);
	waiter = *waiter_at(queue, 0);
	queue->head = (queue->head + 1) % queue->capacity;
	queue->count--;
	return waiter;
}

void
redis_queue_answer_lost(struct redis_queue *queue)
{
	struct redis_queue lost = *queue;

	memset(queue, 0, sizeof(*queue));
	for (size_t i = 0; i < lost.count; i++) {
		const struct redis_waiter *waiter = waiter_at(&lost, i);

		if (waiter->answer != NULL)
			waiter->answer(waiter->arg, NULL);
	}
	redis_queue_fini(&lost);
}

uint64_t
redis_waiter_due_ms(const struct redis_waiter *waiter, uint64_t alive_until_ms)
{
	uint64_t due_ms = waiter->deadline_ms;

	if (alive_until_ms > due_ms)
		due_ms = alive_until_ms;
	return due_ms < waiter->hard_ms ? due_ms : waiter->hard_ms;
}

uint64_t
redis_queue_due_ms(const struct redis_queue *queue, uint64_t alive_until_ms)
{
	uint64_t earliest_ms = UINT64_MAX;

	for (size_t i = 0; i < queue->count; i++) {
		uint64_t due_ms =
		    redis_waiter_due_ms(waiter_at(queue, i), alive_until_ms);

		if (due_ms < earliest_ms)
			earliest_ms = due_ms;
	}
	return earliest_ms;
}
