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
	/* Of several fields of the same name the first counts. */
	redis_fixture_run(&scene->redis,
	    "XADD s 3-7 event hello producer p command 5-6 traceparent t "
	    "event two producer other command 7-8 traceparent longer");
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

/* More slots than one reply may have, where as many of the entries before were
 * a small part of that. */
static void
entries_of_many_fields_hold_up_nobody(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	scene_script(scene,
	    "local t = {} "
	    "for i = 1, 300 do t[i] = 'f' end "
	    "for i = 1, 4096 do "
	    "redis.call('XADD', KEYS[1], i + 5 .. '-0', unpack(t)) end");
	scene_until(scene, &told->entries, 4096);
	assert_id(told->first, 6, 0);
	assert_id(told->last, 4101, 0);
	assert_int_equal(told->gaps, 0);
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
run_for_ms(struct scene *scene, uint64_t ms)
{
	uint64_t end = uv_hrtime() + ms * 1000000;

	while (uv_hrtime() < end)
		uv_run(&scene->loop, UV_RUN_NOWAIT);
}

/* From now on until the next tick a read begins a pause of a second. */
static void
be_busy(struct source_pace *pace)
{
	source_pace_set(pace, 1000000);
	for (unsigned i = 0; i < 1000000; i++)
		source_pace_news(pace);
	source_pace_tick(pace);
}

static void
when_busy_pushes_are_heard_behind_the_pause(void **state)
{
	struct scene *scene = *state;
	struct told *told = &scene->hub.streams[1];
	struct source_pace *pace;

	scene_open(scene);
	scene_follow(scene, 1, "s");
	scene_settle(scene);
	pace = scene->source->pace;
	be_busy(pace);
	redis_fixture_run(&scene->redis, "XADD s 1-0 event first");
	scene_until(scene, &told->entries, 1);
	assert_false(source_pace_may_go(pace));
	redis_fixture_run(&scene->redis, "XADD s 2-0 event second");
	run_for_ms(scene, 100);
	assert_null(
	    source_table_first(&scene->source->table, SOURCE_QUEUE_READ));
	assert_int_equal(told->entries, 1);
	scene_until(scene, &told->entries, 2);
	/* It is quiet again, and nothing is left of the pause. */
	redis_fixture_run(&scene->redis, "XADD s 3-0 event third");
	scene_until(scene, &told->entries, 3);
	assert_true(source_pace_may_go(pace));
	scene_close(scene);
}

/* More than may be under way at once: the rest follows what was answered, and
 * waits for no pause. */
static void
a_pause_begins_when_all_has_been_asked_for(void **state)
{
	struct scene *scene = *state;
	const unsigned streams = 2400;
	unsigned *entries = &scene->hub.entries;
	struct source *source;
	char key[16];

	scene_open(scene);
	source = scene->source;
	for (unsigned i = 1; i <= streams; i++) {
		snprintf(key, sizeof(key), "s%u", i);
		source_hub_ops.follow(source, i, view_of(key));
	}
	scene_until(scene, &scene->hub.opened, streams);
	scene_settle(scene);
	redis_link_hold(source->push, true);
	redis_fixture_run(&scene->redis, "EVAL %s 0",
	    "for i=1,2400 do redis.call('XADD','s'..i,'1-0','event','x') end");
	run_for_ms(scene, 20);
	uv_timer_stop(&source->tick); /* no sweep, and it stays busy */
	be_busy(source->pace);
	for (unsigned i = 0; i < 50; i++)
		redis_link_hear(source->push);
	while (*entries < streams) {
		scene_until(scene, entries, *entries + 1);
		assert_true(source_pace_may_go(source->pace) ||
		    source_table_first(&source->table, SOURCE_QUEUE_READ) ==
			NULL);
	}
	assert_false(source_pace_may_go(source->pace));
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
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "SET s x");
	scene_until(scene, &told->opened, 2);
	assert_true(told->info.wrong_type);
	redis_fixture_run(&scene->redis, "SET s y");
	scene_settle(scene);
	assert_int_equal(told->opened, 2); /* said once */
	assert_int_equal(scene->downs, 0);
	scene_close(scene);
}

/* Whoever comes when the key is a stream again begins in a new one. */
static void
a_stream_behind_another_type_begins_where_it_is_opened(void **state)
{
	struct scene *scene = *state;
	struct told *told = scene_open_five(scene);

	redis_fixture_run(&scene->redis, "SET s x");
	scene_until(scene, &told->opened, 2);
	scene_script(scene,
	    "redis.call('DEL', KEYS[1]) "
	    "redis.call('XADD', KEYS[1], '7-0', 'event', 'x')");
	source_hub_ops.inspect(scene->source, 1);
	scene_until(scene, &told->opened, 3);
	scene_settle(scene);
	assert_id(told->info.newest, 7, 0);
	told->through = told->info.newest;
	redis_fixture_run(&scene->redis, "XADD s 8-0 event x");
	scene_until(scene, &told->entries, 1);
	assert_id(told->last, 8, 0);
	assert_int_equal(told->gaps, 0);
	scene_close(scene);
}

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
	struct told *told = scene_open_five(scene);
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
	scene_script(scene,
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
		scene_test(entries_of_many_fields_hold_up_nobody),
		scene_test(a_hot_stream_starves_nobody),
		scene_test(ten_thousand_streams_come_and_go),
		scene_test(a_stream_may_go_while_it_is_read),
		scene_test(when_busy_pushes_are_heard_behind_the_pause),
		scene_test(a_pause_begins_when_all_has_been_asked_for),
		scene_test(inspect_looks_again),
		scene_test(another_type_at_the_opening),
		scene_test(another_type_later),
		scene_test(
		    a_stream_behind_another_type_begins_where_it_is_opened),
		scene_test(redis_sees_one_read_for_each_news),
		scene_test(a_watch_sees_entries_without_the_hub),
	};

	if (!redis_fixture_available()) {
		fprintf(stderr, "no redis-server here: skipped\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, scene_setup, scene_teardown);
}
