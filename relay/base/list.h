/* SPDX-License-Identifier: MIT */
#ifndef LIST_H
#define LIST_H

/*
 * Doubly linked lists whose links live inside the listed structs. A link that
 * is in no list points to itself, so leaving twice is harmless.
 */

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *prev;
	struct list *next;
};

/* The struct around a link. */
#define list_entry(link, type, member) \
	((type *)(void *)((char *)(link)-offsetof(type, member)))

/* Safe when the body takes `at` (but not its successor) out of the list. */
#define list_foreach(at, head)                                      \
	for (struct list *at = (head)->next, *at##_next = at->next; \
	     at != (head); at = at##_next, at##_next = at->next)

static inline void
list_init(struct list *list)
{
	list->prev = list;
	list->next = list;
}

static inline bool
list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void
list_add_tail(struct list *list, struct list *link)
{
	link->prev = list->prev;
	link->next = list;
	list->prev->next = link;
	list->prev = link;
}

static inline void
list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

#endif
