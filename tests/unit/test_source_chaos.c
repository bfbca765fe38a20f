/* SPDX-License-Identifier: MIT */
#include "source_scene.h"

/*
 * Writers that never stop, connections that are cut at random, Redis killed in
 * between: whatever was written is fed once, in order, without a gap. The seed
 * is fixed, the interleaving is not.
 */

#define STREAMS 40

static unsigned
dice(unsigned sides)
{
	return (unsigned)rand() % sides;
}

static void
cut_a_connection(struct scene *scene)
{
	struct redis_link *links[3] = { scene->source->read,
		scene->source->push, scene->source->window };
	static const char *const names[3] = { "relay-read", "relay-push",
		"relay-window" };
	unsigned which = dice(3);
	redisReply *list;
	char *name;

	if (dice(2) == 0) { /* we hang up … */
		redis_link_reset(links[which], "closed");
		return;
	}
	list = redis_fixture_ask(&scene->redis, "CLIENT LIST");
	name = strstr(list->str, names[which]);
	while (name != NULL && name > list->str && name[-1] != '\n')
		name--;
	if (name != NULL) /* … or Redis does */
		freeReplyObject(redis_fixture_ask(
		    &scene->redis, "CLIENT KILL ID %d", atoi(name + 3)));
	freeReplyObject(list);
}

static void
restart(struct scene *scene)
{
	redis_fixture_kill(&scene->redis);
	for (unsigned i = dice(5); i > 0; i--)
		uv_run(&scene->loop, UV_RUN_ONCE);
	redis_fixture_again(&scene->redis);
}

static void
write_some(struct scene *scene, unsigned written[STREAMS])
{
	for (unsigned i = dice(8); i > 0; i--) {
		unsigned id = dice(STREAMS);

		redis_fixture_run(&scene->redis, "XADD s%d * event %d", (int)id,
		    (int)written[id]++);
	}
}

static void
everything_arrives_once(void **state)
{
	struct scene *scene = *state;
	unsigned written[STREAMS] = { 0 };
	char key[16];

	srand(7);
	scene_open(scene);
	for (unsigned i = 0; i < STREAMS; i++) {
		snprintf(key, sizeof(key), "s%u", i);
		source_hub_ops.follow(scene->source, i, view_of(key));
	}
	scene_until(scene, &scene->hub.opened, STREAMS);
	for (unsigned step = 0; step < 1200; step++) {
		write_some(scene, written);
		if (dice(100) == 0)
			cut_a_connection(scene);
		if (dice(500) == 0)
			restart(scene);
		if (!source_is_up(scene->source) && dice(20) == 0)
			scene_until(scene, &scene->ups, scene->ups + 1);
		for (unsigned i = dice(4); i > 0; i--)
			uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	for (unsigned i = 0; i < STREAMS; i++) {
		struct told *told = &scene->hub.streams[i];

		scene_until(scene, &told->entries, written[i]);
		assert_int_equal(told->entries, written[i]);
		assert_int_equal(atoi(told->event), written[i] - 1);
		assert_int_equal(told->gaps, 0);
	}
	assert_true(scene->ups > 2);
	scene_close(scene);
}

/* Pushes and reads race on two sockets; no news may wait for the sweep. */
static void
no_push_is_overtaken_for_good(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;
	unsigned written[STREAMS] = { 0 };
	char key[16];

	srand(8);
	options.safeguard_sweep = false;
	scene_open_with(scene, &options);
	for (unsigned i = 0; i < STREAMS; i++) {
		snprintf(key, sizeof(key), "s%u", i);
		source_hub_ops.follow(scene->source, i, view_of(key));
	}
	scene_until(scene, &scene->hub.opened, STREAMS);
	for (unsigned step = 0; step < 4000; step++) {
		write_some(scene, written);
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		scene_until(scene, &scene->hub.streams[i].entries, written[i]);
	assert_int_equal(scene->hub.gaps, 0);
	scene_close(scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(everything_arrives_once),
		scene_test(no_push_is_overtaken_for_good),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
