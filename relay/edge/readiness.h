/* SPDX-License-Identifier: MIT */
#ifndef READINESS_H
#define READINESS_H

/*
 * Is this worker ready? Asked by GET /ready: an entry with a nonce is written
 * to the canary stream and must come back through the ordinary read loop. One
 * probe at a time, its result is shared for a second, so that a flood of
 * questions costs Redis nothing. One per worker, on its loop.
 */

#include "error.h"
#include "view.h"

#include <stdbool.h>
#include <stdint.h>

struct uv_loop_s;
struct readiness;

enum component {
	COMPONENT_READY,
	COMPONENT_DEGRADED,
	COMPONENT_FAILED,
	COMPONENT_DISABLED
};

struct readiness_result {
	bool is_known; /* false: no probe has ended yet */
	bool is_ready;
	enum component redis;    /* the entry was taken */
	enum component events;   /* the entry came back */
	enum component commands; /* the connection for commands is in force */
	uint64_t latency_us;     /* of the round trip; 0 when it failed */
	uint64_t at_ms;          /* clock_mono_ms() */
};

/* Sends the nonce to the canary stream; then readiness_stored() must be
 * called. -1: Redis is away, no call follows. */
typedef int readiness_send_fn(void *arg, struct view nonce);
/* Whoever asked is named by a number, since it may be gone by then. */
typedef void readiness_answer_fn(
    void *arg, uint64_t id, const struct readiness_result *result);

/* `name` begins every nonce: unique over nodes and workers. */
struct readiness *readiness_new(struct uv_loop_s *loop, const char *name,
    readiness_send_fn *send, void *arg);
/* Nobody is answered any more. The memory goes when libuv has closed the
 * handle. */
void readiness_free(struct readiness **readiness);

/* Answers at once when the last result is fresh, else within two seconds. Who
 * asks beyond the bound on waiting questions gets the last result. */
void readiness_ask(struct readiness *readiness, readiness_answer_fn *answer,
    void *arg, uint64_t id);
/* The canary was stored or refused. */
void readiness_stored(struct readiness *readiness, bool was_stored);
/* An entry of the canary stream was read: whose nonce it is, is found here. */
void readiness_seen(struct readiness *readiness, struct view nonce);

const struct readiness_result *readiness_last(
    const struct readiness *readiness);
const char *component_name(enum component component);

#endif
