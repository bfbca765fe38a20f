/* SPDX-License-Identifier: MIT */
#include "json.h"
#include "log.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static char captured[1 << 16];
static int real_stderr;

static void
take_stderr(int fd)
{
	real_stderr = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static void
give_stderr_back(void)
{
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
}

/* A pipe of which fd 2 becomes the writing end; returns the reading end. */
static int
capture_begin(void)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	fcntl(ends[1], F_SETFL, 0);
	take_stderr(ends[1]);
	return ends[0];
}

static struct view
capture_end(int reader)
{
	give_stderr_back();
	ssize_t size = read(reader, captured, sizeof(captured));
	close(reader);
	return view_make(captured, size > 0 ? (size_t)size : 0);
}

static void
assert_member(struct json_doc *doc, const char *name, const char *value)
{
	uint32_t node = json_member(doc, 0, view_of(name));
	assert_int_not_equal(node, 0);
	assert_true(json_string_is(doc, node, view_of(value)));
}

static void
a_json_line_is_json_whatever_the_values(void **state)
{
	(void)state;
	int reader = capture_begin();
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, 0);
	log_event(LOG_LEVEL_WARN, "redis", "lost", "reason", "a\"b\nc\x01\xff}",
	    "empty", "", "none", (char *)NULL, NULL);
	struct view line = capture_end(reader);
	assert_int_equal(line.data[line.len - 1], '\n');
	struct json_doc doc;
	struct json_limits limits = { .strict_keys = true };
	struct json_fault fault;
	json_doc_init(&doc);
	assert_int_equal(json_scan(&doc, line, &limits, &fault), 0);
	assert_member(&doc, "level", "warn");
	assert_member(&doc, "component", "redis");
	assert_member(&doc, "action", "lost");
	assert_member(&doc, "reason", "a\"b\nc\x01\xef\xbf\xbd}");
	assert_member(&doc, "empty", "");
	assert_member(&doc, "none", "");
	uint32_t ts = json_member(&doc, 0, view_of("ts"));
	assert_int_equal(
	    doc.nodes[ts].count, strlen("2000-01-01T00:00:00.000Z"));
	json_doc_fini(&doc);
}

static void
a_text_line_quotes_what_would_confuse(void **state)
{
	(void)state;
	int reader = capture_begin();
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 0);
	log_event(LOG_LEVEL_INFO, "main", "start", "listen", "127.0.0.1:1",
	    "note", "two words\n", "x", "a=b", "y", "\\", "z", "a\"", NULL);
	struct view line = capture_end(reader);
	captured[line.len] = '\0';
	assert_string_equal(strchr(captured, ' '),
	    " level=info component=main action=start listen=127.0.0.1:1 "
	    "note=\"two words\\n\" x=\"a=b\" y=\"\\\\\" "
	    "z=\"a\\\"\"\n");
}

static void
lines_below_the_level_are_not_written(void **state)
{
	(void)state;
	int reader = capture_begin();
	log_setup(LOG_LEVEL_WARN, LOG_FORMAT_TEXT, 0);
	log_event(LOG_LEVEL_INFO, "a", "b", NULL);
	log_event(LOG_LEVEL_DEBUG, "a", "b", NULL);
	log_throttled(LOG_LEVEL_INFO, "a", "b", NULL);
	assert_int_equal(capture_end(reader).len, 0);
}

static void
long_values_are_cut_and_long_lines_stay_whole(void **state)
{
	(void)state;
	char value[1000];
	memset(value, '\x01', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	int reader = capture_begin();
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_JSON, 0);
	log_event(LOG_LEVEL_INFO, "a", "b", "1", value, "2", value, "3", value,
	    "4", value, "5", "last", NULL);
	struct view line = capture_end(reader);
	assert_true(line.len <= 4096);
	struct json_doc doc;
	struct json_limits limits = { .max_depth = 0 };
	struct json_fault fault;
	json_doc_init(&doc);
	assert_int_equal(json_scan(&doc, line, &limits, &fault), 0);
	uint32_t node = json_member(&doc, 0, view_of("1"));
	assert_int_equal(doc.nodes[node].count, 256);
	assert_int_equal(json_member(&doc, 0, view_of("4")), 0);
	json_doc_fini(&doc);
}

static void
the_throttle_holds_back_and_counts(void **state)
{
	(void)state;
	uint64_t before = log_dropped();
	int reader = capture_begin();
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 0);
	for (int i = 0; i < 10; i++)
		log_throttled(LOG_LEVEL_INFO, "gate", "refused", NULL);
	log_tick();
	struct view lines = capture_end(reader);
	size_t count = 0;
	for (size_t i = 0; i < lines.len; i++)
		count += lines.data[i] == '\n';
	assert_int_equal(count, 3);
	assert_int_equal(log_dropped() - before, 7);
}

static void
a_blocked_pipe_drops_and_does_not_block(void **state)
{
	(void)state;
	uint64_t before = log_dropped();
	int reader = capture_begin();
	fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
	while (write(STDERR_FILENO, captured, 1) == 1)
		;
	fcntl(STDERR_FILENO, F_SETFL, 0);
	log_event(LOG_LEVEL_ERROR, "a", "b", NULL);
	give_stderr_back();
	close(reader);
	assert_int_equal(log_dropped() - before, 1);
}

static void
a_closed_pipe_and_a_full_disk_are_counted(void **state)
{
	(void)state;
	uint64_t before = log_dropped();
	signal(SIGPIPE, SIG_IGN);
	int reader = capture_begin();
	close(reader);
	log_event(LOG_LEVEL_ERROR, "a", "b", NULL);
	give_stderr_back();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert_true(full >= 0);
	take_stderr(full);
	log_event(LOG_LEVEL_ERROR, "a", "b", NULL);
	give_stderr_back();
	assert_int_equal(log_dropped() - before, 2);
}

static void
a_full_socket_drops_and_does_not_block(void **state)
{
	(void)state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	uint64_t before = log_dropped();
	take_stderr(ends[1]);
	for (int i = 0; i < 100000 && log_dropped() == before; i++)
		log_event(LOG_LEVEL_ERROR, "a", "b", NULL);
	give_stderr_back();
	close(ends[0]);
	assert_int_equal(log_dropped() - before, 1);
}

static void *
log_a_hundred(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++)
		log_event(LOG_LEVEL_INFO, "a", "b", "key", "value", NULL);
	return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
	(void)state;
	pthread_t threads[4];
	int reader = capture_begin();
	log_setup(LOG_LEVEL_INFO, LOG_FORMAT_TEXT, 0);
	for (size_t i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, log_a_hundred, NULL);
	for (size_t i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	struct view lines = capture_end(reader);
	captured[lines.len] = '\0';
	unsigned count = 0;
	char *rest = captured;
	for (char *line; (line = strsep(&rest, "\n")) && *line; count++)
		assert_string_equal(strchr(line, ' '),
		    " level=info component=a action=b key=value");
	assert_int_equal(count, 400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_json_line_is_json_whatever_the_values),
		cmocka_unit_test(a_text_line_quotes_what_would_confuse),
		cmocka_unit_test(lines_below_the_level_are_not_written),
		cmocka_unit_test(long_values_are_cut_and_long_lines_stay_whole),
		cmocka_unit_test(the_throttle_holds_back_and_counts),
		cmocka_unit_test(a_blocked_pipe_drops_and_does_not_block),
		cmocka_unit_test(a_closed_pipe_and_a_full_disk_are_counted),
		cmocka_unit_test(a_full_socket_drops_and_does_not_block),
		cmocka_unit_test(lines_of_threads_do_not_mix),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
