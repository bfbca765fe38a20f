/* SPDX-License-Identifier: MIT */
#include "descriptors.h"
#include "port_file.h"
#include "port_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void
own_pid(char text[32])
{
	snprintf(text, 32, "pid %d ", (int)getpid());
}

static void
the_owner_of_a_tcp_port_is_found(void **state)
{
	(void)state;
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &length), 0);
	char address[32], owner[128], wanted[32];
	snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(at.sin_port));
	assert_int_equal(port_owner(address, owner, sizeof(owner)), -1);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(port_owner(address, owner, sizeof(owner)), 0);
	own_pid(wanted);
	assert_memory_equal(owner, wanted, strlen(wanted));
	close(fd);
}

static void
the_owner_of_a_unix_socket_is_found(void **state)
{
	(void)state;
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char address[160], owner[128], wanted[32];
	snprintf(at.sun_path, sizeof(at.sun_path), "/tmp/test_startup.%d",
	    (int)getpid());
	snprintf(address, sizeof(address), "unix:%s", at.sun_path);
	assert_int_equal(port_owner(address, owner, sizeof(owner)), -1);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(port_owner(address, owner, sizeof(owner)), 0);
	own_pid(wanted);
	assert_memory_equal(owner, wanted, strlen(wanted));
	close(fd);
	unlink(at.sun_path);
}

static const struct port_file content = { .listen = "127.0.0.1:1",
	.admin = "unix:/a \"b\"",
	.redis = "redis://h:1/0" };

static void
a_port_file_is_written_and_removed_by_its_owner(void **state)
{
	(void)state;
	struct error err;
	char path[] = "/tmp/test_port_file.XXXXXX";
	char text[256] = "", wanted[256];
	close(mkstemp(path));
	assert_int_equal(port_file_write(path, &content, &err), 0);
	FILE *file = fopen(path, "r");
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	snprintf(wanted, sizeof(wanted),
	    "{\"pid\":%d,\"listen\":\"127.0.0.1:1\","
	    "\"admin\":\"unix:/a \\\"b\\\"\",\"redis\":\"redis://h:1/0\"}\n",
	    (int)getpid());
	assert_string_equal(text, wanted);
	port_file_remove(path);
	assert_int_equal(access(path, F_OK), -1);
}

static void
a_port_file_of_another_stays(void **state)
{
	(void)state;
	char path[] = "/tmp/test_port_file.XXXXXX";
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "{\"pid\":1,", 9), 9);
	close(fd);
	port_file_remove(path);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
}

static void
a_port_file_that_cannot_be_written_is_said(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(port_file_write("/nowhere/x", &content, &err), -1);
	assert_string_equal(err.where, "/nowhere/x");
}

static void
descriptors_are_counted_on_both_sides_of_the_least(void **state)
{
	(void)state;
	struct error err;
	uint64_t limit = 0;
	struct rlimit before, few = { 63, 64 };
	getrlimit(RLIMIT_NOFILE, &before);
	few.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(descriptors_raise(&limit, &err), 0);
	assert_int_equal(limit, before.rlim_max);
	assert_int_equal(descriptors_for_clients(64, 4), 1);
	assert_int_equal(descriptors_for_clients(1024, 2), 1024 - 48);
	few = (struct rlimit){ 64, 64 };
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(descriptors_raise(&limit, &err), 0);
	few = (struct rlimit){ 63, 63 };
	setrlimit(RLIMIT_NOFILE, &few);
	assert_int_equal(descriptors_raise(&limit, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_owner_of_a_tcp_port_is_found),
		cmocka_unit_test(the_owner_of_a_unix_socket_is_found),
		cmocka_unit_test(
		    a_port_file_is_written_and_removed_by_its_owner),
		cmocka_unit_test(a_port_file_of_another_stays),
		cmocka_unit_test(a_port_file_that_cannot_be_written_is_said),
		/* Last: a limit that was lowered stays so. */
		cmocka_unit_test(
		    descriptors_are_counted_on_both_sides_of_the_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
