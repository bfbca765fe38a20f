/* SPDX-License-Identifier: MIT */
#include "readiness.h"

#include <uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct scene {
	uv_loop_t loop;
	struct readiness *readiness;
	bool is_away;
	unsigned sent;
	char nonce[96];
	unsigned answers;
	uint64_t last_id;
	struct readiness_result result;
};

static int
send_canary(void *arg, struct view nonce)
{
	struct scene *scene = arg;
	if (scene->is_away)
		return -1;
	scene->sent++;
	snprintf(scene->nonce, sizeof(scene->nonce), "%.*s", (int)nonce.len,
	    nonce.data);
	return 0;
}

static void
take_answer(void *arg, uint64_t id, const struct readiness_result *result)
{
	struct scene *scene = arg;
	scene->answers++;
	scene->last_id = id;
	scene->result = *result;
}

static int
set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));
	uv_loop_init(&scene->loop);
	scene->readiness =
	    readiness_new(&scene->loop, "node-0", send_canary, scene);
	*state = scene;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *scene = *state;
	readiness_free(&scene->readiness);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
	free(scene);
	return 0;
}

static void
ask(struct scene *scene, uint64_t id)
{
	readiness_ask(scene->readiness, take_answer, scene, id);
}

static void
ready_needs_the_canary_stored_and_seen(void **state)
{
	struct scene *scene = *state;
	ask(scene, 7);
	assert_int_equal(scene->sent, 1);
	readiness_stored(scene->readiness, true);
	assert_int_equal(scene->answers, 0);
	readiness_seen(scene->readiness, view_of("node-1-1"));
	assert_int_equal(scene->answers, 0);
	readiness_seen(scene->readiness, view_of(scene->nonce));
	assert_int_equal(scene->answers, 1);
	assert_int_equal(scene->last_id, 7);
	assert_true(scene->result.is_ready);
}

static void
it_may_be_seen_before_its_answer_comes(void **state)
{
	struct scene *scene = *state;
	ask(scene, 1);
	readiness_seen(scene->readiness, view_of(scene->nonce));
	assert_int_equal(scene->answers, 0);
	readiness_stored(scene->readiness, true);
	assert_true(scene->result.is_ready);
}

static void
one_probe_serves_all_who_ask_and_is_shared_for_a_while(void **state)
{
	struct scene *scene = *state;
	ask(scene, 1);
	ask(scene, 2);
	readiness_seen(scene->readiness, view_of(scene->nonce));
	readiness_stored(scene->readiness, true);
	assert_int_equal(scene->answers, 2);
	ask(scene, 3);
	assert_int_equal(scene->answers, 3);
	assert_int_equal(scene->sent, 1);
}

static void
redis_away_is_said_at_once(void **state)
{
	struct scene *scene = *state;
	scene->is_away = true;
	ask(scene, 1);
	assert_int_equal(scene->answers, 1);
	assert_false(scene->result.is_ready);
	assert_int_equal(scene->result.redis, COMPONENT_FAILED);
}

static void
a_canary_that_is_refused_is_not_ready(void **state)
{
	struct scene *scene = *state;
	ask(scene, 1);
	readiness_stored(scene->readiness, false);
	assert_int_equal(scene->answers, 1);
	assert_false(scene->result.is_ready);
}

static void
a_read_loop_that_is_stuck_is_not_ready(void **state)
{
	struct scene *scene = *state;
	ask(scene, 1);
	readiness_stored(scene->readiness, true);
	uv_run(&scene->loop, UV_RUN_DEFAULT); /* until the deadline */
	assert_int_equal(scene->answers, 1);
	assert_false(scene->result.is_ready);
	assert_int_equal(scene->result.redis, COMPONENT_READY);
	assert_int_equal(scene->result.events, COMPONENT_FAILED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define SCENE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		SCENE(ready_needs_the_canary_stored_and_seen),
		SCENE(it_may_be_seen_before_its_answer_comes),
		SCENE(one_probe_serves_all_who_ask_and_is_shared_for_a_while),
		SCENE(redis_away_is_said_at_once),
		SCENE(a_canary_that_is_refused_is_not_ready),
		SCENE(a_read_loop_that_is_stuck_is_not_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
