/* SPDX-License-Identifier: MIT */

/* Straight writes, and the many who stand at the same place and get the same:
 * written to one by one, counted together. */

#include "hub_parts.h"
#include "hub_scene.h"
#include "quiet_subscriber.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct start LIVE = { .kind = START_LIVE };

struct straight {
	struct subscriber_ops ops;
	struct subscription *subscription;
	unsigned by_op;
	unsigned straight;
	enum hub_write answer;
	enum hub_write told;
	unsigned tellings;
};

static enum hub_write
write_straight(void *arg, struct view frames)
{
	struct straight *straight = arg;
	assert_true(frames.len > 0);
	straight->straight++;
	return straight->answer;
}

static enum hub_write
write_by_op(void *arg, struct view frames, size_t frame_count)
{
	struct straight *straight = arg;
	(void)frames;
	(void)frame_count;
	straight->by_op++;
	hub_write_straight(straight->subscription, write_straight, straight);
	return HUB_WRITE_OK;
}

static void
note_answer(void *arg, enum hub_write answer)
{
	struct straight *straight = arg;
	straight->told = answer;
	straight->tellings++;
}

static void
add_and_settle(struct scene *s, uint64_t ms)
{
	model_add_text(s->stream, ms, 'a', "{}");
	world_settle(&s->world);
}

static void
a_straight_write_passes_the_op_by_until_it_is_taken_back(void **state)
{
	struct scene *s = *state;
	struct straight one = { .ops = { .write = write_by_op,
				    .answered = note_answer,
				    .opened = quiet_opened,
				    .live = quiet_live } };
	one.subscription = hub_subscribe(s->world.hub, view_of("key"), 0, LIVE,
	    false, false, &one.ops, &one, 0);
	world_settle(&s->world);
	add_and_settle(s, 1);
	assert_int_equal(one.by_op, 1);
	add_and_settle(s, 2);
	assert_int_equal(one.straight, 1);
	assert_int_equal(one.tellings, 0);
	one.answer = HUB_WRITE_FULL;
	add_and_settle(s, 3);
	assert_int_equal(one.told, HUB_WRITE_FULL);
	add_and_settle(s, 4);
	assert_int_equal(one.straight, 2);
	one.answer = HUB_WRITE_OK;
	hub_resume(s->world.hub, one.subscription);
	world_settle(&s->world);
	assert_int_equal(one.straight, 3);
	hub_write_straight(one.subscription, NULL, NULL);
	add_and_settle(s, 5);
	assert_int_equal(one.by_op, 2);
	one.answer = HUB_WRITE_GONE;
	add_and_settle(s, 6);
	assert_int_equal(one.told, HUB_WRITE_GONE);
	assert_int_equal(one.tellings, 2);
	hub_unsubscribe(s->world.hub, &one.subscription);
}

#define CROWD 6

/* All at the tail, each has had the first event. */
static void
gather(struct scene *s, struct listener crowd[CROWD])
{
	for (size_t i = 0; i < CROWD; i++) {
		listener_init(&crowd[i], &s->world);
		crowd[i].is_straight = true;
		listener_subscribe(
		    &crowd[i], s->stream, 0, LIVE, i % 2 == 0, false);
	}
	world_settle(&s->world);
	scene_add(s->stream, 1, 1);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++)
		assert_string_equal(
		    listener_log(&crowd[i]), "open live:0-0/0 1-0");
}

static void
disperse(struct listener crowd[CROWD])
{
	for (size_t i = 0; i < CROWD; i++)
		listener_fini(&crowd[i]);
}

static void
a_crowd_gets_one_write_each_and_is_counted(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	scene_add(s->stream, 2, 4);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		assert_string_equal(listener_log(&crowd[i]), "2-0 3-0 4-0");
		assert_int_equal(crowd[i].straight_writes, 2);
		assert_int_equal(crowd[i].answers, 0);
	}
	assert_int_equal(stat_get(&s->world.stats, writes), 2 * CROWD);
	assert_int_equal(stat_get(&s->world.stats, frames_sent), 4 * CROWD);
	assert_int_equal(
	    stat_get(&s->world.stats, delivered_live[0]), 4 * CROWD);
	assert_int_equal(stat_get(&s->world.stats, bytes_sent),
	    crowd[0].write_bytes * CROWD);
	assert_int_equal(scene_figures(s).block_bytes, 0);
	disperse(crowd);
}

static void
one_of_a_crowd_who_is_full_waits_alone(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	crowd[2].room = 1;
	scene_add(s->stream, 2, 3);
	world_settle(&s->world);
	scene_add(s->stream, 4, 4);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++)
		assert_string_equal(listener_log(&crowd[i]),
		    i == 2 ? "2-0 3-0" : "2-0 3-0 4-0");
	assert_int_equal(crowd[2].answers, 1);
	assert_true(scene_figures(s).block_bytes > 0);
	listener_read(&crowd[2], -1);
	world_settle(&s->world);
	assert_string_equal(listener_log(&crowd[2]), "4-0");
	assert_int_equal(stat_get(&s->world.stats, frames_sent), 4 * CROWD);
	assert_int_equal(scene_figures(s).block_bytes, 0);
	disperse(crowd);
}

static void
one_of_a_crowd_who_is_gone_keeps_nobody_from_anything(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	crowd[0].is_gone = true;
	crowd[3].is_gone = true;
	scene_add(s->stream, 2, 3);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++)
		assert_string_equal(
		    listener_log(&crowd[i]), crowd[i].is_gone ? "" : "2-0 3-0");
	assert_int_equal(crowd[0].answers + crowd[3].answers, 2);
	assert_int_equal(
	    stat_get(&s->world.stats, frames_sent), 3 * CROWD - 2 * 2);
	assert_int_equal(scene_figures(s).block_bytes, 0);
	disperse(crowd);
}

/* What is compressed, what was compressed otherwise, and what is plain. */
static void
each_form_gets_its_own_bytes(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	const unsigned bits[CROWD] = { 0, 15, 9, 0, 15, 9 };
	for (size_t i = 0; i < CROWD; i++) {
		listener_init(&crowd[i], &s->world);
		crowd[i].is_straight = true;
		crowd[i].deflate_bits = bits[i];
		listener_subscribe(&crowd[i], s->stream, 0, LIVE, true, false);
	}
	world_settle(&s->world);
	for (uint64_t ms = 1; ms <= 3; ms++) {
		model_add_text(s->stream, ms, 'a',
		    "{\"text\":\"the same and the same and the same and the "
		    "same and the same and the same and the same\"}");
		world_settle(&s->world);
	}
	for (size_t i = 0; i < CROWD; i++) {
		assert_string_equal(
		    listener_log(&crowd[i]), "open live:0-0/0 1-0 2-0 3-0");
		assert_int_equal(crowd[i].straight_writes, 3);
		assert_int_equal(crowd[i].deflated, bits[i] > 0 ? 3 : 0);
	}
	disperse(crowd);
}

/* Its cursor is of another node, whose feed was faster. */
static void
who_is_ahead_of_the_feed_gets_nothing_twice(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	scene_add(s->stream, 2, 3);
	s->a.is_straight = true;
	scene_resume(s, &s->a, 3);
	scene_turn(s);
	assert_int_equal(crowd[0].events, 1);
	scene_add(s->stream, 4, 4);
	world_settle(&s->world);
	scene_add(s->stream, 5, 5);
	world_settle(&s->world);
	assert_string_equal(listener_log(&s->a), "open live:3-0/0 4-0 5-0");
	for (size_t i = 0; i < CROWD; i++)
		assert_string_equal(listener_log(&crowd[i]), "2-0 3-0 4-0 5-0");
	disperse(crowd);
}

static void
a_terminal_event_is_told_to_a_crowd(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	world_add(&s->world, s->stream, 't');
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++)
		assert_non_null(strstr(listener_log(&crowd[i]), "end:"));
	disperse(crowd);
}

/* He sits in the midst: those before him are counted, those behind go on. */
static void
one_of_a_crowd_who_wants_the_op_gets_the_same(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	hub_write_straight(crowd[2].subscription, NULL, NULL);
	scene_add(s->stream, 2, 3);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		assert_string_equal(listener_log(&crowd[i]), "2-0 3-0");
		assert_int_equal(crowd[i].straight_writes, i == 2 ? 1 : 2);
	}
	assert_int_equal(stat_get(&s->world.stats, frames_sent), 3 * CROWD);
	assert_int_equal(scene_figures(s).block_bytes, 0);
	disperse(crowd);
}

/* More than one write carries, and more than one block holds. */
static void
a_crowd_gets_what_is_too_much_for_one_write(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	for (uint64_t ms = 2; ms <= 5; ms++)
		model_add(s->stream, ms, 'a', 70000, ENTRY_ID_ZERO);
	while (world_feed(&s->world, s->stream))
		continue;
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++) {
		assert_string_equal(listener_log(&crowd[i]), "2-0 3-0 4-0 5-0");
		assert_int_equal(crowd[i].straight_writes, 1 + 4);
	}
	assert_int_equal(stat_get(&s->world.stats, frames_sent), 5 * CROWD);
	disperse(crowd);
}

/* Half of them know notices: the others pass it silently, and are counted. */
static void
a_refusal_is_told_or_counted_for_each_of_a_crowd(void **state)
{
	struct scene *s = *state;
	struct listener crowd[CROWD];
	gather(s, crowd);
	model_add(s->stream, 2, 'r', 50, ENTRY_ID_ZERO);
	scene_add(s->stream, 3, 3);
	world_settle(&s->world);
	for (size_t i = 0; i < CROWD; i++)
		assert_string_equal(listener_log(&crowd[i]),
		    i % 2 == 0 ? "gap:dead_lettered:1-0..2-0>3-0 3-0" : "3-0");
	assert_int_equal(stat_get(&s->world.stats, gaps_dead_lettered), CROWD);
	disperse(crowd);
}

int
main(void)
{
#define SCENE(f) cmocka_unit_test_setup_teardown(f, scene_begin, scene_end)
	const struct CMUnitTest tests[] = {
		SCENE(a_straight_write_passes_the_op_by_until_it_is_taken_back),
		SCENE(a_crowd_gets_one_write_each_and_is_counted),
		SCENE(one_of_a_crowd_who_is_full_waits_alone),
		SCENE(one_of_a_crowd_who_is_gone_keeps_nobody_from_anything),
		SCENE(each_form_gets_its_own_bytes),
		SCENE(who_is_ahead_of_the_feed_gets_nothing_twice),
		SCENE(a_terminal_event_is_told_to_a_crowd),
		SCENE(one_of_a_crowd_who_wants_the_op_gets_the_same),
		SCENE(a_crowd_gets_what_is_too_much_for_one_write),
		SCENE(a_refusal_is_told_or_counted_for_each_of_a_crowd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
