/* SPDX-License-Identifier: MIT */
#include "auth_file.h"

#include "exit_code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX 16

/* Reads a file of `size` bytes that has this mode; the error is in *err. */
static int
read_file(size_t size, mode_t mode, bool *is_open_r, struct error *err)
{
	static const char bytes[] = "0123456789abcdefg";
	char path[] = "/tmp/test_auth_file.XXXXXX";
	struct buf text;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), (int)size);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
	*err = (struct error){ 0 };
	buf_init(&text, 0);
	buf_add_char(&text, '>');
	int code = auth_file_read(path, MAX, &text, is_open_r, err);
	if (code == 0) {
		assert_int_equal(text.len, 1 + size);
		assert_memory_equal(text.data + 1, bytes, size);
	} else {
		assert_string_equal(err->where, path);
	}
	buf_fini(&text);
	unlink(path);
	return code;
}

static void
a_file_of_keys_has_its_bounds(void **state)
{
	(void)state;
	bool is_open;
	struct error err;
	assert_int_equal(read_file(0, 0600, &is_open, &err), EXIT_CODE_TLS);
	assert_string_equal(err.message, "is empty");
	assert_int_equal(read_file(1, 0600, &is_open, &err), 0);
	assert_int_equal(read_file(MAX, 0600, &is_open, &err), 0);
	assert_int_equal(
	    read_file(MAX + 1, 0600, &is_open, &err), EXIT_CODE_TLS);
	assert_string_equal(err.message, "is larger than 16 bytes");
}

static void
what_others_may_read_is_open(void **state)
{
	(void)state;
	bool is_open;
	struct error err;
	assert_int_equal(read_file(1, 0640, &is_open, &err), 0);
	assert_false(is_open);
	assert_int_equal(read_file(1, 0604, &is_open, &err), 0);
	assert_true(is_open);
}

static void
what_is_no_file_is_told_apart(void **state)
{
	(void)state;
	struct buf text;
	struct error err;
	bool is_open;
	buf_init(&text, 0);
	assert_int_equal(auth_file_read("/nowhere", MAX, &text, &is_open, &err),
	    EXIT_CODE_TLS);
	assert_non_null(strstr(err.message, "cannot be read"));
	assert_int_equal(
	    auth_file_read("/", MAX, &text, &is_open, &err), EXIT_CODE_TLS);
	assert_string_equal(err.message, "is not a file");
	buf_fini(&text);
}

static void
a_text_loses_its_line_end_and_bytes_lose_nothing(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{ "secret", "secret" },
		{ "secret\n", "secret" },
		{ "secret\r\n\n", "secret" },
		{ " ~\n", " ~" },
		{ "\n", "" },
		{ "a\tb\n", "a\tb\n" },
		{ "a\x7f\n", "a\x7f\n" },
		{ "a\x1f\n", "a\x1f\n" },
		{ "\xc3\xa4\n", "\xc3\xa4\n" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_true(
		    view_is(auth_file_line(view_of(rows[i][0])), rows[i][1]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_of_keys_has_its_bounds),
		cmocka_unit_test(what_others_may_read_is_open),
		cmocka_unit_test(what_is_no_file_is_told_apart),
		cmocka_unit_test(
		    a_text_loses_its_line_end_and_bytes_lose_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
