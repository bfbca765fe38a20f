/* SPDX-License-Identifier: MIT */
#ifndef MEMORY_GUARD_H
#define MEMORY_GUARD_H

/*
 * Looks every now and then how much memory is left and tells the workers, who
 * then take nobody new (503), and if that is not enough, keep less in memory
 * for clients that lag. Nobody is dropped. When most of a crowd has left, what
 * it took is given back to the kernel. Belongs to the main thread's loop.
 */

struct uv_loop_s;
struct memory_guard;
struct worker_shared;

/* Before the sandbox, since it opens files. `shared` is borrowed. */
struct memory_guard *memory_guard_new(
    struct uv_loop_s *loop, struct worker_shared *shared);
/* NULL is fine. The memory goes when libuv has closed the timer. */
void memory_guard_free(struct memory_guard **guard);

#endif
