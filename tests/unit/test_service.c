/* SPDX-License-Identifier: MIT */
#include "service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A service manager at an abstract name, which is given to the environment. */
static int
manager_new(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *name = address.sun_path;
	size_t room = sizeof(address.sun_path);
	int length = snprintf(name, room, "@test_service.%d", (int)getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	assert_int_equal(
	    bind(fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) +
		    (size_t)length)),
	    0);
	return fd;
}

static void
assert_told(int manager, const char *wanted)
{
	char text[64] = "";
	assert_true(recv(manager, text, sizeof(text) - 1, 0) >= 0);
	assert_string_equal(text, wanted);
}

static void
the_manager_is_told_each_state(void **state)
{
	(void)state;
	int manager = manager_new();
	struct service *service = service_new();
	assert_non_null(service);
	service_ready(service);
	assert_told(manager, "READY=1");
	service_alive(service);
	assert_told(manager, "WATCHDOG=1");
	service_stopping(service);
	assert_told(manager, "STOPPING=1");
	service_free(&service);
	assert_null(service);
	close(manager);
}

static uint64_t
watchdog_with(const char *usec, const char *pid)
{
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	if (usec)
		setenv("WATCHDOG_USEC", usec, 1);
	if (pid)
		setenv("WATCHDOG_PID", pid, 1);
	struct service *service = service_new();
	uint64_t every_ms = service_watchdog_ms(service);
	service_free(&service);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
	return every_ms;
}

static void
a_watchdog_counts_for_the_process_that_it_names(void **state)
{
	(void)state;
	char own[16];
	int manager = manager_new();
	snprintf(own, sizeof(own), "%d", (int)getpid());
	assert_int_equal(watchdog_with(NULL, NULL), 0);
	assert_int_equal(watchdog_with(NULL, own), 0);
	assert_int_equal(watchdog_with("600000", NULL), 600);
	assert_int_equal(watchdog_with("600000", own), 600);
	assert_int_equal(watchdog_with("600000", "1"), 0);
	close(manager);
}

static void
without_a_manager_nothing_is_told(void **state)
{
	(void)state;
	char long_name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[0] = '@';
	long_name[sizeof(long_name) - 1] = '\0';
	const char *names[] = { "", "@", "relative", "/nowhere/at/all",
		long_name };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		setenv("NOTIFY_SOCKET", names[i], 1);
		assert_null(service_new());
	}
	unsetenv("NOTIFY_SOCKET");
	struct service *service = service_new();
	assert_null(service);
	service_ready(service);
	service_alive(service);
	service_stopping(service);
	assert_int_equal(service_watchdog_ms(service), 0);
	service_free(&service);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manager_is_told_each_state),
		cmocka_unit_test(
		    a_watchdog_counts_for_the_process_that_it_names),
		cmocka_unit_test(without_a_manager_nothing_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
