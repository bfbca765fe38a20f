/* SPDX-License-Identifier: MIT */
#include "fetch.h"

#include "buf.h"
#include "fetch_keeper.h"
#include "xmalloc.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <uv.h>

#define MAGIC     0x66657463u
#define READ_SIZE 16384

struct fetch {
	uint32_t magic;
	fetch_done_fn *done;
	void *arg;
	pid_t keeper;
	uv_pipe_t channel;
	uv_timer_t lost; /* tells of a keeper that is gone, from the loop */
	uv_write_t write;
	unsigned open_handles;
	bool is_lost; /* the keeper is gone */
	bool is_under_way;
	struct buf order; /* while it is written */
	struct buf answer;
};

static const struct {
	enum fetch_end end;
	const char *name;
} names[] = {
	{ FETCH_FINE, "fine" },
	{ FETCH_URL, "no usable URL" },
	{ FETCH_DNS, "the host's name is not known" },
	{ FETCH_REFUSED, "no connection" },
	{ FETCH_TIMEOUT, "no answer within 2 s" },
	{ FETCH_TLS, "TLS failed, or the certificate is not trusted" },
	{ FETCH_STATUS, "an HTTP status that is not 200" },
	{ FETCH_TOO_LARGE, "over 64 KiB" },
	{ FETCH_PROTOCOL, "no proper HTTP answer" },
	{ FETCH_NO_PROGRAM, "relay-fetch cannot be started" },
};

const char *
fetch_end_name(enum fetch_end end)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].end == end)
			return names[i].name;
	return "relay-fetch failed";
}

static struct fetch *
fetch_of(void *data)
{
	struct fetch *fetch = data;
	assert(fetch->magic == MAGIC);
	return fetch;
}

static void
finish(struct fetch *fetch, enum fetch_end end, struct view document)
{
	if (!fetch->is_under_way)
		return;
	fetch->is_under_way = false;
	fetch->done(fetch->arg, end, document);
	if (!fetch->is_under_way)
		buf_clear(&fetch->answer);
}

static void
on_lost(uv_timer_t *timer)
{
	finish(fetch_of(timer->data), FETCH_NO_PROGRAM, view_make(NULL, 0));
}

static void
lose(struct fetch *fetch)
{
	fetch->is_lost = true;
	uv_timer_start(&fetch->lost, on_lost, 0, 0);
}

/* --- the channel --- */

/* All of a result is there. */
static void
take_answer(struct fetch *fetch)
{
	struct fetch_result result;
	struct view all = buf_view(&fetch->answer);
	if (all.len < sizeof(result))
		return;
	memcpy(&result, all.data, sizeof(result));
	if (all.len < sizeof(result) + result.size)
		return;
	finish(fetch, (enum fetch_end)result.end,
	    view_make(all.data + sizeof(result), result.size));
}

static void
on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *room_r)
{
	struct fetch *fetch = fetch_of(handle->data);
	(void)suggested;
	*room_r =
	    uv_buf_init(buf_reserve(&fetch->answer, READ_SIZE), READ_SIZE);
}

static void
on_bytes(uv_stream_t *stream, ssize_t count, const uv_buf_t *room)
{
	struct fetch *fetch = fetch_of(stream->data);
	(void)room;
	if (count < 0) {
		uv_read_stop(stream);
		lose(fetch);
		return;
	}
	fetch->answer.len += (size_t)count;
	take_answer(fetch);
}

static void
on_written(uv_write_t *write, int status)
{
	struct fetch *fetch = fetch_of(write->data);
	(void)status; /* the channel's end says it too */
	buf_wipe(&fetch->order);
}

void
fetch_start(struct fetch *fetch, const char *url)
{
	struct fetch_order order = { .size = (uint32_t)strlen(url) };
	assert(!fetch->is_under_way);
	fetch->is_under_way = true;
	buf_clear(&fetch->answer);
	if (fetch->is_lost || order.size > FETCH_URL_MAX) {
		uv_timer_start(&fetch->lost, on_lost, 0, 0);
		return;
	}
	buf_add(&fetch->order, view_make(&order, sizeof(order)));
	buf_add_text(&fetch->order, url);
	uv_buf_t bytes =
	    uv_buf_init(fetch->order.data, (unsigned)fetch->order.len);
	fetch->write.data = fetch;
	uv_write(&fetch->write, (uv_stream_t *)&fetch->channel, &bytes, 1,
	    on_written);
}

bool
fetch_is_under_way(const struct fetch *fetch)
{
	return fetch->is_under_way;
}

/* --- life --- */

static void
open_channel(struct fetch *fetch)
{
	int channel;
	fetch->keeper = fetch_keeper_fork(&channel);
	if (fetch->keeper == -1) {
		fetch->is_lost = true;
		return;
	}
	uv_pipe_open(&fetch->channel, channel);
	uv_read_start((uv_stream_t *)&fetch->channel, on_room, on_bytes);
}

struct fetch *
fetch_new(uv_loop_t *loop, fetch_done_fn *done, void *arg)
{
	struct fetch *fetch = xcalloc(1, sizeof(*fetch));
	fetch->magic = MAGIC;
	fetch->done = done;
	fetch->arg = arg;
	buf_init(&fetch->order, 0);
	buf_init(&fetch->answer, 0);
	uv_timer_init(loop, &fetch->lost);
	uv_pipe_init(loop, &fetch->channel, 0);
	fetch->lost.data = fetch;
	fetch->channel.data = fetch;
	fetch->open_handles = 2;
	open_channel(fetch);
	return fetch;
}

/* The channel is closed by now: the keeper ends. */
static void
on_closed(uv_handle_t *handle)
{
	struct fetch *fetch = fetch_of(handle->data);
	if (--fetch->open_handles > 0)
		return;
	while (fetch->keeper > 0 && waitpid(fetch->keeper, NULL, 0) == -1 &&
	    errno == EINTR)
		continue;
	buf_wipe(&fetch->order);
	buf_fini(&fetch->answer);
	fetch->magic = 0;
	free(fetch);
}

void
fetch_free(struct fetch **fetch_p)
{
	struct fetch *fetch = *fetch_p;
	if (!fetch)
		return;
	fetch->is_under_way = false;
	uv_close((uv_handle_t *)&fetch->lost, on_closed);
	uv_close((uv_handle_t *)&fetch->channel, on_closed);
	*fetch_p = NULL;
}
