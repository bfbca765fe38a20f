/* SPDX-License-Identifier: MIT */
#include "service.h"

#include "xmalloc.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Owned by the daemon. */
struct service {
	int socket;
	uint64_t watchdog_ms;
};

/* A path, or with an @ in front an abstract name. */
static int
connect_to(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t length = strlen(name);
	if (length < 2 || length >= sizeof(address.sun_path) ||
	    (name[0] != '/' && name[0] != '@'))
		return -1;
	memcpy(address.sun_path, name, length);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	socklen_t size =
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (connect(fd, (const struct sockaddr *)&address, size) == 0)
		return fd;
	close(fd);
	return -1;
}

/* WATCHDOG_USEC is for the process that WATCHDOG_PID names. */
static uint64_t
watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	if (!usec || (pid && atol(pid) != (long)getpid()))
		return 0;
	return strtoull(usec, NULL, 10) / 1000;
}

struct service *
service_new(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	int fd = name ? connect_to(name) : -1;
	if (fd == -1)
		return NULL;
	struct service *service = xcalloc(1, sizeof(*service));
	service->socket = fd;
	service->watchdog_ms = watchdog_ms();
	return service;
}

void
service_free(struct service **service)
{
	if (!*service)
		return;
	close((*service)->socket);
	free(*service);
	*service = NULL;
}

static void
tell(struct service *service, const char *text)
{
	if (service)
		(void)!send(service->socket, text, strlen(text), MSG_NOSIGNAL);
}

void
service_ready(struct service *service)
{
	tell(service, "READY=1");
}

void
service_stopping(struct service *service)
{
	tell(service, "STOPPING=1");
}

void
service_alive(struct service *service)
{
	tell(service, "WATCHDOG=1");
}

uint64_t
service_watchdog_ms(const struct service *service)
{
	return service ? service->watchdog_ms : 0;
}
