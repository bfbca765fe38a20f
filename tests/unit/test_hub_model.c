/* SPDX-License-Identifier: MIT */

/*
 * A random life of a hub: entries come, are trimmed, deleted, whole streams
 * vanish; clients connect, resume, read slowly, stop, go; Redis is lost and
 * comes back; reads of Redis and their answers are apart. Each client knows
 * what it must get (hub/model_client.h). RELAY_MODEL_SEED runs one seed,
 * RELAY_MODEL_SEEDS so many.
 */

#include "hub_parts.h"
#include "model_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STREAMS 5
#define CLIENTS 14
#define STEPS   4000

struct life {
	struct world world;
	struct model_client clients[CLIENTS];
	struct client_faults faults;
	uint64_t random;
	uint64_t resets; /* new lives of streams */
};

static uint64_t
draw(struct life *life, uint64_t below)
{
	/* splitmix64 */
	uint64_t z = life->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return (z ^ z >> 31) % below;
}

static bool
one_in(struct life *life, uint64_t n)
{
	return draw(life, n) == 0;
}

static struct model_stream *
any_stream(struct life *life)
{
	return &life->world.streams[draw(life, STREAMS)];
}

/* Streams of odd number may begin anew. */
static bool
can_reset(const struct life *life, const struct model_stream *stream)
{
	return (stream - life->world.streams) % 2 == 1;
}

static void
add_entry(struct life *life, struct model_stream *stream)
{
	static const char kinds[] = "aaaaaaaaaaaa0011ttddrnn";
	char kind = kinds[draw(life, sizeof(kinds) - 1)];
	struct entry_id command = ENTRY_ID_ZERO;
	uint64_t padding = draw(life, one_in(life, 300) ? 70000 : 200);
	if (kind == 'd' && !one_in(life, 4))
		command.ms = draw(life, CLIENTS) + 1;
	model_add(stream, WORLD_REDIS_MS + life->world.now_ms, kind,
	    (size_t)padding, command);
}

static void
change_stream(struct life *life)
{
	struct model_stream *stream = any_stream(life);
	uint64_t burst = one_in(life, 10) ? draw(life, 60) : draw(life, 4);
	for (uint64_t i = 0; i <= burst; i++)
		add_entry(life, stream);
	if (one_in(life, 40))
		model_trim(stream, draw(life, 50));
	if (one_in(life, 60) && stream->count > stream->first) {
		uint64_t n = draw(life, stream->count - stream->first);
		model_delete(stream, stream->entries[stream->first + n].id);
	}
	if (!one_in(life, 120) || !can_reset(life, stream) || !stream->exists)
		return;
	life->world.now_ms += 2; /* ids of another life are other ids */
	life->resets++;
	if (one_in(life, 2))
		model_drop(stream);
	else
		model_rewind(stream, draw(life, 30));
}

static struct start
resume_from(struct life *life, struct model_client *client)
{
	struct start start = { .kind = START_AFTER, .after = client->last };
	const struct model_stream *stream = client->stream;
	uint64_t present = stream->count - stream->first;
	if (present > 0 && one_in(life, 3)) {
		uint64_t n = stream->first + draw(life, present);
		client->last = start.after = stream->entries[n].id;
		client->generation = stream->generation;
	} else if (one_in(life, 6)) {
		client->last = start.after = ENTRY_ID_ZERO;
		client->generation = client->can_reset ? 0 : 1;
	}
	return start;
}

static void
connect_client(struct life *life, struct model_client *client)
{
	struct start start = { .kind = START_LIVE };
	bool held = false;
	uint64_t choice = draw(life, 10);
	if (choice < 6 && client->has_cursor) {
		start = resume_from(life, client);
	} else if (choice < 8) {
		start.kind = START_SINCE;
		start.since_ms =
		    WORLD_REDIS_MS + draw(life, life->world.now_ms + 1);
	} else {
		held = one_in(life, 2);
	}
	model_client_connect(client, start, held);
}

/* Anywhere in what there is now, or from the beginning. */
static void
release_or_seek(struct life *life, struct model_client *client)
{
	const struct model_stream *stream = client->stream;
	uint64_t present = stream->count - stream->first;
	if (present == 0 || one_in(life, 2)) {
		model_client_release(client);
		return;
	}
	uint64_t n = stream->first + draw(life, present);
	model_client_seek(
	    client, one_in(life, 8) ? ENTRY_ID_ZERO : stream->entries[n].id);
}

static void
read_client(struct life *life, struct model_client *client)
{
	bool is_slow = !one_in(life, 4);
	client->listener.owns_unknown = one_in(life, 12);
	listener_read(&client->listener, is_slow ? (int)draw(life, 6) + 1 : -1);
}

static void
act_as_client(struct life *life)
{
	struct model_client *client = &life->clients[draw(life, CLIENTS)];
	if (client->listener.subscription == NULL) {
		connect_client(life, client);
		return;
	}
	if (client->held && one_in(life, 3)) {
		release_or_seek(life, client);
		return;
	}
	switch (draw(life, 12)) {
	case 0:
		model_client_disconnect(client);
		break;
	case 1:
		client->listener.is_gone |= one_in(life, 4);
		break;
	default:
		read_client(life, client);
	}
}

static void
act_as_redis(struct life *life)
{
	struct world *world = &life->world;
	if (one_in(life, 150) && world->is_up)
		world_down(world);
	else if (!world->is_up && one_in(life, 6))
		world_up(world);
	if (world->request_count > 0) {
		size_t index = (size_t)draw(life, world->request_count);
		if (one_in(life, 2))
			world_read_request(world, index);
		else
			world_answer_request(world, index);
	}
	world_feed(world, any_stream(life));
}

static void
act_as_worker(struct life *life)
{
	struct world *world = &life->world;
	world->now_ms += one_in(life, 200) ? draw(life, 16000) : draw(life, 20);
	if (one_in(life, 4))
		hub_tick(world->hub, world->now_ms);
	hub_flush(world->hub, world->now_ms);
	if (one_in(life, 8))
		hub_check(world->hub);
}

static void
step(struct life *life)
{
	switch (draw(life, 8)) {
	case 0:
	case 1:
		change_stream(life);
		break;
	case 2:
	case 3:
		act_as_client(life);
		break;
	case 4:
	case 5:
		act_as_redis(life);
		break;
	default:
		act_as_worker(life);
	}
}

/* Small enough that every bound is met. */
static struct hub_options
draw_options(struct life *life)
{
	return (struct hub_options){
		.subscriber_bytes = 500 + (size_t)draw(life, 4000),
		.total_bytes = (2 + (size_t)draw(life, 6)) * 65536,
		.run_bytes = 200 + (size_t)draw(life, 1000),
		.window_bytes = 600 + (size_t)draw(life, 2000),
		.windows_in_flight = 2 + (unsigned)draw(life, 4),
	};
}

static void
begin(struct life *life, uint64_t seed)
{
	*life = (struct life){ .random = seed };
	struct hub_options options = draw_options(life);
	world_init(&life->world, &options);
	for (size_t i = 0; i < STREAMS; i++) {
		char key[8];
		snprintf(key, sizeof(key), "s%zu", i);
		world_stream(&life->world, key);
	}
	for (size_t i = 0; i < CLIENTS; i++) {
		struct model_client *client = &life->clients[i];
		struct model_stream *stream = any_stream(life);
		model_client_init(client, &life->world, stream, &life->faults);
		client->can_reset = can_reset(life, stream);
		client->endpoint = (size_t)draw(life, 2);
		client->notices = !one_in(life, 3);
		client->listener.owner = i + 1;
		client->listener.deflate_bits =
		    one_in(life, 2) ? 0 : 9 + (unsigned)draw(life, 7);
		client->listener.is_straight = !one_in(life, 3);
	}
}

static void
free_everybody(struct life *life)
{
	if (!life->world.is_up)
		world_up(&life->world);
	for (size_t i = 0; i < CLIENTS; i++) {
		struct model_client *client = &life->clients[i];
		if (client->listener.is_gone)
			model_client_disconnect(client);
		if (client->listener.subscription == NULL)
			connect_client(life, client);
		if (client->held)
			release_or_seek(life, client);
		client->listener.owns_unknown = false;
		listener_read(&client->listener, -1);
	}
}

static struct model_stream *
asked_stream(struct world *world, size_t index)
{
	uint64_t stream_id = world->requests[index].stream_id;
	for (size_t i = 0; i < WORLD_STREAMS; i++)
		if (world->followed[i].stream_id == stream_id)
			return world->followed[i].stream;
	return &world->streams[0]; /* nobody follows it any more */
}

/* Between every read of Redis and its answer something is added and fed: those
 * behind must come to the tail all the same. */
static void
converge(struct life *life)
{
	struct world *world = &life->world;
	struct hub_figures figures = { .behind = 1 };
	unsigned rounds = 0;
	while (figures.behind > 0 || world->request_count > 0) {
		for (size_t i = 0; i < world->request_count; i++)
			world_read_request(world, i);
		for (size_t i = 0; i < world->request_count; i++)
			add_entry(life, asked_stream(world, i));
		for (size_t i = 0; i < STREAMS; i++)
			while (world_feed(world, &world->streams[i]))
				continue;
		while (world->request_count > 0)
			world_answer_request(world, 0);
		hub_tick(world->hub, world->now_ms += 100);
		hub_flush(world->hub, world->now_ms);
		hub_check(world->hub);
		hub_figures(world->hub, &figures);
		assert_true(++rounds < 5000);
	}
}

static void
end(struct life *life)
{
	for (size_t i = 0; i < CLIENTS; i++)
		model_client_finish(&life->clients[i]);
	for (size_t i = 0; i < CLIENTS; i++)
		model_client_fini(&life->clients[i]);
	world_fini(&life->world);
}

static uint64_t
sum(const struct client_faults *faults)
{
	return faults->lost + faults->silent + faults->duplicated +
	    faults->reordered + faults->altered + faults->misled;
}

static void
live_once(uint64_t seed)
{
	struct life *life = test_calloc(1, sizeof(*life));
	begin(life, seed);
	for (unsigned i = 0; i < STEPS && sum(&life->faults) == 0; i++)
		step(life);
	free_everybody(life);
	converge(life);
	world_settle(&life->world);
	uint64_t windows = stat_get(&life->world.stats, windows_read);
	uint64_t behind = stat_get(&life->world.stats, behind_entered);
	uint64_t sent = stat_get(&life->world.stats, frames_sent);
	uint64_t deflated = stat_get(&life->world.stats, frames_deflated);
	end(life);
	printf("seed %llu: %llu live frames, %llu windows, %llu fell behind, "
	       "%llu resets, %llu compressed, %llu faults\n",
	    (unsigned long long)seed, (unsigned long long)sent,
	    (unsigned long long)windows, (unsigned long long)behind,
	    (unsigned long long)life->resets, (unsigned long long)deflated,
	    (unsigned long long)sum(&life->faults));
	assert_int_equal(sum(&life->faults), 0);
	test_free(life);
}

static void
whatever_happens_every_client_gets_everything_once_in_order(void **state)
{
	const char *seed = getenv("RELAY_MODEL_SEED");
	const char *seeds = getenv("RELAY_MODEL_SEEDS");
	(void)state;
	if (seed != NULL) {
		live_once(strtoull(seed, NULL, 10));
		return;
	}
	uint64_t count = seeds == NULL ? 25 : strtoull(seeds, NULL, 10);
	for (uint64_t i = 1; i <= count; i++)
		live_once(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    whatever_happens_every_client_gets_everything_once_in_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
