/* SPDX-License-Identifier: MIT */
#include "source_scene.h"

static void
kill_client(struct scene *scene, const char *name)
{
	redisReply *list = redis_fixture_ask(&scene->redis, "CLIENT LIST");
	char pattern[64];
	char *line;
	char *id;

	snprintf(pattern, sizeof(pattern), " name=%s ", name);
	line = strstr(list->str, pattern);
	assert_non_null(line);
	while (line > list->str && line[-1] != '\n')
		line--;
	id = strstr(line, "id=") + 3;
	redis_fixture_run(&scene->redis, "CLIENT KILL ID %d", atoi(id));
	freeReplyObject(list);
}

static void
a_killed_redis_comes_back_without_a_gap(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	source_hub_ops.follow(scene->source, 2, view_of("absent"));
	scene_until(scene, &scene->hub.streams[2].opened, 1);
	assert_int_equal(stat_get(&scene->stats, redis_up), 1);
	redis_fixture_kill(&scene->redis);
	scene_until(scene, &scene->downs, 1);
	assert_int_equal(stat_get(&scene->stats, redis_up), 0);
	assert_string_equal(source_wakeup(scene->source), "down");
	assert_string_equal(scene->reason, "closed");
	assert_int_equal(scene->hub.downs, 1);
	/* Followed while it is away: opened when it is back. */
	source_hub_ops.follow(scene->source, 3, view_of("late"));
	redis_fixture_again(&scene->redis);
	redis_fixture_run(&scene->redis, "XADD s 6-0 event x");
	scene_until(scene, &told->entries, 1);
	scene_until(scene, &scene->hub.streams[3].opened, 1);
	assert_int_equal(scene->ups, 2);
	assert_int_equal(scene->hub.ups, 2);
	assert_int_equal(stat_get(&scene->stats, redis_up), 1);
	assert_int_equal(told->opened, 2);
	scene_settle(scene);
	redis_fixture_run(&scene->redis, "XADD s 7-0 event x");
	redis_fixture_run(&scene->redis, "XADD absent 1-0 event x");
	scene_until(scene, &scene->hub.entries, 3);
	assert_int_equal(scene->hub.gaps, 0);
	scene_close(scene);
}

/* Every one of them, also when others were left in between. */
static void
what_is_still_followed_is_read_again(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	struct scene *scene = *state;

	scene_open(scene);
	for (uint64_t i = 1; i <= 5; i++)
		scene_follow(scene, i, names[i - 1]);
	source_hub_ops.unfollow(scene->source, 1);
	source_hub_ops.unfollow(scene->source, 3);
	redis_fixture_kill(&scene->redis);
	scene_until(scene, &scene->downs, 1);
	redis_fixture_again(&scene->redis);
	redis_fixture_run(&scene->redis, "XADD b * event x");
	redis_fixture_run(&scene->redis, "XADD d * event x");
	redis_fixture_run(&scene->redis, "XADD e * event x");
	scene_until(scene, &scene->hub.streams[2].entries, 1);
	scene_until(scene, &scene->hub.streams[4].entries, 1);
	scene_until(scene, &scene->hub.streams[5].entries, 1);
	scene_settle(scene);
	uint64_t empty = stat_get(&scene->stats, source_empty_reads);
	source_read_mark_all(scene->source, false);
	scene_settle(scene);
	assert_true(stat_get(&scene->stats, source_empty_reads) > empty);
	scene_close(scene);
}

static void
a_redis_that_forgot_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);
	char command[128];

	redis_fixture_kill(&scene->redis);
	scene_until(scene, &scene->downs, 1);
	snprintf(command, sizeof(command), "rm -r %s/appendonlydir",
	    scene->redis.dir);
	assert_int_equal(system(command), 0);
	redis_fixture_again(&scene->redis);
	redis_fixture_run(&scene->redis, "XADD s 1-0 event x");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_REWOUND);
	scene_close(scene);
}

static void
loss_of_either_link_closes_both(void **state)
{
	static const char *const names[] = { "relay-push", "relay-read" };
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);
	redisReply *list;

	for (unsigned i = 0; i < 2; i++) {
		kill_client(scene, names[i]);
		/* Lost between the two: nobody is told of it. */
		redis_fixture_run(&scene->redis, "XADD s * event x");
		scene_until(scene, &scene->downs, i + 1);
		scene_until(scene, &scene->ups, i + 2);
		scene_until(scene, &told->entries, 2 * i + 1);
		redis_fixture_run(&scene->redis, "XADD s * event x");
		scene_until(scene, &told->entries, 2 * i + 2);
	}
	assert_int_equal(told->gaps, 0);
	list = redis_fixture_ask(&scene->redis, "CLIENT LIST");
	for (unsigned i = 0; i < 2; i++) { /* none is left over */
		char *first = strstr(list->str, names[i]);

		assert_non_null(first);
		assert_null(strstr(first + 1, names[i]));
	}
	freeReplyObject(list);
	scene_close(scene);
}

static void
without_rearming_it_goes_deaf(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;

	options.safeguard_rearm = false;
	redis_fixture_run(&scene->redis, "XADD s 1-0 event x");
	scene_open_with(scene, &options);
	scene_follow(scene, 1, "s");
	kill_client(scene, "relay-read");
	scene_until(scene, &scene->ups, 2);
	scene_settle(scene);
	redis_fixture_run(&scene->redis, "XADD s 2-0 event x");
	scene_settle(scene);
	assert_int_equal(scene->hub.entries, 0);
	scene_close(scene);
}

/* As if a push were lost: tracking ends and nobody says so. */
static void
make_deaf(struct scene *scene)
{
	const struct view off[3] = { view_of("CLIENT"), view_of("TRACKING"),
		view_of("OFF") };

	redis_link_command(scene->source->read, off, 3, 0, NULL, NULL);
	while (redis_link_pending(scene->source->read) > 0)
		uv_run(&scene->loop, UV_RUN_ONCE);
}

static void
the_sweep_finds_what_no_push_told(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;

	options.sweep_ms = 200;
	scene_open_with(scene, &options);
	scene_follow(scene, 1, "s");
	scene_follow(scene, 2, "t");
	make_deaf(scene);
	redis_fixture_run(&scene->redis, "XADD s * event x");
	redis_fixture_run(&scene->redis, "XADD t * event x");
	scene_until(scene, &scene->hub.entries, 2);
	redis_fixture_run(&scene->redis, "DEL s");
	scene_until(scene, &scene->hub.gaps, 1);
	scene_close(scene);
}

/* A stream that brought news is read once more a second later. */
static void
a_push_lost_behind_news_is_made_up_for(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);
	uint64_t since_ns;

	redis_fixture_run(&scene->redis, "XADD s * event x");
	scene_until(scene, &told->entries, 1);
	make_deaf(scene);
	redis_fixture_run(&scene->redis, "XADD s * event x");
	since_ns = uv_hrtime();
	scene_until(scene, &told->entries, 2);
	assert_true(uv_hrtime() - since_ns < 5000000000);
	scene_close(scene);
}

static void
without_the_sweep_it_stays_deaf(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;

	options.sweep_ms = 50;
	options.safeguard_sweep = false;
	scene_open_with(scene, &options);
	scene_follow(scene, 1, "s");
	make_deaf(scene);
	redis_fixture_run(&scene->redis, "XADD s * event x");
	scene_run_for_ms(scene, 300);
	assert_int_equal(scene->hub.entries, 0);
	scene_close(scene);
}

static void
a_demoted_master_is_left(void **state)
{
	struct scene *scene = *state;

	scene_open_five(scene);
	redis_fixture_run(&scene->redis, "REPLICAOF 127.0.0.1 1");
	scene_until(scene, &scene->downs, 1);
	assert_string_equal(scene->reason, "readonly");
	redis_fixture_run(&scene->redis, "REPLICAOF NO ONE");
	scene_until(scene, &scene->ups, 2);
	scene_close(scene);
}

static void
a_redis_that_is_absent_is_told_once(void **state)
{
	struct scene *scene = *state;

	redis_fixture_kill(&scene->redis);
	scene_prepare(scene, &scene_options);
	source_start(scene->source);
	scene_until(scene, &scene->downs, 1);
	assert_string_equal(scene->reason, "refused");
	assert_int_equal(
	    scene->hub.downs, 1); /* who asks now, asks too early */
	scene_run_for_ms(scene, 400);
	assert_int_equal(scene->downs, 1);
	redis_fixture_again(&scene->redis);
	scene_until(scene, &scene->ups, 1);
	scene_close(scene);
}

static void
it_may_be_freed_in_every_state(void **state)
{
	struct scene *scene = *state;

	for (unsigned turns = 0; turns < 30; turns++) {
		scene_prepare(scene, &scene_options);
		source_start(scene->source);
		source_hub_ops.follow(scene->source, 1, view_of("s"));
		for (unsigned i = 0; i < turns; i++)
			uv_run(&scene->loop, UV_RUN_NOWAIT);
		if (turns % 2 == 1)
			source_hub_ops.fetch(
			    scene->source, 1, 1, ENTRY_ID_ZERO, 0, 1000);
		scene_close(scene);
	}
}

static void
poll_as(struct scene *scene, const char *rules)
{
	struct told *told = &scene->hub.streams[1];

	redis_fixture_run(&scene->redis,
	    "ACL SETUSER default resetpass "
	    "nopass on ~* &* +@all");
	redis_fixture_run(&scene->redis, "ACL SETUSER weak reset");
	redis_fixture_run(&scene->redis, "ACL SETUSER weak on >pw ~* &* +@all");
	redis_fixture_run(&scene->redis, "ACL SETUSER weak %s", rules);
	scene_prepare(scene, &scene_options);
	scene->target.user = strdup("weak");
	scene->target.password = strdup("pw");
	source_start(scene->source);
	scene_until(scene, &scene->ups, 1);
	assert_string_equal(source_wakeup(scene->source), "poll");
	scene_follow(scene, 1, "s");
	redis_fixture_run(&scene->redis, "XADD s 5-0 event x");
	scene_until(scene, &told->entries, 1);
	redis_fixture_run(&scene->redis, "DEL s");
	scene_until(scene, &told->gaps, 1);
	redis_fixture_run(&scene->redis, "XADD s 1-0 event x");
	scene_until(scene, &told->entries, 2);
	assert_int_equal(told->gaps, 1);
	scene_close(scene);
	redis_fixture_run(&scene->redis, "DEL s");
}

static void
where_tracking_is_refused_it_polls(void **state)
{
	struct scene *scene = *state;

	poll_as(scene, "-client|tracking");
	poll_as(scene, "-client|id");
	poll_as(scene, "-info");
	poll_as(scene, "resetchannels");
}

static void
tracking_may_be_switched_off(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;

	options.tracking = false;
	scene_open_with(scene, &options);
	assert_string_equal(source_wakeup(scene->source), "poll");
	scene_follow(scene, 1, "s");
	redis_fixture_run(&scene->redis, "XADD s * event x");
	scene_until(scene, &scene->hub.entries, 1);
	scene_close(scene);
}

static void
who_may_not_read_is_told_so(void **state)
{
	struct scene *scene = *state;

	redis_fixture_run(&scene->redis, "ACL SETUSER weak reset");
	redis_fixture_run(
	    &scene->redis, "ACL SETUSER weak on >pw ~* &* +@all -xinfo");
	scene_prepare(scene, &scene_options);
	scene->target.user = strdup("weak");
	scene->target.password = strdup("pw");
	source_start(scene->source);
	scene_until(scene, &scene->ups, 1);
	source_hub_ops.follow(scene->source, 1, view_of("s"));
	scene_until(scene, &scene->downs, 1);
	assert_string_equal(scene->reason, "noperm");
	scene_close(scene);
}

static void
an_overflowing_table_is_answered_by_broadcast(void **state)
{
	struct scene *scene = *state;
	struct source_options options = scene_options;
	unsigned is_broadcast = 0;
	char key[32];

	options.broadcast_prefix = view_of("relay:");
	redis_fixture_run(
	    &scene->redis, "CONFIG SET tracking-table-max-keys 5");
	scene_open_with(scene, &options);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "relay:%u", i);
		source_hub_ops.follow(scene->source, i, view_of(key));
	}
	while (!is_broadcast) {
		scene_run_for_ms(scene, 100);
		is_broadcast =
		    strcmp(source_wakeup(scene->source), "broadcast") == 0;
	}
	scene_settle(scene);
	for (unsigned i = 0; i < 300; i++)
		redis_fixture_run(
		    &scene->redis, "XADD relay:%d * event x", (int)i);
	scene_until(scene, &scene->hub.entries, 300);
	redis_fixture_run(&scene->redis, "DEL relay:7");
	scene_until(scene, &scene->hub.gaps, 1);
	redis_fixture_run(
	    &scene->redis, "CONFIG SET tracking-table-max-keys 1000000");
	scene_close(scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(a_killed_redis_comes_back_without_a_gap),
		scene_test(what_is_still_followed_is_read_again),
		scene_test(a_redis_that_forgot_is_told),
		scene_test(loss_of_either_link_closes_both),
		scene_test(without_rearming_it_goes_deaf),
		scene_test(the_sweep_finds_what_no_push_told),
		scene_test(a_push_lost_behind_news_is_made_up_for),
		scene_test(without_the_sweep_it_stays_deaf),
		scene_test(a_demoted_master_is_left),
		scene_test(a_redis_that_is_absent_is_told_once),
		scene_test(it_may_be_freed_in_every_state),
		scene_test(where_tracking_is_refused_it_polls),
		scene_test(tracking_may_be_switched_off),
		scene_test(who_may_not_read_is_told_so),
		scene_test(an_overflowing_table_is_answered_by_broadcast),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
