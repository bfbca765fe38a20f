/* SPDX-License-Identifier: MIT */
#include "source_scene.h"

/* --- news --- */

static void
live_news_are_fed_with_their_fields(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	redis_fixture_run(&scene->redis, "XADD s 1-0 event old");
	redis_fixture_run(&scene->redis, "XADD s 2-0 event old");
	scene_open(scene);
	scene_follow(scene, 1, "s");
	assert_int_equal(told->opened, 1);
	assert_true(told->info.exists);
	assert_id(told->info.oldest, 1, 0);
	assert_id(told->info.newest, 2, 0);
	assert_true(told->info.redis_now_ms > 1600000000000);
	redis_fixture_run(&scene->redis,
	    "XADD s 3-7 event hello producer p command 5-6 traceparent t");
	scene_until(scene, &told->entries, 1);
	assert_id(told->last, 3, 7);
	assert_string_equal(told->event, "hello");
	assert_string_equal(told->producer, "p");
	assert_true(told->entry.has_event);
	assert_id(told->entry.command, 5, 6);
	assert_int_equal(told->entry.traceparent.len, 1);
	redis_fixture_run(&scene->redis, "XADD s 4-0 other x command 5");
	scene_until(scene, &told->entries, 2);
	assert_false(told->entry.has_event);
	assert_id(told->entry.command, 0, 0);
	assert_int_equal(told->gaps, 0);
	assert_int_equal(scene->news, 2);
	scene_close(scene);
}

static void
an_absent_key_is_followed_into_being(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	scene_open(scene);
	scene_follow(scene, 1, "s");
	assert_false(told->info.exists);
	assert_id(told->info.newest, 0, 0);
	redis_fixture_run(&scene->redis, "XADD s * event first");
	scene_until(scene, &told->entries, 1);
	redis_fixture_run(&scene->redis, "XADD s * event second");
	scene_until(scene, &told->entries, 2);
	assert_string_equal(told->event, "second");
	assert_int_equal(told->gaps, 0);
	scene_close(scene);
}

static void
many_news_come_in_one_order(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	scene_open(scene);
	scene_follow(scene, 1, "s");
	for (unsigned i = 0; i < 3000; i++) {
		redis_fixture_run(&scene->redis, "XADD s * event %d", i);
		uv_run(&scene->loop, UV_RUN_NOWAIT);
	}
	scene_until(scene, &told->entries, 3000);
	assert_string_equal(told->event, "2999");
	assert_int_equal(told->gaps, 0);
	scene_close(scene);
}

static void
a_backlog_larger_than_one_read_is_complete(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	scene_open(scene);
	scene_follow(scene, 1, "s");
	redis_fixture_run(&scene->redis, "EVAL %s 1 s",
	    "for i = 1, 20000 do redis.call('XADD', KEYS[1], '*', "
	    "'event', string.rep('x', i % 700)) end");
	scene_until(scene, &told->entries, 20000);
	assert_int_equal(told->gaps, 0);
	assert_true(told->feeds > 5);
	scene_close(scene);
}

static void
a_huge_entry_holds_up_nobody(void **state)
{
	struct scene *scene = *state;
	char *huge = malloc(10 * 1024 * 1024);

	memset(huge, 'x', 10 * 1024 * 1024);
	scene_open(scene);
	scene_follow(scene, 1, "s");
	scene_follow(scene, 2, "other");
	redis_fixture_run(
	    &scene->redis, "XADD s * event %b", huge, (size_t)10 * 1024 * 1024);
	redis_fixture_run(&scene->redis, "XADD other * event x");
	redis_fixture_run(&scene->redis, "XADD s * event small");
	scene_until(scene, &scene->hub.entries, 3);
	assert_string_equal(scene->hub.streams[1].event, "small");
	free(huge);
	scene_close(scene);
}

static void
a_hot_stream_starves_nobody(void **state)
{
	struct scene *scene = *state;
	struct told *hot = &scene->hub.streams[1];
	struct told *cold = &scene->hub.streams[2];

	scene_open(scene);
	scene_follow(scene, 1, "hot");
	scene_follow(scene, 2, "cold");
	redis_fixture_run(&scene->redis, "EVAL %s 2 hot cold",
	    "for i = 1, 100000 do redis.call('XADD', KEYS[1], '*', "
	    "'event', string.rep('x', 100)) end "
	    "redis.call('XADD', KEYS[2], '*', 'event', 'x')");
	scene_until(scene, &cold->entries, 1);
	assert_true(hot->entries < 10000);
	scene_until(scene, &hot->entries, 100000);
	assert_int_equal(hot->gaps, 0);
	scene_close(scene);
}

static void
ten_thousand_streams_come_and_go(void **state)
{
	struct scene *scene = *state;
	char key[32];

	scene_open(scene);
	for (unsigned i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "s%u", i);
		source_hub_ops.follow(scene->source, i, view_of(key));
	}
	scene_until(scene, &scene->hub.opened, 10000);
	scene_settle(scene);
	redis_fixture_run(&scene->redis, "EVAL %s 0",
	    "for i = 0, 9999 do redis.call('XADD', 's' .. i, '*', "
	    "'event', i) end");
	scene_until(scene, &scene->hub.entries, 10000);
	for (unsigned i = 0; i < 10000; i++)
		assert_int_equal(scene->hub.streams[i].entries, 1);
	scene_settle(scene);
	for (unsigned i = 0; i < 10000; i++)
		source_hub_ops.unfollow(scene->source, i);
	assert_int_equal(scene->source->table.count, 0);
	redis_fixture_run(&scene->redis, "XADD s1 * event unheard");
	scene_settle(scene);
	assert_int_equal(scene->hub.entries, 10000);
	assert_string_equal(source_wakeup(scene->source), "tracking");
	scene_close(scene);
}

static void
a_stream_may_go_while_it_is_read(void **state)
{
	struct scene *scene = *state;

	scene_open(scene);
	for (unsigned turns = 0; turns < 8; turns++) {
		source_hub_ops.follow(scene->source, 1, view_of("s"));
		for (unsigned i = 0; i < turns; i++)
			uv_run(&scene->loop, UV_RUN_NOWAIT);
		source_hub_ops.unfollow(scene->source, 1);
		source_hub_ops.unfollow(scene->source, 1);
		/* … and come back before the answer. */
		source_hub_ops.follow(scene->source, 2, view_of("s"));
		source_hub_ops.unfollow(scene->source, 2);
	}
	scene_settle(scene);
	assert_int_equal(scene->source->table.count, 0);
	assert_int_equal(scene->source->in_flight, 0);
	scene_close(scene);
}

static void
inspect_looks_again(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];

	scene_open(scene);
	scene_follow(scene, 1, "s");
	redis_fixture_run(&scene->redis, "XADD s 5-0 event x");
	scene_until(scene, &told->entries, 1);
	source_hub_ops.inspect(scene->source, 1);
	scene_until(scene, &told->opened, 2);
	assert_id(told->info.oldest, 5, 0);
	assert_id(told->info.newest, 5, 0);
	source_hub_ops.inspect(scene->source, 99); /* nobody */
	scene_close(scene);
}

/* --- what was lost is told --- */

/* A stream of 1-0 … 5-0 that is followed from 5-0. */
static struct told *
open_five(struct scene *scene)
{
	for (int i = 1; i <= 5; i++)
		redis_fixture_run(&scene->redis, "XADD s %d-0 event %d", i, i);
	scene_open(scene);
	scene_follow(scene, 1, "s");
	return &scene->hub.streams[1];
}

static void
in_one_step(struct scene *scene, const char *script)
{
	redis_fixture_run(&scene->redis, "EVAL %s 1 s", script);
}

static void
trimmed_past_the_position(void **state)
{
	struct scene *scene = *state;
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	struct told *told = open_five(scene);

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
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	in_one_step(scene,
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
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	struct told *told = open_five(scene);

	in_one_step(scene,
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
	struct told *told = open_five(scene);

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
	struct told *told = open_five(scene);

	redis_fixture_run(&scene->redis, "PEXPIRE s 20");
	scene_until(scene, &told->gaps, 1);
	assert_int_equal(told->gap.reason, GAP_RECREATED);
	scene_close(scene);
}

static void
deleted_right_after_an_event_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = open_five(scene);

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
	open_five(scene);
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

/* --- other types --- */

static void
another_type_at_the_opening(void **state)
{
	struct scene *scene = *state;

	redis_fixture_run(&scene->redis, "SET s x");
	scene_open(scene);
	scene_follow(scene, 1, "s");
	scene_follow(scene, 2, "fine");
	assert_true(scene->hub.streams[1].info.wrong_type);
	redis_fixture_run(&scene->redis, "XADD fine * event x");
	scene_until(scene, &scene->hub.entries, 1);
	assert_int_equal(scene->hub.streams[1].opened, 1);
	scene_close(scene);
}

static void
another_type_later(void **state)
{
	struct scene *scene = *state;
	struct told *told = open_five(scene);

	redis_fixture_run(&scene->redis, "SET s x");
	scene_until(scene, &told->opened, 2);
	assert_true(told->info.wrong_type);
	redis_fixture_run(&scene->redis, "SET s y");
	scene_settle(scene);
	assert_int_equal(told->opened, 2); /* said once */
	assert_int_equal(scene->downs, 0);
	scene_close(scene);
}

/* --- loss and return of Redis --- */

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
	struct told *told = open_five(scene);

	source_hub_ops.follow(scene->source, 2, view_of("absent"));
	scene_until(scene, &scene->hub.streams[2].opened, 1);
	redis_fixture_kill(&scene->redis);
	scene_until(scene, &scene->downs, 1);
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
	assert_int_equal(told->opened, 2);
	scene_settle(scene);
	redis_fixture_run(&scene->redis, "XADD s 7-0 event x");
	redis_fixture_run(&scene->redis, "XADD absent 1-0 event x");
	scene_until(scene, &scene->hub.entries, 3);
	assert_int_equal(scene->hub.gaps, 0);
	scene_close(scene);
}

static void
a_redis_that_forgot_is_told(void **state)
{
	struct scene *scene = *state;
	struct told *told = open_five(scene);
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
	struct told *told = open_five(scene);
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
	struct told *told = open_five(scene);
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
count_tick(uv_timer_t *timer)
{
	++*(unsigned *)timer->data;
}

static void
run_for_ms(struct scene *scene, uint64_t ms)
{
	unsigned fired = 0;
	uv_timer_t timer;

	uv_timer_init(&scene->loop, &timer);
	timer.data = &fired;
	uv_update_time(&scene->loop);
	uv_timer_start(&timer, count_tick, ms, 0);
	scene_until(scene, &fired, 1);
	uv_close((uv_handle_t *)&timer, NULL);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
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
	run_for_ms(scene, 300);
	assert_int_equal(scene->hub.entries, 0);
	scene_close(scene);
}

static void
a_demoted_master_is_left(void **state)
{
	struct scene *scene = *state;

	open_five(scene);
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
	assert_int_equal(scene->hub.downs, 0); /* it never was up */
	run_for_ms(scene, 400);
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

/* --- without tracking --- */

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
		run_for_ms(scene, 100);
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

/* --- what Redis sees --- */

struct seen {
	unsigned reads, others;
};

/* Reads the monitor's lines up to the marker. */
static struct seen
read_monitor(redisContext *monitor)
{
	struct seen seen = { 0 };
	redisReply *line = NULL;
	bool is_end = false;

	while (!is_end) {
		assert_int_equal(
		    redisGetReply(monitor, (void **)&line), REDIS_OK);
		is_end = strstr(line->str, "the-end") != NULL;
		assert_null(strstr(line->str, "\"$\""));
		if (strstr(line->str, "\"XREAD\"") != NULL)
			seen.reads++;
		else if (strstr(line->str, "\"ROLE\"") == NULL &&
		    strstr(line->str, "\"INFO\"") == NULL &&
		    strstr(line->str, "\"PING\"") == NULL &&
		    strstr(line->str, "\"by-test\"") == NULL && !is_end)
			seen.others++;
		freeReplyObject(line);
	}
	return seen;
}

static void
redis_sees_one_read_for_each_news(void **state)
{
	struct scene *scene = *state;
	struct told *told = open_five(scene);
	redisContext *monitor = redisConnectUnix(scene->redis.socket);
	struct seen seen;

	freeReplyObject(redisCommand(monitor, "MONITOR"));
	for (unsigned i = 0; i < 100; i++) {
		redis_fixture_run(&scene->redis, "XADD s * by-test x");
		scene_until(scene, &told->entries, i + 1);
		scene_settle(scene);
	}
	redis_fixture_run(&scene->redis, "ECHO the-end");
	seen = read_monitor(monitor);
	/* One each; a slow machine may need a second to confirm now and then. */
	assert_in_range(seen.reads, 100, 110);
	assert_int_equal(seen.others, 0);
	redisFree(monitor);
	scene_close(scene);
}

/* --- watches --- */

struct watcher {
	struct source_watch *watch;
	unsigned entries;
	char value[32];
	bool leaves;
};

static void
on_watched(void *arg, struct entry_id id, struct view value)
{
	struct watcher *watcher = arg;

	assert_true(id.ms > 0);
	watcher->entries++;
	keep_text(watcher->value, sizeof(watcher->value), value);
	if (watcher->leaves)
		source_watch_free(&watcher->watch);
}

static void
a_watch_sees_entries_without_the_hub(void **state)
{
	struct scene *scene = *state;
	struct watcher watcher = { 0 };

	scene_open(scene);
	watcher.watch = source_watch_new(
	    scene->source, view_of("canary"), on_watched, &watcher);
	scene_settle(scene);
	redis_fixture_run(&scene->redis, "XADD canary * nonce one");
	scene_until(scene, &watcher.entries, 1);
	assert_string_equal(watcher.value, "one");
	redis_fixture_kill(&scene->redis);
	redis_fixture_again(&scene->redis);
	redis_fixture_run(&scene->redis, "XADD canary * nonce two");
	scene_until(scene, &watcher.entries, 2);
	watcher.leaves = true;
	in_one_step(scene,
	    "redis.call('XADD', 'canary', '*', 'nonce', 'three') "
	    "redis.call('XADD', 'canary', '*', 'nonce', 'four')");
	scene_until(scene, &watcher.entries, 3);
	scene_settle(scene);
	assert_int_equal(watcher.entries, 3);
	/* Gone while its first answer is under way. */
	watcher.watch = source_watch_new(
	    scene->source, view_of("canary"), on_watched, &watcher);
	uv_run(&scene->loop, UV_RUN_NOWAIT);
	source_watch_free(&watcher.watch);
	scene_settle(scene);
	assert_int_equal(scene->hub.opened + scene->hub.feeds, 0);
	scene_close(scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		scene_test(live_news_are_fed_with_their_fields),
		scene_test(an_absent_key_is_followed_into_being),
		scene_test(many_news_come_in_one_order),
		scene_test(a_backlog_larger_than_one_read_is_complete),
		scene_test(a_huge_entry_holds_up_nobody),
		scene_test(a_hot_stream_starves_nobody),
		scene_test(ten_thousand_streams_come_and_go),
		scene_test(a_stream_may_go_while_it_is_read),
		scene_test(inspect_looks_again),
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
		scene_test(another_type_at_the_opening),
		scene_test(another_type_later),
		scene_test(a_killed_redis_comes_back_without_a_gap),
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
		scene_test(redis_sees_one_read_for_each_news),
		scene_test(a_watch_sees_entries_without_the_hub),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
