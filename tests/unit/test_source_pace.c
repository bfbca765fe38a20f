/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "source_pace.h"

#include <uv.h>

struct rig {
	uv_loop_t loop;
	struct source_pace *pace;
	unsigned due;
};

static void
count(void *arg)
{
	((struct rig *)arg)->due++;
}

static void
open_rig(struct rig *rig, unsigned pace_max_us)
{
	*rig = (struct rig){ 0 };
	assert_int_equal(uv_loop_init(&rig->loop), 0);
	rig->pace = source_pace_new(&rig->loop, pace_max_us, count, rig);
}

static void
close_rig(struct rig *rig)
{
	source_pace_free(&rig->pace);
	uv_run(&rig->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&rig->loop), 0);
}

/* More in no time than any threshold. */
static void
be_busy(struct rig *rig)
{
	for (unsigned i = 0; i < 1000000; i++)
		source_pace_news(rig->pace);
	source_pace_tick(rig->pace);
}

static void
while_it_is_quiet_there_is_no_pause(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 1000);
	source_pace_tick(rig.pace);
	assert_false(source_pace_went(rig.pace));
	assert_true(source_pace_may_go(rig.pace));
	close_rig(&rig);
	assert_int_equal(rig.due, 0);
}

static void
when_busy_each_reading_begins_one_pause_that_ends(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 1000);
	be_busy(&rig);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(source_pace_may_go(rig.pace));
		uint64_t begin = uv_hrtime();
		assert_true(source_pace_went(rig.pace));
		assert_false(source_pace_may_go(rig.pace));
		while (rig.due < i)
			uv_run(&rig.loop, UV_RUN_ONCE);
		assert_true(uv_hrtime() - begin >= 1000000);
	}
	close_rig(&rig);
	assert_int_equal(rig.due, 3);
}

static void
a_pause_that_began_ends_also_when_it_got_quiet(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 1000);
	be_busy(&rig);
	assert_true(source_pace_went(rig.pace));
	source_pace_tick(rig.pace);
	assert_false(source_pace_may_go(rig.pace));
	while (rig.due == 0)
		uv_run(&rig.loop, UV_RUN_ONCE);
	assert_true(source_pace_may_go(rig.pace));
	assert_false(source_pace_went(rig.pace));
	close_rig(&rig);
}

static void
who_wants_no_pause_gets_none(void **state)
{
	struct rig rig;

	(void)state;
	open_rig(&rig, 0);
	be_busy(&rig);
	assert_false(source_pace_went(rig.pace));
	assert_true(source_pace_may_go(rig.pace));
	close_rig(&rig);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(while_it_is_quiet_there_is_no_pause),
		cmocka_unit_test(
		    when_busy_each_reading_begins_one_pause_that_ends),
		cmocka_unit_test(
		    a_pause_that_began_ends_also_when_it_got_quiet),
		cmocka_unit_test(who_wants_no_pause_gets_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
