/* SPDX-License-Identifier: MIT */
#include "gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static struct gateway_address address;
static struct error err;

/* One socket, -1 and errno when it cannot be had. */
static int
listen_on(const char *text)
{
	int fd = -1;

	return gateway_listen(text, false, &fd, 1, &address, &err) == 0 ? fd
									: -1;
}

static unsigned
port_of(const char *text)
{
	return (unsigned)atoi(strrchr(text, ':') + 1);
}

static int
descriptor_flags(int fd)
{
	int is_nonblocking = (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
	int is_close_on_exec = (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;

	return is_nonblocking + is_close_on_exec;
}

/* --- TCP --- */

static void
port_zero_picks_a_free_one_and_says_which(void **state)
{
	(void)state;
	int fd = listen_on("127.0.0.1:0");

	assert_true(fd >= 0);
	assert_int_equal(strncmp(address.text, "127.0.0.1:", 10), 0);
	assert_true(port_of(address.text) > 0);
	assert_true(address.is_loopback);
	assert_int_equal(descriptor_flags(fd), 2);
	close(fd);
}

static void
ipv6_stands_in_brackets(void **state)
{
	(void)state;
	int fd = listen_on("[::1]:0");

	if (fd < 0)
		skip(); /* no IPv6 on this machine */
	assert_int_equal(strncmp(address.text, "[::1]:", 6), 0);
	assert_true(address.is_loopback);
	close(fd);
}

static void
any_address_is_not_loopback(void **state)
{
	(void)state;
	int fd = listen_on("0.0.0.0:0");

	assert_true(fd >= 0);
	assert_false(address.is_loopback);
	close(fd);
}

static void
what_is_no_address_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = { "", ":", "127.0.0.1", ":80",
		"127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1",
		"127.0.0.1:1000000", "::1:80", "[::1]", "[]:80", "unix:" };

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(listen_on(rows[i]), -1);
		assert_int_equal(errno, EINVAL);
		assert_string_equal(err.where, rows[i]);
	}
}

static void
a_port_in_use_is_found_out_and_errno_kept(void **state)
{
	(void)state;
	char taken[256];
	int fd = listen_on("127.0.0.1:0");
	int three[3];

	strcpy(taken, address.text);
	assert_int_equal(listen_on(taken), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(
	    gateway_listen(taken, false, three, 3, &address, &err), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(fd);
}

static void
workers_share_one_port(void **state)
{
	(void)state;
	int sockets[3];

	assert_int_equal(
	    gateway_listen("127.0.0.1:0", false, sockets, 3, &address, &err),
	    0);
	for (size_t i = 0; i < 3; i++) {
		struct sockaddr_in at;
		socklen_t len = sizeof(at);

		getsockname(sockets[i], (struct sockaddr *)&at, &len);
		assert_int_equal(ntohs(at.sin_port), port_of(address.text));
		assert_int_equal(descriptor_flags(sockets[i]), 2);
	}
	/* Sharing is among ourselves: somebody else finds it taken. */
	char taken[256];
	strcpy(taken, address.text);
	int other[2];
	assert_int_equal(
	    gateway_listen(taken, false, other, 2, &address, &err), -1);
	assert_int_equal(errno, EADDRINUSE);
	for (size_t i = 0; i < 3; i++)
		close(sockets[i]);
}

static void
another_relay_may_join_when_both_want_it(void **state)
{
	(void)state;
	char text[256];
	int first;
	int second;

	assert_int_equal(
	    gateway_listen("127.0.0.1:0", true, &first, 1, &address, &err), 0);
	strcpy(text, address.text);
	assert_int_equal(
	    gateway_listen(text, true, &second, 1, &address, &err), 0);
	assert_string_equal(address.text, text);
	close(first);
	close(second);
}

static void
a_port_may_be_taken_again_at_once(void **state)
{
	(void)state;
	char text[256];
	int fd = listen_on("127.0.0.1:0");

	strcpy(text, address.text);
	close(fd);
	fd = listen_on(text);
	assert_true(fd >= 0);
	close(fd);
}

/* --- Unix sockets --- */

static char folder[64];
static char path[128];
static char unix_address[160];

static int
make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test-listen-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", folder);
	snprintf(unix_address, sizeof(unix_address), "unix:%s", path);
	return 0;
}

static int
remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static bool
exists(void)
{
	return access(path, F_OK) == 0;
}

static void
a_unix_socket_is_shared_by_copies(void **state)
{
	(void)state;
	int sockets[2];

	assert_int_equal(
	    gateway_listen(unix_address, false, sockets, 2, &address, &err), 0);
	assert_string_equal(address.text, unix_address);
	assert_true(address.is_loopback);
	assert_int_not_equal(sockets[0], sockets[1]);
	assert_int_equal(descriptor_flags(sockets[1]), 2);
	close(sockets[0]);
	close(sockets[1]);
	gateway_unlink(&address);
	assert_false(exists());
}

static void
a_stale_file_is_replaced(void **state)
{
	(void)state;
	int fd = listen_on(unix_address);

	close(fd); /* and the file stays */
	assert_true(exists());
	fd = listen_on(unix_address);
	assert_true(fd >= 0);
	close(fd);
}

static void
a_socket_that_answers_is_left_alone(void **state)
{
	(void)state;
	int fd = listen_on(unix_address);

	assert_int_equal(listen_on(unix_address), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_true(exists());
	close(fd);
}

static void
a_file_that_is_no_socket_is_left_alone(void **state)
{
	(void)state;
	FILE *file = fopen(path, "w");

	fclose(file);
	assert_int_equal(listen_on(unix_address), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_true(exists());
}

static void
only_our_own_file_is_removed(void **state)
{
	(void)state;
	struct gateway_address ours;
	int fd = listen_on(unix_address);

	ours = address;
	/* Replaced while it is still open: another inode for certain. */
	unlink(path);
	int other = listen_on(unix_address);
	gateway_unlink(&ours);
	assert_true(exists());
	close(fd);
	close(other);
}

static void
a_path_that_is_too_long_is_refused(void **state)
{
	(void)state;
	char text[300] = "unix:/";

	memset(text + 6, 'a', 200);
	assert_int_equal(listen_on(text), -1);
	assert_int_equal(errno, ENAMETOOLONG);
}

#define IN_FOLDER(name) \
	cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_zero_picks_a_free_one_and_says_which),
		cmocka_unit_test(ipv6_stands_in_brackets),
		cmocka_unit_test(any_address_is_not_loopback),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(a_port_in_use_is_found_out_and_errno_kept),
		cmocka_unit_test(workers_share_one_port),
		cmocka_unit_test(another_relay_may_join_when_both_want_it),
		cmocka_unit_test(a_port_may_be_taken_again_at_once),
		IN_FOLDER(a_unix_socket_is_shared_by_copies),
		IN_FOLDER(a_stale_file_is_replaced),
		IN_FOLDER(a_socket_that_answers_is_left_alone),
		IN_FOLDER(a_file_that_is_no_socket_is_left_alone),
		IN_FOLDER(only_our_own_file_is_removed),
		cmocka_unit_test(a_path_that_is_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
