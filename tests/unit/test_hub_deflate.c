/* SPDX-License-Identifier: MIT */

/* The compressed twins of blocks: made once, for those who negotiated it, and
 * for nobody else. */

#include "hub_parts.h"
#include "hub_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define CROWD 6

static const struct start LIVE = { .kind = START_LIVE };
static const struct start BEGINNING = { .kind = START_AFTER };

struct scene {
	struct world world;
	struct model_stream *stream;
	struct listener crowd[CROWD];
	uint64_t ms;
};

static int
set_up(void **state)
{
	struct scene *s = test_calloc(1, sizeof(*s));
	world_init(&s->world, NULL);
	s->stream = world_stream(&s->world, "key");
	for (size_t i = 0; i < CROWD; i++)
		listener_init(&s->crowd[i], &s->world);
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;
	for (size_t i = 0; i < CROWD; i++)
		listener_fini(&s->crowd[i]);
	world_fini(&s->world);
	test_free(s);
	return 0;
}

static void
add(struct scene *s, size_t count, size_t padding)
{
	for (size_t i = 0; i < count; i++)
		model_add(s->stream, ++s->ms, 'a', padding, ENTRY_ID_ZERO);
}

static void
subscribe(struct scene *s, size_t index, unsigned bits, struct start start)
{
	struct listener *listener = &s->crowd[index];
	listener->deflate_bits = bits;
	listener_subscribe(listener, s->stream, 0, start, false, false);
}

static void
settle(struct scene *s)
{
	world_settle(&s->world);
	hub_check(s->world.hub);
}

static uint64_t
compressed(struct scene *s)
{
	return stat_get(&s->world.stats, frames_deflated);
}

static void
nobody_pays_who_did_not_negotiate(void **state)
{
	struct scene *s = *state;
	struct hub_figures figures;
	for (size_t i = 0; i < CROWD; i++)
		subscribe(s, i, 0, LIVE);
	settle(s);
	s->crowd[0].room = 1;
	add(s, 1, 100);
	settle(s);
	add(s, 3, 100);
	settle(s);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(compressed(s), 0);
	assert_int_equal(figures.blocks, 1);
	for (size_t form = 0; form < FORM_COUNT; form++)
		assert_null(s->world.hub->deflaters[form]);
}

static void
an_event_is_compressed_once_for_all(void **state)
{
	struct scene *s = *state;
	for (size_t i = 0; i < CROWD; i++)
		subscribe(s, i, i < 4 ? 12 + (unsigned)i : 0, LIVE);
	settle(s);
	for (size_t burst = 1; burst <= 4; burst++) {
		add(s, burst, 70);
		settle(s);
	}
	assert_int_equal(compressed(s), 10);
	for (size_t i = 0; i < CROWD; i++) {
		assert_int_equal(s->crowd[i].events, 10);
		assert_int_equal(s->crowd[i].deflated, i < 4 ? 10 : 0);
		assert_int_equal(s->crowd[i].writes, 4);
	}
	assert_int_equal(s->crowd[0].write_bytes, s->crowd[3].write_bytes);
	assert_true(s->crowd[0].write_bytes < s->crowd[4].write_bytes / 2);
	assert_int_equal(s->crowd[4].write_bytes, s->crowd[5].write_bytes);
}

static void
a_small_window_has_a_twin_of_its_own(void **state)
{
	struct scene *s = *state;
	struct hub_figures figures;
	for (unsigned i = 0; i < CROWD; i++)
		subscribe(s, i, 9 + i, LIVE);
	settle(s);
	s->crowd[0].room = 1;
	add(s, 5, 100);
	settle(s);
	assert_int_equal(compressed(s), 10);
	for (size_t i = 1; i < CROWD; i++)
		assert_int_equal(s->crowd[i].deflated, 5);
	add(s, 1, 0);
	settle(s);
	/* One is full: its block stays, with both twins. */
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.blocks, 3);
	assert_int_equal(figures.block_bytes, s->world.hub->pool.bytes);
	listener_read(&s->crowd[0], -1);
	settle(s);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.blocks, 0);
	assert_int_equal(figures.block_bytes, 0);
}

static void
who_comes_later_takes_the_same_twin(void **state)
{
	struct scene *s = *state;
	subscribe(s, 0, 0, LIVE);
	settle(s);
	s->crowd[0].room = 1;
	add(s, 1, 100);
	settle(s);
	add(s, 3, 100);
	settle(s);
	/* In the middle of the chain that the full one keeps. */
	subscribe(
	    s, 1, 15, (struct start){ .kind = START_AFTER, .after = { 2, 0 } });
	settle(s);
	assert_string_equal(
	    listener_log(&s->crowd[1]), "open 3-0 4-0 live:4-0/2");
	assert_int_equal(s->crowd[1].deflated, 2);
	uint64_t before = compressed(s);
	subscribe(
	    s, 2, 12, (struct start){ .kind = START_AFTER, .after = { 3, 0 } });
	settle(s);
	assert_int_equal(s->crowd[2].deflated, 1);
	assert_int_equal(compressed(s), before);
}

static void
those_behind_share_the_twin_of_their_window(void **state)
{
	struct scene *s = *state;
	subscribe(s, 5, 0, LIVE);
	settle(s);
	add(s, 40, 100);
	settle(s);
	for (size_t i = 0; i < 4; i++)
		subscribe(s, i, i % 2 ? 15 : 0, BEGINNING);
	settle(s);
	assert_true(stat_get(&s->world.stats, windows_read) > 1);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(s->crowd[i].events, 40);
		assert_int_equal(s->crowd[i].deflated, i % 2 ? 40 : 0);
	}
	assert_int_equal(compressed(s), 40);
}

static void
a_large_event_has_a_large_twin(void **state)
{
	struct scene *s = *state;
	subscribe(s, 0, 15, LIVE);
	subscribe(s, 1, 0, LIVE);
	settle(s);
	add(s, 1, 300000);
	add(s, 1, 10);
	settle(s);
	assert_int_equal(s->crowd[0].events, 2);
	assert_int_equal(s->crowd[1].events, 2);
	assert_true(s->crowd[0].write_bytes < 20000);
	assert_true(s->crowd[1].write_bytes > 300000);
}

/* What nobody can have compressed is sent as it is, between others. */
static void
short_and_long_frames_follow_each_other(void **state)
{
	struct scene *s = *state;
	subscribe(s, 0, 15, LIVE);
	settle(s);
	add(s, 1, 0);
	add(s, 1, 200);
	add(s, 1, 0);
	settle(s);
	assert_string_equal(
	    listener_log(&s->crowd[0]), "open live:0-0/0 1-0 2-0 3-0");
	assert_int_equal(s->crowd[0].writes, 1);
	assert_int_equal(s->crowd[0].deflated, 1);
}

/* Memory is short: twins go before anybody falls behind, and are made again for
 * who still needs them. */
static void
twins_go_first(void **state)
{
	struct scene *s = *state;
	struct hub_figures figures;
	subscribe(s, 0, 15, LIVE);
	settle(s);
	s->world.hub->options.total_bytes = 100000;
	s->crowd[0].room = 1;
	add(s, 1, 100);
	settle(s);
	add(s, 2, 100);
	settle(s);
	subscribe(
	    s, 1, 9, (struct start){ .kind = START_AFTER, .after = { 1, 0 } });
	settle(s);
	assert_int_equal(s->crowd[1].deflated, 2);
	hub_figures(s->world.hub, &figures);
	assert_int_equal(figures.blocks, 1);
	assert_int_equal(figures.behind, 0);
	listener_read(&s->crowd[0], -1);
	settle(s);
	assert_int_equal(s->crowd[0].deflated, 3);
	assert_int_equal(s->crowd[0].events, 3);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(nobody_pays_who_did_not_negotiate),
		CASE(an_event_is_compressed_once_for_all),
		CASE(a_small_window_has_a_twin_of_its_own),
		CASE(who_comes_later_takes_the_same_twin),
		CASE(those_behind_share_the_twin_of_their_window),
		CASE(twins_go_first),
		CASE(a_large_event_has_a_large_twin),
		CASE(short_and_long_frames_follow_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
