/* SPDX-License-Identifier: MIT */
#include "due.h"

#include "xmalloc.h"

#include <stdlib.h>

void
due_heap_fini(struct due_heap *heap)
{
	free(heap->items);
	*heap = (struct due_heap){ 0 };
}

static void
put(struct due_heap *heap, size_t place, struct due *due)
{
	heap->items[place - 1] = due;
	due->place = place;
}

static uint64_t
time_at(const struct due_heap *heap, size_t place)
{
	return heap->items[place - 1]->at_ms;
}

/* Moves it from the hole at `place` to where it belongs. */
static void
settle(struct due_heap *heap, size_t place, struct due *due)
{
	while (place > 1 && time_at(heap, place / 2) > due->at_ms) {
		put(heap, place, heap->items[place / 2 - 1]);
		place /= 2;
	}
	for (size_t child; (child = 2 * place) <= heap->count; place = child) {
		if (child < heap->count &&
		    time_at(heap, child + 1) < time_at(heap, child))
			child++;
		if (time_at(heap, child) >= due->at_ms)
			break;
		put(heap, place, heap->items[child - 1]);
	}
	put(heap, place, due);
}

void
due_set(struct due_heap *heap, struct due *due, uint64_t at_ms)
{
	due->at_ms = at_ms;
	if (due->place == 0) {
		if (heap->count == heap->capacity) {
			heap->capacity = heap->capacity * 2 + 16;
			heap->items = xrealloc(
			    heap->items, heap->capacity * sizeof(*heap->items));
		}
		due->place = ++heap->count;
		heap->items[due->place - 1] = due;
	}
	settle(heap, due->place, due);
}

void
due_remove(struct due_heap *heap, struct due *due)
{
	size_t place = due->place;
	if (place == 0)
		return;
	struct due *last = heap->items[--heap->count];
	due->place = 0;
	if (last != due)
		settle(heap, place, last);
}

struct due *
due_first(const struct due_heap *heap, uint64_t now_ms)
{
	if (heap->count == 0 || heap->items[0]->at_ms > now_ms)
		return NULL;
	return heap->items[0];
}
