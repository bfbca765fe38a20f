/* SPDX-License-Identifier: MIT */
#include "source_scene.h"

static void
trimmed_past_the_position(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "for i = 6, 20 do redis.call('XADD', KEYS[1], i .. '-0', 'event', "
	    "i) end redis.call('XTRIM', KEYS[1], 'MAXLEN', 3)");
	scene_until(scene, &told->entries, 3);
	assert_int_equal(told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_TRIMMED);
	assert_id(told->gap.after, 5, 0);
	assert_id(told->gap.through, 17, UINT64_MAX);
	assert_true(told->gap.resumes_known);
	assert_id(told->gap.resumes_at, 18, 0);
	assert_id(told->first, 18, 0);
	redis_fixture_run(&scene->redis, "XADD s 21-0 event x");
	scene_until(scene, &told->entries, 4);
	assert_int_equal(told->gaps, 1);
	scene_close(scene);
}

static void
deleted_at_the_position(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "redis.call('XDEL', KEYS[1], '5-0') "
	    "redis.call('XADD', KEYS[1], '7-0', 'event', 'x')");
	scene_until(scene, &told->entries, 1);
	assert_int_equal(told->gap.reason, GAP_DELETED);
	assert_id(told->gap.through, 6, UINT64_MAX);
	assert_id(told->first, 7, 0);
	scene_close(scene);
}

static void
deleting_the_last_entry_loses_nothing(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "XDEL s 5-0");
	redis_fixture_run(&scene->redis, "XDEL s 2-0");
	redis_fixture_run(&scene->redis, "XTRIM s MAXLEN 0");
	scene_settle(scene);
	assert_int_equal(told->gaps, 0);
	assert_int_equal(told->feeds, 0);
	scene_close(scene);
}

static void
trimmed_to_nothing_is_told_at_once(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "redis.call('XADD', KEYS[1], '9-0', 'event', 'x') "
	    "redis.call('XTRIM', KEYS[1], 'MAXLEN', 0)");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_TRIMMED);
	assert_false(told->gap.resumes_known);
	assert_id(told->through, 9, 0);
	scene_close(scene);
}

static void
a_first_event_already_trimmed_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	scene_open(scene);
	scene_follow(scene, 1, "s");
	scene_script(scene,
	    "for i = 1, 9 do redis.call('XADD', KEYS[1], 'MAXLEN', 2, "
	    "i .. '-0', 'event', i) end");
	scene_until(scene, &told->entries, 2);
	assert_int_equal(told->gap.reason, GAP_TRIMMED);
	assert_id(told->gap.after, 0, 0);
	assert_id(told->first, 8, 0);
	scene_close(scene);
}

static void
recreated_with_higher_ids(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "redis.call('DEL', KEYS[1]) "
	    "redis.call('XADD', KEYS[1], '6-0', 'event', 'x')");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_RECREATED);
	assert_id(told->gap.after, 5, 0);
	assert_id(told->gap.through, 0, 0);
	assert_id(told->gap.resumes_at, 6, 0);
	assert_id(told->through, 6, 0); /* the feed goes on from the tail */
	assert_int_equal(told->entries, 0);
	redis_fixture_run(&scene->redis, "XADD s 7-0 event x");
	scene_until(scene, &told->entries, 1);
	assert_int_equal(told->gaps, 1);
	scene_close(scene);
}

static void
rewound_to_lower_ids(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "redis.call('DEL', KEYS[1]) "
	    "redis.call('XADD', KEYS[1], '2-0', 'event', 'x')");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_REWOUND);
	assert_id(told->through, 2, 0);
	redis_fixture_run(&scene->redis, "XADD s 3-0 event x");
	scene_until(scene, &told->entries, 1);
	assert_int_equal(told->gaps, 1);
	scene_close(scene);
}

static void
rewound_and_grown_past_the_position(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "redis.call('DEL', KEYS[1]) "
	    "redis.call('XADD', KEYS[1], '2-0', 'event', 'x') "
	    "redis.call('XADD', KEYS[1], '8-0', 'event', 'x')");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_REWOUND);
	assert_id(told->through, 8, 0);
	scene_close(scene);
}

static void
deleted_while_idle_is_told_at_once(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "DEL s");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_RECREATED);
	assert_false(told->gap.resumes_known);
	assert_id(told->through, 0, 0);
	redis_fixture_run(&scene->redis, "XADD s 1-0 event again");
	scene_until(scene, &told->entries, 1);
	assert_int_equal(told->gaps, 1);
	assert_string_equal(told->event, "again");
	scene_close(scene);
}

static void
an_expired_stream_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "PEXPIRE s 20");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_RECREATED);
	scene_close(scene);
}

static void
deleted_right_after_an_event_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "XADD s 6-0 event x");
	scene_until(scene, &told->entries, 1);
	redis_fixture_run(&scene->redis, "DEL s"); /* within the 20 ms */
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_RECREATED);
	assert_id(told->gap.after, 6, 0);
	scene_close(scene);
}

static void
flushall_is_told_to_every_stream(void **state)
{
	struct scene *scene = *state;

	redis_fixture_run(&scene->redis, "XADD t 1-0 event x");
	scene_open_five(scene);
	scene_follow(scene, 2, "t");
	scene_follow(scene, 3, "never");
	redis_fixture_run(&scene->redis, "FLUSHALL");
	scene_until(scene, &scene->hub.gaps, 2);
	scene_settle(scene);
	assert_int_equal(scene->hub.streams[1].gaps, 1);
	assert_int_equal(scene->hub.streams[2].gaps, 1);
	assert_int_equal(scene->hub.streams[3].gaps, 0);
	scene_close(scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(trimmed_past_the_position),
		scene_test(deleted_at_the_position),
		scene_test(deleting_the_last_entry_loses_nothing),
		scene_test(trimmed_to_nothing_is_told_at_once),
		scene_test(a_first_event_already_trimmed_is_told),
		scene_test(recreated_with_higher_ids),
		scene_test(rewound_to_lower_ids),
		scene_test(rewound_and_grown_past_the_position),
		scene_test(deleted_while_idle_is_told_at_once),
		scene_test(an_expired_stream_is_told),
		scene_test(deleted_right_after_an_event_is_told),
		scene_test(flushall_is_told_to_every_stream),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
