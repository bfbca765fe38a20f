/* SPDX-License-Identifier: MIT */
#ifndef TURN_H
#define TURN_H

/*
 * Something to be done once in this turn of a libuv loop, for whatever number
 * of times it was asked for: what several callbacks have collected goes out in
 * one go. Asked for at any point of the turn, the loop does not sleep before
 * it is done.
 */

struct uv_loop_s;
struct turn;

enum turn_phase {
	TURN_AFTER_POLL, /* behind the callbacks of all descriptors */
	TURN_BEFORE_POLL /* last thing before the loop sleeps */
};

typedef void turn_fn(void *arg);

struct turn *turn_new(
    struct uv_loop_s *loop, enum turn_phase phase, turn_fn *run, void *arg);
void turn_want(struct turn *turn);
void turn_cancel(struct turn *turn);
/* Not run any more. The memory goes when libuv has closed the handles. */
void turn_free(struct turn **turn);

#endif
