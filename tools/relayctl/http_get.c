/* SPDX-License-Identifier: MIT */
#include "http_get.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_MAX (64u << 20)

static void
set_deadline(int fd, unsigned timeout_ms)
{
	struct timeval timeout = { .tv_sec = timeout_ms / 1000,
		.tv_usec = (suseconds_t)(timeout_ms % 1000) * 1000 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static int
dial_unix(const char *path, unsigned timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	set_deadline(fd, timeout_ms);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

/* "[::1]:80" or "127.0.0.1:80" into its two parts, in place. */
static int
split_address(char *text, char **host, char **port)
{
	*port = strrchr(text, ':');
	if (!*port)
		return -1;
	*(*port)++ = '\0';
	*host = text;
	size_t len = strlen(text);
	if (text[0] == '[' && len > 1 && text[len - 1] == ']') {
		text[len - 1] = '\0';
		*host = text + 1;
	}
	return 0;
}

static int
dial_first(const struct addrinfo *list, unsigned timeout_ms)
{
	for (; list; list = list->ai_next) {
		int fd = socket(list->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd < 0)
			continue;
		set_deadline(fd, timeout_ms);
		if (connect(fd, list->ai_addr, list->ai_addrlen) == 0)
			return fd;
		close(fd);
	}
	return -1;
}

static int
dial(const char *address, unsigned timeout_ms, struct error *err)
{
	if (strncmp(address, "unix:", 5) == 0) {
		int fd = dial_unix(address + 5, timeout_ms);
		if (fd >= 0)
			return fd;
		return error_set(err, address, "%s", strerror(errno));
	}
	char text[300];
	char *host;
	char *port;
	snprintf(text, sizeof(text), "%s", address);
	if (split_address(text, &host, &port) != 0)
		return error_set(err, address, "not ADDR:PORT or unix:PATH");
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list;
	int failed = getaddrinfo(host, port, &hints, &list);
	if (failed)
		return error_set(err, address, "%s", gai_strerror(failed));
	int fd = dial_first(list, timeout_ms);
	int reason = errno;
	freeaddrinfo(list);
	if (fd >= 0)
		return fd;
	return error_set(err, address, "%s", strerror(reason));
}

static int
send_all(int fd, struct view bytes)
{
	while (bytes.len > 0) {
		ssize_t sent = send(fd, bytes.data, bytes.len, MSG_NOSIGNAL);
		if (sent <= 0)
			return -1;
		bytes.data += sent;
		bytes.len -= (size_t)sent;
	}
	return 0;
}

static int
receive_all(int fd, struct buf *answer)
{
	for (;;) {
		char *room = buf_reserve(answer, 65536);
		if (!room)
			return -1;
		ssize_t got = recv(fd, room, 65536, 0);
		if (got < 0)
			return -1;
		if (got == 0)
			return 0;
		answer->len += (size_t)got;
	}
}

static int
exchange(int fd, const char *path, struct buf *answer)
{
	struct buf request;
	buf_init(&request, 0);
	buf_addf(&request,
	    "GET %s HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n",
	    path);
	int failed = send_all(fd, buf_view(&request)) != 0 ||
	    receive_all(fd, answer) != 0;
	buf_fini(&request);
	return failed ? -1 : 0;
}

/* The status code; the body goes to `body`. */
static int
take_answer(struct view answer, struct buf *body)
{
	const char *end = memmem(answer.data, answer.len, "\r\n\r\n", 4);
	if (!end || answer.len < 12 || memcmp(answer.data, "HTTP/1.", 7) != 0)
		return -1;
	size_t head = (size_t)(end - answer.data) + 4;
	buf_add(body, view_make(answer.data + head, answer.len - head));
	return atoi(answer.data + 9);
}

int
http_get(const char *address, const char *path, unsigned timeout_ms,
    struct buf *body, struct error *err)
{
	int fd = dial(address, timeout_ms, err);
	if (fd < 0)
		return -1;
	struct buf answer;
	buf_init(&answer, ANSWER_MAX);
	int status = -1;
	if (exchange(fd, path, &answer) == 0)
		status = take_answer(buf_view(&answer), body);
	if (status < 0)
		error_set(err, address, "no HTTP answer to GET %s", path);
	buf_fini(&answer);
	close(fd);
	return status;
}
