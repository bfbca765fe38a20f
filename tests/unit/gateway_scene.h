/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_SCENE_H
#define GATEWAY_SCENE_H

/*
 * The stage for tests of the gateway: a gateway on a loop and clients with real
 * sockets, all in one thread. What a client sends is small, and the loop is
 * turned until what is waited for is there.
 */

#include "buf.h"
#include "gateway.h"
#include "stats.h"

#include <uv.h>

struct scene {
	uv_loop_t loop;
	struct gateway *gateway;
	struct gateway_address address;
	struct stats stats;
	/* What on_request does, and what it saw. */
	enum { ANSWER, KEEP, TAKE } reaction;
	struct view answer;
	int admission;
	unsigned requests;
	char method[16];
	uint64_t exchange_id;
	int taken;
};

#define GET "GET /path?q=1 HTTP/1.1\r\nHost: here\r\n\r\n"

/* Deadlines that nobody meets. */
extern const struct gateway_options patient;

void open_scene(struct scene *scene, const struct gateway_options *options);
/* Nothing may be left: every handle closes, every byte is freed. */
void close_scene(struct scene *scene);

/* A connected client, or -1. */
int call(const struct scene *scene);
/* The same, and it has said something. */
int call_with(const struct scene *scene, const char *text);

/* True once the gateway's side has ended; *got_r collects what came. */
bool has_ended(int fd, struct buf *got, bool *was_reset_r);
/* All that comes until the end and a NUL; a reset counts as nothing. Closes. */
struct buf read_all(struct scene *scene, int fd);
void assert_answer(struct scene *scene, int fd, const char *begins);

void scene_give_up(uv_timer_t *timer);

/* Turns the loop until the condition holds. */
#define WAIT_FOR(scene, condition)                                  \
	do {                                                        \
		uv_timer_t give_up_;                                \
		uv_timer_init(&(scene)->loop, &give_up_);           \
		uv_timer_start(&give_up_, scene_give_up, 20000, 0); \
		while (!(condition))                                \
			uv_run(&(scene)->loop, UV_RUN_ONCE);        \
		uv_close((uv_handle_t *)&give_up_, NULL);           \
		uv_run(&(scene)->loop, UV_RUN_NOWAIT);              \
	} while (0)

#endif
