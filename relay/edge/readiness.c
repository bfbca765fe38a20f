/* SPDX-License-Identifier: MIT */
#include "readiness.h"

#include "clock.h"
#include "xmalloc.h"

#include <uv.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_MS 2000
#define FRESH_MS    1000
#define WAITING_MAX 1024
#define MAGIC       0x52454144u

struct question {
	readiness_answer_fn *answer;
	void *arg;
	uint64_t id;
};

struct readiness {
	uint32_t magic;
	uv_timer_t deadline;
	readiness_send_fn *send;
	void *arg;
	char name[64];
	char nonce[96];
	uint64_t count;
	uint64_t sent_us;
	bool is_probing;
	bool is_stored;
	bool is_seen;
	struct readiness_result last;
	struct question waiting[WAITING_MAX];
	size_t waiting_count;
};

const char *
component_name(enum component component)
{
	switch (component) {
	case COMPONENT_READY:
		return "ready";
	case COMPONENT_DEGRADED:
		return "degraded";
	case COMPONENT_FAILED:
		return "failed";
	case COMPONENT_DISABLED:
		return "disabled";
	}
	return "failed";
}

struct readiness *
readiness_new(
    uv_loop_t *loop, const char *name, readiness_send_fn *send, void *arg)
{
	struct readiness *readiness = xcalloc(1, sizeof(*readiness));
	readiness->magic = MAGIC;
	readiness->send = send;
	readiness->arg = arg;
	snprintf(readiness->name, sizeof(readiness->name), "%s", name);
	uv_timer_init(loop, &readiness->deadline);
	readiness->deadline.data = readiness;
	return readiness;
}

static void
on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

void
readiness_free(struct readiness **readiness)
{
	if (!*readiness)
		return;
	(*readiness)->magic = 0;
	uv_close((uv_handle_t *)&(*readiness)->deadline, on_closed);
	*readiness = NULL;
}

static void
finish(struct readiness *readiness)
{
	bool is_ready = readiness->is_stored && readiness->is_seen;
	struct readiness_result *last = &readiness->last;
	uv_timer_stop(&readiness->deadline);
	readiness->is_probing = false;
	*last = (struct readiness_result){
		.is_known = true,
		.is_ready = is_ready,
		.redis =
		    readiness->is_stored ? COMPONENT_READY : COMPONENT_FAILED,
		.events =
		    readiness->is_seen ? COMPONENT_READY : COMPONENT_FAILED,
		.commands =
		    readiness->is_stored ? COMPONENT_READY : COMPONENT_FAILED,
		.latency_us =
		    is_ready ? clock_mono_us() - readiness->sent_us : 0,
		.at_ms = clock_mono_ms(),
	};
	/* A question asked from an answer is answered at once: it is fresh. */
	size_t count = readiness->waiting_count;
	readiness->waiting_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct question question = readiness->waiting[i];
		question.answer(question.arg, question.id, last);
	}
}

static void
on_deadline(uv_timer_t *timer)
{
	struct readiness *readiness = timer->data;
	assert(readiness->magic == MAGIC);
	finish(readiness);
}

static void
begin(struct readiness *readiness)
{
	snprintf(readiness->nonce, sizeof(readiness->nonce), "%s-%" PRIu64,
	    readiness->name, ++readiness->count);
	readiness->is_probing = true;
	readiness->is_stored = false;
	readiness->is_seen = false;
	readiness->sent_us = clock_mono_us();
	uv_update_time(readiness->deadline.loop);
	uv_timer_start(&readiness->deadline, on_deadline, DEADLINE_MS, 0);
	if (readiness->send(readiness->arg, view_of(readiness->nonce)) == -1)
		finish(readiness);
}

void
readiness_ask(struct readiness *readiness, readiness_answer_fn *answer,
    void *arg, uint64_t id)
{
	const struct readiness_result *last = &readiness->last;
	bool is_fresh =
	    last->is_known && clock_mono_ms() - last->at_ms < FRESH_MS;
	if (is_fresh || readiness->waiting_count == WAITING_MAX) {
		answer(arg, id, last);
		return;
	}
	readiness->waiting[readiness->waiting_count++] =
	    (struct question){ .answer = answer, .arg = arg, .id = id };
	if (!readiness->is_probing)
		begin(readiness);
}

void
readiness_stored(struct readiness *readiness, bool was_stored)
{
	if (!readiness->is_probing)
		return;
	readiness->is_stored = was_stored;
	if (!was_stored || readiness->is_seen)
		finish(readiness);
}

void
readiness_seen(struct readiness *readiness, struct view nonce)
{
	if (!readiness->is_probing || !view_is(nonce, readiness->nonce))
		return;
	readiness->is_seen = true;
	if (readiness->is_stored)
		finish(readiness);
}

const struct readiness_result *
readiness_last(const struct readiness *readiness)
{
	return &readiness->last;
}
