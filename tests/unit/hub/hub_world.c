/* SPDX-License-Identifier: MIT */
#include "hub_world.h"

#include "hub_parts.h"

#include <assert.h>
#include <stdlib.h>

static const struct hub_options SMALL = { .subscriber_bytes = 2000,
	.total_bytes = 1 << 20,
	.run_bytes = 600,
	.window_bytes = 700,
	.windows_in_flight = 3 };

static struct followed *
find_followed(struct world *world, uint64_t stream_id)
{
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		if (world->followed[i].stream_id == stream_id)
			return &world->followed[i];
	return NULL;
}

static void
push_request(struct world *world, struct request request)
{
	assert(world->request_count <
	    sizeof(world->requests) / sizeof(world->requests[0]));
	world->requests[world->request_count++] = request;
}

static void
follow(void *arg, uint64_t stream_id, struct view key)
{
	struct world *world = arg;
	struct followed *followed = find_followed(world, 0);
	assert(followed != NULL);
	*followed = (struct followed){ .stream_id = stream_id };
	for (size_t i = 0; i < world->stream_count; i++)
		if (view_is(key, world->streams[i].key))
			followed->stream = &world->streams[i];
	assert(followed->stream != NULL);
	if (world->is_up)
		push_request(world,
		    (struct request){
			.kind = REQUEST_OPEN, .stream_id = stream_id });
}

static void
unfollow(void *arg, uint64_t stream_id)
{
	struct followed *followed = find_followed(arg, stream_id);
	assert(followed != NULL);
	*followed = (struct followed){ 0 };
}

static void
inspect(void *arg, uint64_t stream_id)
{
	struct world *world = arg;
	assert(find_followed(world, stream_id) != NULL);
	if (world->is_up)
		push_request(world,
		    (struct request){
			.kind = REQUEST_OPEN, .stream_id = stream_id });
}

static void
fetch(void *arg, uint64_t stream_id, uint64_t window_id, struct entry_id after,
    uint64_t since_ms, size_t max_bytes)
{
	struct world *world = arg;
	assert(world->is_up);
	push_request(world,
	    (struct request){ .kind = REQUEST_FETCH,
		.stream_id = stream_id,
		.window_id = window_id,
		.after = after,
		.since_ms = since_ms,
		.max_bytes = max_bytes });
}

static const struct hub_source_ops source_ops = {
	.follow = follow,
	.unfollow = unfollow,
	.inspect = inspect,
	.fetch = fetch,
};

void
world_init(struct world *world, const struct hub_options *options)
{
	*world = (struct world){ .is_up = true };
	world->endpoints[0] =
	    (struct contract_endpoint){ .name = "zero", .splice_cursor = true };
	world->endpoints[1] =
	    (struct contract_endpoint){ .name = "one", .splice_cursor = true };
	world->contract = (struct contract){ .endpoints = world->endpoints,
		.endpoint_count = 2 };
	world->hub =
	    hub_new(options == NULL ? &SMALL : options, &world->contract,
		fake_judge(&world->judge), &world->stats, &source_ops, world);
}

void
world_fini(struct world *world)
{
	struct hub_figures figures;
	hub_figures(world->hub, &figures);
	hub_check(world->hub);
	assert(figures.streams == 0 && figures.subscriptions == 0);
	assert(figures.behind == 0 && figures.blocks == 0);
	assert(figures.block_bytes == 0 && figures.windows == 0);
	hub_free(&world->hub);
	for (size_t i = 0; i < world->request_count; i++)
		model_read_fini(&world->requests[i].read);
	for (size_t i = 0; i < world->stream_count; i++)
		model_fini(&world->streams[i]);
}

struct model_stream *
world_stream(struct world *world, const char *key)
{
	assert(world->stream_count < WORLD_STREAMS);
	struct model_stream *stream = &world->streams[world->stream_count++];
	model_init(stream, key);
	return stream;
}

struct model_entry *
world_add(struct world *world, struct model_stream *stream, char kind)
{
	return model_add(
	    stream, WORLD_REDIS_MS + world->now_ms, kind, 50, ENTRY_ID_ZERO);
}

/* Redis answers: what is read is what is there now. */
bool
world_read_request(struct world *world, size_t index)
{
	struct request *request = &world->requests[index];
	struct followed *followed = find_followed(world, request->stream_id);
	if (request->is_read || request->kind != REQUEST_FETCH)
		return false;
	request->is_read = true;
	if (followed == NULL)
		request->read = (struct model_read){ 0 };
	else
		model_read(followed->stream, request->after, request->since_ms,
		    request->max_bytes, &request->read);
	return true;
}

static void
answer_open(struct world *world, uint64_t stream_id)
{
	struct followed *followed = find_followed(world, stream_id);
	struct stream_info info;
	if (followed == NULL)
		return;
	model_info(followed->stream, WORLD_REDIS_MS + world->now_ms, &info);
	if (!followed->is_open) {
		followed->is_open = !info.wrong_type;
		if (!followed->has_position)
			followed->position = info.newest;
		followed->has_position = true;
	}
	hub_stream_opened(world->hub, stream_id, &info, world->now_ms);
}

void
world_answer_request(struct world *world, size_t index)
{
	world_read_request(world, index);
	struct request request = world->requests[index];
	world->request_count--;
	memmove(&world->requests[index], &world->requests[index + 1],
	    (world->request_count - index) * sizeof(request));
	if (request.kind == REQUEST_OPEN)
		answer_open(world, request.stream_id);
	else
		hub_window(world->hub, request.stream_id, request.window_id,
		    &request.read.batch, request.read.reached_tail,
		    world->now_ms);
	model_read_fini(&request.read);
}

/* A read that brings news moves the position on, as that of the source does:
 * else the next would bring the same news, for ever. */
static bool
feed(struct world *world, struct followed *followed)
{
	struct model_read read;
	if (!world->is_up || !followed->is_open)
		return false;
	model_read(followed->stream, followed->position, 0, 400, &read);
	bool is_news = read.batch.has_gap || read.batch.count > 0;
	assert(!is_news ||
	    entry_id_compare(followed->position, read.batch.through) != 0);
	followed->position = read.batch.through;
	if (is_news)
		hub_stream_feed(world->hub, followed->stream_id, &read.batch,
		    world->now_ms);
	model_read_fini(&read);
	return is_news;
}

bool
world_feed(struct world *world, struct model_stream *stream)
{
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		if (world->followed[i].stream == stream)
			return feed(world, &world->followed[i]);
	return false;
}

void
world_down(struct world *world)
{
	world->is_up = false;
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		world->followed[i].is_open = false;
	hub_source_down(world->hub);
	for (size_t i = 0; i < world->request_count; i++) {
		struct request *request = &world->requests[i];
		if (request->kind == REQUEST_FETCH)
			hub_window_failed(
			    world->hub, request->stream_id, request->window_id);
		model_read_fini(&request->read);
	}
	world->request_count = 0;
}

void
world_up(struct world *world)
{
	world->is_up = true;
	hub_source_up(world->hub, world->now_ms);
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		if (world->followed[i].stream_id != 0)
			push_request(world,
			    (struct request){ .kind = REQUEST_OPEN,
				.stream_id = world->followed[i].stream_id });
}

unsigned
world_settle(struct world *world)
{
	unsigned rounds = 0;
	bool is_busy = true;
	while (is_busy) {
		is_busy = world->request_count > 0;
		while (world->request_count > 0)
			world_answer_request(world, 0);
		for (size_t i = 0; i < WORLD_STREAMS; i++)
			if (world->followed[i].stream_id != 0)
				is_busy |= feed(world, &world->followed[i]);
		is_busy |= hub_is_dirty(world->hub);
		hub_flush(world->hub, world->now_ms);
		hub_check(world->hub);
		assert(++rounds < 10000);
	}
	return rounds;
}
