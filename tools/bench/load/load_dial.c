/* SPDX-License-Identifier: MIT */
#include "load_dial.h"

#include "view.h"
#include "xmalloc.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
parse_port(const char *text, size_t len, uint16_t *port_r)
{
	unsigned value = 0;
	if (len == 0 || len > 5)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + (unsigned)(text[i] - '0');
	}
	if (value == 0 || value > 65535)
		return -1;
	*port_r = (uint16_t)value;
	return 0;
}

/* host, host:port, [v6] or [v6]:port. */
static int
parse_authority(struct load_url *parts, const char *text, size_t len)
{
	size_t skip = text[0] == '[';
	const char *stop = skip ? memchr(text, ']', len) : NULL;
	if (skip && !stop)
		return -1;
	const char *from = stop ? stop : text;
	const char *colon = memchr(from, ':', len - (size_t)(from - text));
	size_t host = stop ? (size_t)(stop - text) - 1
	    : colon        ? (size_t)(colon - text)
			   : len;
	if (host == 0 || len >= sizeof(parts->authority))
		return -1;
	parts->port = 80;
	if (colon &&
	    parse_port(
		colon + 1, len - (size_t)(colon + 1 - text), &parts->port) != 0)
		return -1;
	parts->host = xcalloc(1, host + 1);
	memcpy(parts->host, text + skip, host);
	snprintf(
	    parts->authority, sizeof(parts->authority), "%.*s", (int)len, text);
	return 0;
}

int
load_url_parse(struct load_url *parts, const char *url, const char *scheme,
    struct error *err)
{
	size_t len = strlen(scheme);
	*parts = (struct load_url){ 0 };
	if (strncmp(url, scheme, len) != 0 || strncmp(url + len, "://", 3) != 0)
		return error_set(
		    err, url, "not a %s://host:port/path address", scheme);
	const char *authority = url + len + 3;
	const char *path = strchr(authority, '/');
	if (!path || path == authority)
		return error_set(err, url, "host or path is missing");
	parts->path = path;
	if (parse_authority(parts, authority, (size_t)(path - authority)) != 0)
		return error_set(err, url, "not a host and port");
	return 0;
}

void
load_url_fini(struct load_url *parts)
{
	free(parts->host);
	parts->host = NULL;
}

static int
try_address(const struct addrinfo *address)
{
	int on = 1;
	int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, address->ai_addr, address->ai_addrlen) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

int
load_dial(const char *host, uint16_t port, struct error *err)
{
	char service[8];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list = NULL;
	int fd = -1;
	snprintf(service, sizeof(service), "%u", port);
	int rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0)
		return error_set(err, host, "%s", gai_strerror(rc));
	for (const struct addrinfo *at = list; at && fd < 0; at = at->ai_next)
		fd = try_address(at);
	freeaddrinfo(list);
	if (fd < 0)
		return error_set(err, host, "cannot connect to port %u: %s",
		    port, strerror(errno));
	return fd;
}

int
load_dial_unix(const char *path, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return error_set(err, path, "the path is too long");
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	error_set(err, path, "cannot connect: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}
