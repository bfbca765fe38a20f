/* SPDX-License-Identifier: MIT */

/* Replies as they come out of the wire: one after the other, in pieces, large,
 * and looked at longer than the wire is there. */

#include "redis_wire.h"

#include "buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct line {
	int server;
	struct redis_wire *wire;
};

static void
open_line(struct line *line)
{
	int pair[2];
	int kind = SOCK_STREAM | SOCK_NONBLOCK;
	assert_int_equal(socketpair(AF_UNIX, kind, 0, pair), 0);
	line->server = pair[1];
	line->wire = redis_wire_new(pair[0]);
	assert_non_null(line->wire);
}

static void
close_line(struct line *line)
{
	redis_wire_free(&line->wire);
	close(line->server);
}

static void
say(const struct line *line, const char *text, size_t length)
{
	assert_int_equal(write(line->server, text, length), length);
	assert_int_equal(redis_wire_read(line->wire), REDIS_WIRE_SOME);
}

static struct redis_value *
hear(const struct line *line)
{
	struct redis_value *value = NULL;
	assert_int_equal(redis_wire_next(line->wire, &value), 1);
	return value;
}

static void
is_text(const struct redis_value *value, const char *text)
{
	assert_int_equal(redis_value_type(value), REDIS_TEXT);
	assert_true(view_is(redis_value_text(value), text));
}

static void
every_kind_of_reply_keeps_its_shape(void **state)
{
	static const char text[] = "*6\r\n*2\r\n$1\r\na\r\n*-1\r\n:-7\r\n"
				   "$-1\r\n+OK\r\n-ERR no\r\n*0\r\n";
	struct line line;
	(void)state;
	open_line(&line);
	say(&line, text, sizeof(text) - 1);
	struct redis_value *value = hear(&line);
	assert_int_equal(redis_value_count(value), 6);
	const struct redis_value *inner = redis_value_at(value, 0);
	is_text(redis_value_at(inner, 0), "a");
	assert_int_equal(redis_value_type(redis_value_at(inner, 1)), REDIS_NIL);
	assert_int_equal(redis_value_integer(redis_value_at(value, 1)), -7);
	assert_int_equal(redis_value_type(redis_value_at(value, 2)), REDIS_NIL);
	is_text(redis_value_at(value, 3), "OK");
	assert_int_equal(
	    redis_value_type(redis_value_at(value, 4)), REDIS_ERROR);
	assert_int_equal(redis_value_count(redis_value_at(value, 5)), 0);
	redis_wire_free_value(value);
	close_line(&line);
}

static void
a_reply_that_comes_in_pieces_is_whole(void **state)
{
	static const char text[] = "*2\r\n$5\r\nhello\r\n*1\r\n$3\r\nyou\r\n";
	struct line line;
	struct redis_value *value = NULL;
	(void)state;
	open_line(&line);
	for (size_t i = 0; i + 1 < sizeof(text) - 1; i++) {
		say(&line, text + i, 1);
		assert_int_equal(redis_wire_next(line.wire, &value), 0);
	}
	say(&line, "\n", 1);
	value = hear(&line);
	is_text(redis_value_at(value, 0), "hello");
	is_text(redis_value_at(redis_value_at(value, 1), 0), "you");
	redis_wire_free_value(value);
	close_line(&line);
}

/* Larger than any piece of memory that is kept, then small again. */
static void
large_and_small_replies_take_turns(void **state)
{
	struct line line;
	struct buf text;
	(void)state;
	open_line(&line);
	buf_init(&text, 0);
	for (size_t size = 1; size <= 100000; size *= 10) {
		buf_clear(&text);
		buf_addf(&text, "*2\r\n$%zu\r\n", size);
		for (size_t i = 0; i < size; i++)
			buf_add_char(&text, (char)('a' + i % 26));
		buf_add_text(&text, "\r\n$3\r\nend\r\n+next\r\n");
		say(&line, text.data, text.len);
		struct redis_value *value = hear(&line);
		struct view large = redis_value_text(redis_value_at(value, 0));
		assert_int_equal(large.len, size);
		assert_int_equal(large.data[size - 1], 'a' + (size - 1) % 26);
		is_text(redis_value_at(value, 1), "end");
		redis_wire_free_value(value);
		value = hear(&line);
		is_text(value, "next");
		redis_wire_free_value(value);
	}
	buf_fini(&text);
	close_line(&line);
}

/* Its slots alone are more than a piece of memory that is kept. */
static void
a_long_array_has_all_its_items(void **state)
{
	struct line line;
	struct buf text;
	struct redis_value *value = NULL;
	size_t count = 20000;
	(void)state;
	open_line(&line);
	buf_init(&text, 0);
	buf_addf(&text, "*%zu\r\n", count);
	for (size_t i = 0; i < count; i++)
		buf_addf(&text, ":%zu\r\n", i);
	for (size_t at = 0; at < text.len; at += 4096) {
		size_t left = text.len - at;
		assert_int_equal(redis_wire_next(line.wire, &value), 0);
		say(&line, text.data + at, left < 4096 ? left : 4096);
	}
	value = hear(&line);
	assert_int_equal(redis_value_count(value), count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(
		    redis_value_integer(redis_value_at(value, i)), i);
	redis_wire_free_value(value);
	buf_fini(&text);
	close_line(&line);
}

static void
a_reply_outlives_its_wire(void **state)
{
	static const char text[] = "*2\r\n$4\r\nkept\r\n:1\r\n+more\r\n";
	struct line line;
	(void)state;
	open_line(&line);
	say(&line, text, sizeof(text) - 1);
	struct redis_value *value = hear(&line);
	close_line(&line);
	is_text(redis_value_at(value, 0), "kept");
	assert_int_equal(redis_value_integer(redis_value_at(value, 1)), 1);
	redis_wire_free_value(value);
}

static void
an_unfinished_reply_goes_with_its_wire(void **state)
{
	static const char text[] = "*3\r\n$4\r\nkept\r\n*2\r\n:1\r\n";
	struct line line;
	struct redis_value *value = NULL;
	(void)state;
	open_line(&line);
	say(&line, text, sizeof(text) - 1);
	assert_int_equal(redis_wire_next(line.wire, &value), 0);
	close_line(&line);
}

/* The bound holds for all arrays of a reply together, and anew for each. */
static void
a_reply_announces_a_million_slots_and_no_more(void **state)
{
	static const struct {
		const char *text;
		int got;
	} rows[] = {
		{ "*1048577\r\n", -1 },
		{ "*1048576\r\n", 0 },
		{ "*2\r\n*1048574\r\n", 0 },
		{ "*2\r\n*1048575\r\n", -1 },
		{ "*2147483647\r\n", -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct line line;
		struct redis_value *value = NULL;
		open_line(&line);
		say(&line, "*2\r\n:1\r\n:2\r\n", 12);
		value = hear(&line);
		redis_wire_free_value(value);
		say(&line, rows[i].text, strlen(rows[i].text));
		assert_int_equal(
		    redis_wire_next(line.wire, &value), rows[i].got);
		close_line(&line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_reply_keeps_its_shape),
		cmocka_unit_test(a_reply_that_comes_in_pieces_is_whole),
		cmocka_unit_test(large_and_small_replies_take_turns),
		cmocka_unit_test(a_long_array_has_all_its_items),
		cmocka_unit_test(a_reply_outlives_its_wire),
		cmocka_unit_test(an_unfinished_reply_goes_with_its_wire),
		cmocka_unit_test(a_reply_announces_a_million_slots_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
