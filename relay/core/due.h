/* SPDX-License-Identifier: MIT */
#ifndef DUE_H
#define DUE_H

/*
 * Times at which something is due, the earliest first: a binary heap of entries
 * that are embedded in what they belong to. Adding, moving and removing cost
 * O(log n). For times that have no order of their own; where all wait equally
 * long a list is enough.
 */

#include <stddef.h>
#include <stdint.h>

struct due {
	uint64_t at_ms;
	size_t place; /* in the heap, from 1; 0: in none */
};

/* Embedded in its owner; all zero is empty. Entries are borrowed. */
struct due_heap {
	struct due **items;
	size_t count;
	size_t capacity;
};

void due_heap_fini(struct due_heap *heap);
/* Puts it in, or moves it. */
void due_set(struct due_heap *heap, struct due *due, uint64_t at_ms);
/* Does nothing when it is not in. */
void due_remove(struct due_heap *heap, struct due *due);
/* The earliest when its time has come, else NULL. It stays in. */
struct due *due_first(const struct due_heap *heap, uint64_t now_ms);

#endif
