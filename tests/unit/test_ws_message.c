/* SPDX-License-Identifier: MIT */
#include "ws_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct ws_message_limits limits = {
	.max_bytes = 10,
	.max_fragments = 3,
};

static struct ws_message message;
static struct view whole;
static uint16_t close_code;

static enum ws_message_state
add(const char *text, size_t frame_rest, bool is_first, bool is_last)
{
	struct ws_piece piece = {
		.bytes = view_of(text),
		.frame_rest = frame_rest,
		.is_first = is_first,
		.is_last = is_last,
	};

	close_code = 0;
	return ws_message_add(&message, &limits, &piece, &whole, &close_code);
}

static int
setup(void **state)
{
	(void)state;
	ws_message_init(&message);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	ws_message_fini(&message);
	return 0;
}

static void
a_message_in_one_piece_is_not_copied(void **state)
{
	(void)state;
	const char *text = "hello";

	assert_int_equal(add(text, 0, true, true), WS_MESSAGE_WHOLE);
	assert_ptr_equal(whole.data, text);
	assert_null(message.bytes.data);
}

static void
an_empty_message_is_a_message(void **state)
{
	(void)state;
	assert_int_equal(add("", 0, true, true), WS_MESSAGE_WHOLE);
	assert_int_equal(whole.len, 0);
}

static void
pieces_of_one_frame_are_put_together(void **state)
{
	(void)state;
	assert_int_equal(add("abc", 4, true, false), WS_MESSAGE_MORE);
	assert_int_equal(add("de", 2, false, false), WS_MESSAGE_MORE);
	assert_int_equal(add("fg", 0, false, true), WS_MESSAGE_WHOLE);
	assert_true(view_is(whole, "abcdefg"));
	assert_int_equal(message.fragments, 1);
}

static void
fragments_are_put_together(void **state)
{
	(void)state;
	assert_int_equal(add("ab", 0, true, false), WS_MESSAGE_MORE);
	assert_int_equal(add("", 0, false, false), WS_MESSAGE_MORE);
	assert_int_equal(add("c", 0, false, true), WS_MESSAGE_WHOLE);
	assert_true(view_is(whole, "abc"));
}

static void
memory_is_held_only_while_a_message_comes_in(void **state)
{
	(void)state;
	add("ab", 0, true, false);
	assert_non_null(message.bytes.data);
	add("c", 0, false, true);
	ws_message_fini(&message);
	assert_null(message.bytes.data);
	assert_int_equal(add("x", 0, true, true), WS_MESSAGE_WHOLE);
	assert_true(view_is(whole, "x"));
}

static void
the_limit_of_bytes_is_exact(void **state)
{
	(void)state;
	assert_int_equal(add("0123456789", 0, true, true), WS_MESSAGE_WHOLE);
	assert_int_equal(add("0123456789a", 0, true, true), WS_MESSAGE_REFUSED);
	assert_int_equal(close_code, 1009);
}

static void
the_limit_holds_over_fragments(void **state)
{
	(void)state;
	assert_int_equal(add("012345678", 0, true, false), WS_MESSAGE_MORE);
	assert_int_equal(add("9", 0, false, false), WS_MESSAGE_MORE);
	assert_int_equal(add("a", 0, false, true), WS_MESSAGE_REFUSED);
	assert_int_equal(close_code, 1009);
}

static void
what_a_frame_announces_counts_at_once(void **state)
{
	(void)state;
	assert_int_equal(add("a", 9, true, false), WS_MESSAGE_MORE);
	ws_message_fini(&message);
	assert_int_equal(add("a", 10, true, false), WS_MESSAGE_REFUSED);
	assert_int_equal(close_code, 1009);
	assert_int_equal(
	    add("a", (size_t)1 << 62, true, false), WS_MESSAGE_REFUSED);
	assert_int_equal(add("a", SIZE_MAX, true, false), WS_MESSAGE_REFUSED);
}

static void
too_many_fragments_are_refused_even_empty_ones(void **state)
{
	(void)state;
	assert_int_equal(add("", 0, true, false), WS_MESSAGE_MORE);
	assert_int_equal(add("", 0, false, false), WS_MESSAGE_MORE);
	assert_int_equal(add("", 0, false, false), WS_MESSAGE_MORE);
	assert_int_equal(add("", 0, false, true), WS_MESSAGE_REFUSED);
	assert_int_equal(close_code, 1008);
}

static void
binary_is_refused(void **state)
{
	(void)state;
	struct ws_piece piece = {
		.bytes = view_of("a"),
		.is_first = true,
		.is_last = true,
		.is_binary = true,
	};

	assert_int_equal(
	    ws_message_add(&message, &limits, &piece, &whole, &close_code),
	    WS_MESSAGE_REFUSED);
	assert_int_equal(close_code, 1003);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_message_in_one_piece_is_not_copied),
		CASE(an_empty_message_is_a_message),
		CASE(pieces_of_one_frame_are_put_together),
		CASE(fragments_are_put_together),
		CASE(memory_is_held_only_while_a_message_comes_in),
		CASE(the_limit_of_bytes_is_exact),
		CASE(the_limit_holds_over_fragments),
		CASE(what_a_frame_announces_counts_at_once),
		CASE(too_many_fragments_are_refused_even_empty_ones),
		CASE(binary_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
