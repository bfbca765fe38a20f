/* SPDX-License-Identifier: MIT */
#include "load_conn.h"

#include "load_frames.h"
#include "load_stamp.h"
#include "xmalloc.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SOURCE_COUNT 20000 /* connections from one address */

/* --- events --- */

static void
take_number(struct load_conn *conn, struct load_tally *tally, uint32_t number)
{
	if (number < conn->next) {
		tally->repeated++;
		return;
	}
	tally->missing += number - conn->next;
	tally->events++;
	conn->next = number + 1;
	if (number == conn->last)
		tally->complete++;
}

static void
take_probe(struct load_conn *conn, struct load_tally *tally)
{
	tally->probes++;
	if (!conn->is_ready)
		tally->ready++;
	conn->is_ready = true;
}

static void
take_text(struct load_conn *conn, struct load_tally *tally, struct view payload,
    uint64_t now_ns)
{
	struct load_stamp stamp;
	if (load_stamp_read(payload, &conn->from_end, &stamp) != 0) {
		tally->others++;
		return;
	}
	if (stamp.stream != conn->stream) {
		tally->strayed++;
		return;
	}
	if (stamp.number == 0) {
		take_probe(conn, tally);
		return;
	}
	take_number(conn, tally, stamp.number);
	if (stamp.number > conn->prefill)
		load_tally_latency(
		    tally, load_stamp_age(&stamp, now_ns), now_ns);
}

/* -1: what came is no compressed message, or none was negotiated. */
static int
take_message(struct load_conn *conn, const struct load_site *site,
    const struct load_frame *frame, uint64_t now_ns)
{
	struct view text = view_make(frame->payload, frame->len);
	if (frame->is_compressed) {
		if (!site->inflate ||
		    load_inflate(site->inflate, text, &text) != 0) {
			site->tally->broken++;
			return -1;
		}
		site->tally->compressed++;
	}
	take_text(conn, site->tally, text, now_ns);
	return 0;
}

static void
take_close(struct load_tally *tally, const struct load_frame *frame)
{
	const unsigned char *code = (const unsigned char *)frame->payload;
	if (tally->close_code == 0 && frame->len >= 2)
		tally->close_code = (unsigned)(code[0] << 8 | code[1]);
}

static void
send_frame(struct load_conn *conn, enum load_opcode opcode, const void *payload,
    size_t len)
{
	unsigned char out[131];
	size_t whole =
	    load_frames_write(out, opcode, payload, len < 125 ? len : 125);
	/* So small that it fits, or the connection is dead. */
	if (send(conn->fd, out, whole, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

/* -1: the connection ends here. */
static int
take_frame(struct load_conn *conn, const struct load_site *site,
    const struct load_frame *frame, uint64_t now_ns)
{
	switch (frame->opcode) {
	case LOAD_TEXT:
	case LOAD_BINARY:
		return take_message(conn, site, frame, now_ns);
	case LOAD_PING:
		send_frame(conn, LOAD_PONG, frame->payload, frame->len);
		return 0;
	case LOAD_CLOSE:
		take_close(site->tally, frame);
		return -1;
	case LOAD_PONG:
	case LOAD_CONTINUED:
		return 0;
	}
	return 0;
}

long
load_conn_take(struct load_conn *conn, const struct load_site *site,
    const unsigned char *bytes, size_t len)
{
	uint64_t now_ns = load_now_ns();
	size_t at = 0;
	for (;;) {
		struct load_frame frame;
		size_t used;
		enum load_parse parse =
		    load_frames_next(bytes + at, len - at, &frame, &used);
		if (parse == LOAD_PARTIAL)
			return (long)at;
		if (parse == LOAD_BROKEN) {
			site->tally->broken++;
			return -1;
		}
		at += used;
		if (take_frame(conn, site, &frame, now_ns) != 0)
			return -1;
	}
}

/* --- the upgrade --- */

/* Where the head of the answer ends, or 0. */
static size_t
head_end(const unsigned char *bytes, size_t len)
{
	const unsigned char *end = memmem(bytes, len, "\r\n\r\n", 4);
	return end ? (size_t)(end - bytes) + 4 : 0;
}

/* Each message must be good for itself: all connections share one inflater. */
static bool
is_agreed(const unsigned char *bytes, size_t len)
{
	static const char name[] = "permessage-deflate";
	static const char term[] = "server_no_context_takeover";
	return memmem(bytes, len, name, sizeof(name) - 1) &&
	    memmem(bytes, len, term, sizeof(term) - 1);
}

static int
refuse(struct load_conn *conn, struct load_tally *tally, const char *line,
    size_t len)
{
	const char *stop = memchr(line, '\r', len);
	size_t shown = stop ? (size_t)(stop - line) : len;
	if (tally->refused++ == 0)
		snprintf(tally->refusal, sizeof(tally->refusal), "%.*s",
		    (int)shown, line);
	load_conn_close(conn);
	return -1;
}

/* Bytes of the head when it is whole, 0 while not, -1: refused. The key of the
 * answer is not checked: what comes next must be frames anyhow. */
static long
take_head(struct load_conn *conn, const struct load_site *site,
    const unsigned char *bytes, size_t len)
{
	static const char good[] = "HTTP/1.1 101";
	size_t end = head_end(bytes, len);
	if (end == 0)
		return 0;
	if (memcmp(bytes, good, sizeof(good) - 1) != 0)
		return refuse(conn, site->tally, (const char *)bytes, len);
	if (site->inflate && !is_agreed(bytes, end))
		return refuse(conn, site->tally, "no permessage-deflate", 21);
	conn->state = LOAD_OPEN;
	site->tally->open++;
	site->tally->opened++;
	if (site->hello)
		send_frame(conn, LOAD_TEXT, site->hello, strlen(site->hello));
	return (long)end;
}

/* --- reading --- */

static int
end_by_server(struct load_conn *conn, struct load_tally *tally)
{
	if (conn->state != LOAD_OPEN)
		return refuse(conn, tally, "closed before the upgrade", 25);
	tally->closed++;
	tally->open--;
	load_conn_close(conn);
	return -1;
}

static int
keep_rest(struct load_conn *conn, const struct load_site *site,
    const unsigned char *bytes, size_t len)
{
	if (len == 0 && conn->rest) {
		free(conn->rest);
		conn->rest = NULL;
	}
	if (len > LOAD_REST_MAX) {
		site->tally->broken++;
		return end_by_server(conn, site->tally);
	}
	if (len > 0) {
		conn->rest = xrealloc(conn->rest, len);
		memcpy(conn->rest, bytes, len);
	}
	conn->rest_len = (uint32_t)len;
	return 0;
}

static int
take_bytes(struct load_conn *conn, const struct load_site *site, size_t len)
{
	long head = 0;
	if (conn->state == LOAD_UPGRADING)
		head = take_head(conn, site, site->buffer, len);
	if (head < 0)
		return -1;
	long used = 0;
	if (conn->state == LOAD_OPEN)
		used = load_conn_take(
		    conn, site, site->buffer + head, len - (size_t)head);
	if (used < 0)
		return end_by_server(conn, site->tally);
	size_t done = (size_t)(head + used);
	return keep_rest(conn, site, site->buffer + done, len - done);
}

int
load_conn_read(struct load_conn *conn, const struct load_site *site)
{
	size_t kept = conn->rest_len;
	if (kept)
		memcpy(site->buffer, conn->rest, kept);
	ssize_t got = recv(conn->fd, site->buffer + kept,
	    LOAD_BUFFER_BYTES - kept, MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return end_by_server(conn, site->tally);
	site->tally->reads++;
	site->tally->bytes += (uint64_t)got;
	return take_bytes(conn, site, kept + (size_t)got);
}

/* --- connecting --- */

/* One address has too few ports for very many connections to one place. */
static void
choose_source(int fd, const struct load_site *site, unsigned source)
{
	const struct sockaddr_in *there = (const void *)site->address;
	if (there->sin_family != AF_INET ||
	    ntohl(there->sin_addr.s_addr) >> 24 != 127)
		return;
	int on = 1;
	struct sockaddr_in here = { .sin_family = AF_INET };
	here.sin_addr.s_addr =
	    htonl(INADDR_LOOPBACK + 1 + source / SOURCE_COUNT);
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&here, sizeof(here)) != 0)
		return; /* the kernel's choice will do */
}

int
load_conn_dial(
    struct load_conn *conn, const struct load_site *site, unsigned source)
{
	int on = 1;
	conn->fd = socket(site->address->sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		return -1;
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	choose_source(conn->fd, site, source);
	conn->state = LOAD_CONNECTING;
	if (connect(conn->fd, site->address, site->address_len) == 0 ||
	    errno == EINPROGRESS)
		return 0;
	load_conn_close(conn);
	return -1;
}

int
load_conn_request(
    struct load_conn *conn, const struct load_site *site, const char *request)
{
	size_t len = strlen(request);
	int failed = 0;
	socklen_t size = sizeof(failed);
	getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &failed, &size);
	if (failed)
		return refuse(conn, site->tally, strerror(failed),
		    strlen(strerror(failed)));
	if (send(conn->fd, request, len, MSG_NOSIGNAL) != (ssize_t)len)
		return refuse(conn, site->tally, "cannot send", 11);
	conn->state = LOAD_UPGRADING;
	return 0;
}

void
load_conn_close(struct load_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	free(conn->rest);
	conn->fd = -1;
	conn->rest = NULL;
	conn->rest_len = 0;
	conn->state = LOAD_CLOSED;
}
