/* SPDX-License-Identifier: MIT */
#include "load_outlet.h"

#include "buf.h"
#include "load_answers.h"
#include "load_dial.h"
#include "load_template.h"
#include "redis_link.h"
#include "xmalloc.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SETTLE_MS 30000
#define PIECE     65536

struct load_outlet {
	const struct load_place *place;
	struct load_url http;
	bool is_http;
	int fd;
	bool in_batch;
	uint64_t sent;
	struct load_answers answers;
	struct buf out;
	size_t written;
	struct buf scratch;
};

/* --- what is said --- */

static void
add_bulk(struct buf *out, struct view text)
{
	buf_addf(out, "$%zu\r\n", text.len);
	buf_add(out, text);
	buf_add_text(out, "\r\n");
}

static void
add_expanded(struct load_outlet *outlet, const char *template, unsigned stream,
    struct view event)
{
	buf_clear(&outlet->scratch);
	load_template(
	    &outlet->scratch, template, outlet->place->run, stream, event);
	add_bulk(&outlet->out, buf_view(&outlet->scratch));
}

static void
add_field(struct load_outlet *outlet, const char *field, unsigned stream,
    struct view event)
{
	const char *value = strchr(field, '=');
	add_bulk(&outlet->out, view_make(field, (size_t)(value - field)));
	add_expanded(outlet, value + 1, stream, event);
}

static void
add_xadd(struct load_outlet *outlet, unsigned stream, struct view event)
{
	const struct load_place *place = outlet->place;
	buf_addf(&outlet->out, "*%zu\r\n", 3 + 2 * place->field_count);
	add_bulk(&outlet->out, view_of("XADD"));
	add_expanded(outlet, place->key, stream, event);
	add_bulk(&outlet->out, view_of("*"));
	for (size_t i = 0; i < place->field_count; i++)
		add_field(outlet, place->fields[i], stream, event);
}

static void
add_post(struct load_outlet *outlet, unsigned stream, struct view event)
{
	buf_add_text(&outlet->out, "POST ");
	load_template(
	    &outlet->out, outlet->http.path, outlet->place->run, stream, event);
	buf_addf(&outlet->out,
	    " HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n\r\n",
	    outlet->http.authority, event.len);
	buf_add(&outlet->out, event);
}

void
load_outlet_begin(struct load_outlet *outlet)
{
	if (outlet->is_http)
		return;
	outlet->in_batch = true;
	buf_add_text(&outlet->out, "*1\r\n$5\r\nMULTI\r\n");
}

void
load_outlet_end(struct load_outlet *outlet)
{
	if (outlet->in_batch)
		buf_add_text(&outlet->out, "*1\r\n$4\r\nEXEC\r\n");
	outlet->in_batch = false;
}

void
load_outlet_add(struct load_outlet *outlet, unsigned stream, struct view event)
{
	if (outlet->is_http)
		add_post(outlet, stream, event);
	else
		add_xadd(outlet, stream, event);
	outlet->sent++;
}

void
load_outlet_remove(struct load_outlet *outlet, unsigned stream)
{
	if (outlet->is_http)
		return;
	buf_add_text(&outlet->out, "*2\r\n$6\r\nUNLINK\r\n");
	add_expanded(outlet, outlet->place->key, stream, view_of(""));
}

/* --- sending and hearing --- */

static int
lost(const struct load_outlet *outlet, struct error *err)
{
	return error_set(err, outlet->is_http ? "--publish" : "--redis",
	    "the connection was lost");
}

static int
hear(struct load_outlet *outlet, struct error *err)
{
	char bytes[PIECE];
	ssize_t got = recv(outlet->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0)
		return lost(outlet, err);
	load_answers_read(&outlet->answers, bytes, (size_t)got);
	if (outlet->answers.refused)
		return error_set(
		    err, "an event was refused", "%s", outlet->answers.refusal);
	return 0;
}

static int
say(struct load_outlet *outlet, struct error *err)
{
	ssize_t put = send(outlet->fd, outlet->out.data + outlet->written,
	    outlet->out.len - outlet->written, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (put < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (put < 0)
		return lost(outlet, err);
	outlet->written += (size_t)put;
	if (outlet->written == outlet->out.len) {
		buf_clear(&outlet->out);
		outlet->written = 0;
	}
	return 0;
}

int
load_outlet_flush(struct load_outlet *outlet, struct error *err)
{
	while (outlet->out.len > 0) {
		if (say(outlet, err) != 0)
			return -1;
		short wanted = outlet->out.len ? POLLIN | POLLOUT : POLLIN;
		struct pollfd pollfd = { outlet->fd, wanted, 0 };
		if (poll(&pollfd, 1, outlet->out.len ? SETTLE_MS : 0) > 0 &&
		    pollfd.revents & ~POLLOUT && hear(outlet, err) != 0)
			return -1;
	}
	return hear(outlet, err);
}

int
load_outlet_settle(struct load_outlet *outlet, struct error *err)
{
	if (load_outlet_flush(outlet, err) != 0)
		return -1;
	while (outlet->answers.taken < outlet->sent) {
		struct pollfd pollfd = { outlet->fd, POLLIN, 0 };
		if (poll(&pollfd, 1, SETTLE_MS) == 0)
			return error_set(err, "", "no answer to events");
		if (hear(outlet, err) != 0)
			return -1;
	}
	return 0;
}

/* --- opening --- */

static void
greet(struct load_outlet *outlet, const struct redis_target *target)
{
	if (target->password) {
		buf_add_text(&outlet->out, target->user ? "*3\r\n" : "*2\r\n");
		add_bulk(&outlet->out, view_of("AUTH"));
		if (target->user)
			add_bulk(&outlet->out, view_of(target->user));
		add_bulk(&outlet->out, view_of(target->password));
	}
	buf_add_text(&outlet->out, "*2\r\n$6\r\nSELECT\r\n");
	buf_addf(&outlet->scratch, "%d", target->database);
	add_bulk(&outlet->out, buf_view(&outlet->scratch));
}

static int
open_redis(struct load_outlet *outlet, struct error *err)
{
	struct redis_target target;
	if (redis_target_parse(&target, view_of(outlet->place->redis), err) !=
	    0)
		return -1;
	outlet->fd = target.socket_path
	    ? load_dial_unix(target.socket_path, err)
	    : load_dial(target.host, target.port, err);
	if (outlet->fd >= 0)
		greet(outlet, &target);
	redis_target_fini(&target);
	return outlet->fd >= 0 ? 0 : -1;
}

static int
open_http(struct load_outlet *outlet, struct error *err)
{
	if (load_url_parse(&outlet->http, outlet->place->http, "http", err) !=
	    0)
		return -1;
	outlet->is_http = true;
	outlet->fd = load_dial(outlet->http.host, outlet->http.port, err);
	return outlet->fd >= 0 ? 0 : -1;
}

struct load_outlet *
load_outlet_open(const struct load_place *place, struct error *err)
{
	struct load_outlet *outlet = xcalloc(1, sizeof(*outlet));
	outlet->place = place;
	outlet->fd = -1;
	buf_init(&outlet->out, 0);
	buf_init(&outlet->scratch, 0);
	int rc = place->http ? open_http(outlet, err) : open_redis(outlet, err);
	if (rc == 0)
		rc = load_outlet_flush(outlet, err);
	if (rc != 0)
		load_outlet_close(&outlet);
	return outlet;
}

void
load_outlet_close(struct load_outlet **outlet)
{
	if (!*outlet)
		return;
	if ((*outlet)->fd >= 0)
		close((*outlet)->fd);
	load_url_fini(&(*outlet)->http);
	buf_fini(&(*outlet)->out);
	buf_fini(&(*outlet)->scratch);
	free(*outlet);
	*outlet = NULL;
}
