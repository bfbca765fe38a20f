/* SPDX-License-Identifier: MIT */
#include "turn.h"

#include "xmalloc.h"

#include <stdlib.h>
#include <uv.h>

/* A prepare or check handle does the work. An active idle handle makes the
 * loop poll without waiting: without it, work asked for behind its phase would
 * wait for the next event from outside. */
struct turn {
	enum turn_phase phase;
	uv_check_t check;
	uv_prepare_t prepare;
	uv_idle_t awake;
	unsigned open_handles;
	turn_fn *run;
	void *arg;
};

static void
run(struct turn *turn)
{
	turn_cancel(turn);
	turn->run(turn->arg);
}

static void
on_check(uv_check_t *check)
{
	run(check->data);
}

static void
on_prepare(uv_prepare_t *prepare)
{
	run(prepare->data);
}

static void
on_awake(uv_idle_t *idle)
{
	(void)idle; /* being active is its whole purpose */
}

struct turn *
turn_new(
    struct uv_loop_s *loop, enum turn_phase phase, turn_fn *run_fn, void *arg)
{
	struct turn *turn = xcalloc(1, sizeof(*turn));

	turn->phase = phase;
	turn->run = run_fn;
	turn->arg = arg;
	uv_check_init(loop, &turn->check);
	uv_prepare_init(loop, &turn->prepare);
	uv_idle_init(loop, &turn->awake);
	turn->check.data = turn;
	turn->prepare.data = turn;
	turn->awake.data = turn;
	turn->open_handles = 3;
	return turn;
}

void
turn_want(struct turn *turn)
{
	if (turn->phase == TURN_AFTER_POLL)
		uv_check_start(&turn->check, on_check);
	else
		uv_prepare_start(&turn->prepare, on_prepare);
	uv_idle_start(&turn->awake, on_awake);
}

void
turn_cancel(struct turn *turn)
{
	uv_check_stop(&turn->check);
	uv_prepare_stop(&turn->prepare);
	uv_idle_stop(&turn->awake);
}

static void
on_closed(uv_handle_t *handle)
{
	struct turn *turn = handle->data;

	if (--turn->open_handles == 0)
		free(turn);
}

void
turn_free(struct turn **turn_p)
{
	struct turn *turn = *turn_p;

	if (turn == NULL)
		return;
	*turn_p = NULL;
	uv_close((uv_handle_t *)&turn->check, on_closed);
	uv_close((uv_handle_t *)&turn->prepare, on_closed);
	uv_close((uv_handle_t *)&turn->awake, on_closed);
}
