/* SPDX-License-Identifier: MIT */
#include "gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG         4096 /* the kernel cuts it to net.core.somaxconn */
#define FREE_PORT_TRIES 16

struct socket_address {
	struct sockaddr_storage storage;
	socklen_t len;
};

/* Says what failed with errno's text and keeps errno for the caller. */
static int
listen_failed(const char *address, const char *action, struct error *err)
{
	int saved = errno;

	error_set(err, address, "cannot %s: %s", action, strerror(saved));
	errno = saved;
	return -1;
}

static void
close_keeping_errno(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
}

static void
close_all(int *sockets, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		close_keeping_errno(sockets[i]);
		sockets[i] = -1;
	}
}

/* --- TCP --- */

/* Splits HOST:PORT or [HOST]:PORT. */
static int
split_address(const char *address, char host[256], char port[8])
{
	const char *colon = strrchr(address, ':');
	size_t host_len;

	if (colon == NULL || colon == address || strlen(colon + 1) > 5 ||
	    colon[1] == '\0' ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1))
		return -1;
	strcpy(port, colon + 1);
	host_len = (size_t)(colon - address);
	if (address[0] == '[' && colon[-1] == ']') {
		address++;
		host_len -= 2;
	} else if (memchr(address, ':', host_len) != NULL) {
		return -1; /* IPv6 goes in brackets */
	}
	if (host_len == 0 || host_len > 255 || atoi(port) > 65535)
		return -1;
	memcpy(host, address, host_len);
	host[host_len] = '\0';
	return 0;
}

static int
resolve(const char *address, struct socket_address *found_r, struct error *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list;
	char host[256];
	char port[8];
	int status;

	errno = EINVAL;
	if (split_address(address, host, port) < 0)
		return error_set(err, address,
		    "not an address: use ADDR:PORT, [IPV6]:PORT or unix:PATH");
	status = getaddrinfo(host, port, &hints, &list);
	if (status != 0) {
		errno = EADDRNOTAVAIL;
		return error_set(err, address,
		    "cannot resolve the address: %s; mend it",
		    gai_strerror(status));
	}
	memcpy(&found_r->storage, list->ai_addr, list->ai_addrlen);
	found_r->len = list->ai_addrlen;
	freeaddrinfo(list);
	return 0;
}

static int
open_tcp(const struct socket_address *at, bool shared)
{
	const int on = 1;
	int fd = socket(at->storage.ss_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if ((shared &&
		setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) <
		    0) ||
	    bind(fd, (const struct sockaddr *)&at->storage, at->len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

/* Binds without sharing and lets go: the port was free, and `at` now names the
 * real port where 0 was asked for. */
static int
probe_port(struct socket_address *at)
{
	int fd = open_tcp(at, false);

	if (fd < 0)
		return -1;
	at->len = sizeof(at->storage);
	if (getsockname(fd, (struct sockaddr *)&at->storage, &at->len) < 0) {
		close_keeping_errno(fd);
		return -1;
	}
	close(fd);
	return 0;
}

static int
open_shared(struct socket_address at, bool join, int *sockets, size_t count)
{
	if (!join && probe_port(&at) < 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		sockets[i] = open_tcp(&at, true);
		if (sockets[i] < 0) {
			close_all(sockets, i);
			return -1;
		}
		/* With port 0 the first one chooses for all. */
		at.len = sizeof(at.storage);
		getsockname(
		    sockets[i], (struct sockaddr *)&at.storage, &at.len);
	}
	return 0;
}

static uint16_t
port_of(const struct socket_address *at)
{
	if (at->storage.ss_family == AF_INET6)
		return ntohs(
		    ((const struct sockaddr_in6 *)&at->storage)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&at->storage)->sin_port);
}

static bool
is_loopback(const struct socket_address *at)
{
	if (at->storage.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
		    &((const struct sockaddr_in6 *)&at->storage)->sin6_addr);
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at->storage;
	return ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

static void
print_address(const struct socket_address *at, char *text, size_t size)
{
	char host[128] = "?";
	const char *form =
	    at->storage.ss_family == AF_INET6 ? "[%s]:%u" : "%s:%u";

	getnameinfo((const struct sockaddr *)&at->storage, at->len, host,
	    sizeof(host), NULL, 0, NI_NUMERICHOST);
	snprintf(text, size, form, host, (unsigned)port_of(at));
}

static int
listen_tcp(const char *address, bool join, int *sockets, size_t count,
    struct gateway_address *address_r, struct error *err)
{
	struct socket_address at;
	int tries = FREE_PORT_TRIES;
	int status;

	if (resolve(address, &at, err) < 0)
		return -1;
	do {
		if (count == 1 && !join) {
			sockets[0] = open_tcp(&at, false);
			status = sockets[0] < 0 ? -1 : 0;
		} else {
			status = open_shared(at, join, sockets, count);
		}
		/* A free port may be taken between the probe and the bind. */
	} while (status < 0 && errno == EADDRINUSE && port_of(&at) == 0 &&
	    --tries > 0);
	if (status < 0)
		return listen_failed(address, "listen", err);
	at.len = sizeof(at.storage);
	getsockname(sockets[0], (struct sockaddr *)&at.storage, &at.len);
	print_address(&at, address_r->text, sizeof(address_r->text));
	address_r->is_loopback = is_loopback(&at);
	return 0;
}

/* --- Unix sockets --- */

/* A file left behind: a socket on which nobody answers. */
static bool
is_stale(const struct sockaddr_un *at)
{
	struct stat info;
	bool refused;
	int fd;

	if (lstat(at->sun_path, &info) < 0 || !S_ISSOCK(info.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static int
open_unix(const struct sockaddr_un *at)
{
	const struct sockaddr *to = (const struct sockaddr *)at;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int status;

	if (fd < 0)
		return -1;
	status = bind(fd, to, sizeof(*at));
	if (status < 0 && errno == EADDRINUSE) {
		if (is_stale(at) && unlink(at->sun_path) == 0)
			status = bind(fd, to, sizeof(*at));
		else
			errno = EADDRINUSE;
	}
	if (status < 0 || listen(fd, BACKLOG) < 0) {
		close_keeping_errno(fd);
		return -1;
	}
	return fd;
}

static int
duplicate(int *sockets, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		sockets[i] = fcntl(sockets[0], F_DUPFD_CLOEXEC, 0);
		if (sockets[i] < 0) {
			close_all(sockets, i);
			return -1;
		}
	}
	return 0;
}

static int
listen_unix(const char *address, int *sockets, size_t count,
    struct gateway_address *address_r, struct error *err)
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat info;

	errno = ENAMETOOLONG;
	if (strlen(path) >= sizeof(at.sun_path))
		return error_set(err, address,
		    "the path of a Unix socket has at most %zu bytes",
		    sizeof(at.sun_path) - 1);
	errno = EINVAL;
	if (path[0] == '\0')
		return error_set(err, address, "a path must follow unix:");
	strcpy(at.sun_path, path);
	sockets[0] = open_unix(&at);
	if (sockets[0] < 0 || duplicate(sockets, count) < 0)
		return listen_failed(address, "listen", err);
	snprintf(address_r->text, sizeof(address_r->text), "unix:%s", path);
	address_r->is_loopback = true;
	if (lstat(path, &info) == 0) {
		address_r->device = info.st_dev;
		address_r->inode = info.st_ino;
	}
	return 0;
}

int
gateway_look(
    const char *address, struct gateway_address *address_r, struct error *err)
{
	struct socket_address at;

	*address_r = (struct gateway_address){ 0 };
	if (strncmp(address, "unix:", 5) == 0) {
		snprintf(
		    address_r->text, sizeof(address_r->text), "%s", address);
		address_r->is_loopback = true;
		return 0;
	}
	if (resolve(address, &at, err) < 0)
		return -1;
	print_address(&at, address_r->text, sizeof(address_r->text));
	address_r->is_loopback = is_loopback(&at);
	return 0;
}

int
gateway_listen(const char *address, bool join, int *sockets_r, size_t count,
    struct gateway_address *address_r, struct error *err)
{
	*address_r = (struct gateway_address){ 0 };
	if (strncmp(address, "unix:", 5) == 0)
		return listen_unix(address, sockets_r, count, address_r, err);
	return listen_tcp(address, join, sockets_r, count, address_r, err);
}

void
gateway_unlink(const struct gateway_address *address)
{
	struct stat info;

	if (strncmp(address->text, "unix:", 5) != 0)
		return;
	if (lstat(address->text + 5, &info) == 0 &&
	    info.st_dev == address->device && info.st_ino == address->inode)
		unlink(address->text + 5);
}
