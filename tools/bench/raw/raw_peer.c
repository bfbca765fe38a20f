/* SPDX-License-Identifier: MIT */
#include "raw_peer.h"

#include "ws_frame.h"
#include "xmalloc.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FD_MAX   200000
#define HEAD_MAX 2048

struct peer {
	bool is_upgraded;
	unsigned stream;
	unsigned place;  /* in the stream's list */
	struct buf rest; /* unsent */
};

struct list {
	int *fds;
	unsigned count;
	unsigned capacity;
};

struct raw_peers {
	int epoll;
	unsigned streams;
	unsigned count;
	unsigned stuck;
	struct list *lists; /* by stream */
	struct peer *by_fd[FD_MAX];
};

void
raw_frame_add(struct buf *out, struct view payload)
{
	char header[WS_FRAME_HEADER_MAX];
	size_t len = ws_frame_header(header, WS_TEXT, payload.len);
	buf_add(out, view_make(header, len));
	buf_add(out, payload);
}

struct raw_peers *
raw_peers_new(int epoll, unsigned streams)
{
	struct raw_peers *peers = xcalloc(1, sizeof(*peers));
	peers->epoll = epoll;
	peers->streams = streams;
	peers->lists = xcalloc(streams, sizeof(*peers->lists));
	return peers;
}

static void
watch(struct raw_peers *peers, int operation, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };
	epoll_ctl(peers->epoll, operation, fd, &event);
}

static void
leave(struct raw_peers *peers, const struct peer *peer)
{
	struct list *list = &peers->lists[peer->stream];
	int last = list->fds[--list->count];
	list->fds[peer->place] = last;
	peers->by_fd[last]->place = peer->place;
	peers->count--;
}

static void
drop(struct raw_peers *peers, int fd)
{
	struct peer *peer = peers->by_fd[fd];
	if (peer->is_upgraded)
		leave(peers, peer);
	if (peer->rest.len)
		peers->stuck--;
	buf_fini(&peer->rest);
	free(peer);
	peers->by_fd[fd] = NULL;
	close(fd);
}

void
raw_peers_free(struct raw_peers **peers)
{
	for (int fd = 0; fd < FD_MAX; fd++) {
		if ((*peers)->by_fd[fd])
			drop(*peers, fd);
	}
	for (unsigned i = 0; i < (*peers)->streams; i++)
		free((*peers)->lists[i].fds);
	free((*peers)->lists);
	free(*peers);
	*peers = NULL;
}

void
raw_peers_add(struct raw_peers *peers, int fd)
{
	int on = 1;
	if (fd >= FD_MAX) {
		close(fd);
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	peers->by_fd[fd] = xcalloc(1, sizeof(struct peer));
	buf_init(&peers->by_fd[fd]->rest, 0);
	watch(peers, EPOLL_CTL_ADD, fd, EPOLLIN);
}

static void
join(struct raw_peers *peers, int fd, unsigned stream)
{
	struct list *list = &peers->lists[stream];
	struct peer *peer = peers->by_fd[fd];
	if (list->count == list->capacity) {
		list->capacity = list->capacity ? 2 * list->capacity : 4;
		list->fds =
		    xrealloc(list->fds, list->capacity * sizeof(*list->fds));
	}
	peer->is_upgraded = true;
	peer->stream = stream;
	peer->place = list->count;
	list->fds[list->count++] = fd;
	peers->count++;
}

/* "GET /anything?stream=N HTTP/1.1": the bench's own client asks so. */
static void
upgrade(struct raw_peers *peers, int fd, const char *head)
{
	static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\n"
				     "Upgrade: websocket\r\n"
				     "Connection: Upgrade\r\n\r\n";
	const char *query = strstr(head, "?stream=");
	unsigned long stream = query ? strtoul(query + 8, NULL, 10) : 0;
	if (stream >= peers->streams ||
	    send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) < 0)
		drop(peers, fd);
	else
		join(peers, fd, (unsigned)stream);
}

static void
hear(struct raw_peers *peers, int fd)
{
	char bytes[HEAD_MAX + 1];
	ssize_t got = recv(fd, bytes, HEAD_MAX, MSG_DONTWAIT);
	if (got <= 0) {
		drop(peers, fd);
		return;
	}
	bytes[got] = '\0';
	if (!peers->by_fd[fd]->is_upgraded)
		upgrade(peers, fd, bytes);
}

static void
send_rest(struct raw_peers *peers, int fd)
{
	struct buf *rest = &peers->by_fd[fd]->rest;
	ssize_t put =
	    send(fd, rest->data, rest->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (put <= 0)
		return;
	rest->len -= (size_t)put;
	memmove(rest->data, rest->data + put, rest->len);
	if (rest->len)
		return;
	peers->stuck--;
	watch(peers, EPOLL_CTL_MOD, fd, EPOLLIN);
}

void
raw_peers_serve(struct raw_peers *peers, int fd, uint32_t events)
{
	if (!peers->by_fd[fd])
		return;
	if (events & EPOLLOUT && peers->by_fd[fd]->rest.len)
		send_rest(peers, fd);
	if (events & ~(uint32_t)EPOLLOUT)
		hear(peers, fd);
}

static void
send_one(struct raw_peers *peers, int fd, struct view frames)
{
	struct buf *rest = &peers->by_fd[fd]->rest;
	ssize_t put = 0;
	if (rest->len == 0)
		put = send(
		    fd, frames.data, frames.len, MSG_NOSIGNAL | MSG_DONTWAIT);
	size_t sent = put > 0 ? (size_t)put : 0;
	if (sent == frames.len)
		return;
	if (rest->len == 0) {
		peers->stuck++;
		watch(peers, EPOLL_CTL_MOD, fd, EPOLLIN | EPOLLOUT);
	}
	buf_add(rest, view_make(frames.data + sent, frames.len - sent));
}

void
raw_peers_send(struct raw_peers *peers, unsigned stream, struct view frames)
{
	const struct list *list = &peers->lists[stream];
	for (unsigned i = 0; i < list->count; i++)
		send_one(peers, list->fds[i], frames);
}

unsigned
raw_peers_count(const struct raw_peers *peers)
{
	return peers->count;
}

unsigned
raw_peers_stuck(const struct raw_peers *peers)
{
	return peers->stuck;
}
