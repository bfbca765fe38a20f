/* SPDX-License-Identifier: MIT */
#ifndef THROTTLE_H
#define THROTTLE_H

/*
 * Lets a few lines a minute of each kind through and counts the rest, so that a
 * bad client cannot fill the disk. Pure: the time is a parameter. Kinds beyond
 * the table's size share its last place.
 */

#include <stdbool.h>
#include <stdint.h>

#define THROTTLE_KINDS     64
#define THROTTLE_LINES     3
#define THROTTLE_WINDOW_MS 60000

/* The names are borrowed for ever: string literals. */
struct throttle_kind {
	const char *component;
	const char *action;
	uint64_t since_ms; /* when its window began */
	unsigned passed;
	uint64_t held; /* lines not written in this window */
};

/* Embedded in its owner; all zero is the beginning. `lines` may change at any
 * time. */
struct throttle {
	unsigned lines; /* per minute and kind; 0: THROTTLE_LINES */
	struct throttle_kind kinds[THROTTLE_KINDS];
	unsigned count;
};

/* May a line of this kind be written now? Take throttle_due first. */
bool throttle_admit(struct throttle *throttle, const char *component,
    const char *action, uint64_t now_ms);

/* Takes out one kind that held lines back and whose window is over; false when
 * there is none. */
bool throttle_due(
    struct throttle *throttle, uint64_t now_ms, struct throttle_kind *due_r);

#endif
