/* SPDX-License-Identifier: MIT */

/* What producers add, what Redis loses, and when it speaks. */

#include "connection_play.h"

#define LARGE_EVENT 20000
#define WRONG_TYPE  255 /* SET on the key of a stream */

#define STEP                                                         \
	"\"run_id\":\"r\",\"workspace_id\":\"w\",\"user_id\":\"u\"," \
	"\"session_id\":\"a\",\"step\":null,\"summary\":null,"       \
	"\"sequence\":1,\"timestamp\":\"2026-05-30T12:00:03.125000Z\"}"

static const char *const events[] = {
	"{\"type\":\"execution_completed\"," STEP,
	" {\"type\":\"execution_completed\"," STEP "\n",
	"{\"type\":\"execution_step\"," STEP,
	"{\"type\":\"event\",\"data\":{\"kind\":\"x\"}}",
	"{\"type\":\"command_result\",\"command\":\"x\",\"result\":{}}",
	"{\"type\":\"error\",\"message\":\"m\"}",
	"{\"type\":\"execution_started\",\"cursor\":\"9-9\"}",
	"{ }",
	"[]",
	"{\"type\":\"unheard_of\",\"a\":\"\xc3\xa4\"}",
	"{\"type\":\"event\",\"a\":\"\xff\"}",
};
#define EVENT_COUNT (sizeof(events) / sizeof(events[0]))

void
play_publish(struct play *play)
{
	struct fake_stream *stream = play_next_stream(play);
	unsigned which = play_next_byte(play);
	unsigned count = play_next_byte(play) % 32;
	struct entry_id command = ENTRY_ID_ZERO;
	if (which & 128)
		command = play->redis.last_command;
	if (stream == NULL)
		return;
	for (unsigned i = 0; i <= count; i++)
		fake_redis_add(&play->redis, stream,
		    events[which % 128 % EVENT_COUNT], command);
}

void
play_publish_bytes(struct play *play)
{
	struct fake_stream *stream = play_next_stream(play);
	struct buf event;
	buf_init(&event, 0);
	buf_add(&event, play_next_bytes(play));
	buf_add_char(&event, '\0');
	if (stream != NULL)
		fake_redis_add(&play->redis, stream, event.data, ENTRY_ID_ZERO);
	buf_fini(&event);
}

void
play_publish_large(struct play *play)
{
	struct fake_stream *stream = play_next_stream(play);
	unsigned count = play_next_byte(play) % 8;
	struct buf event;
	if (stream == NULL)
		return;
	buf_init(&event, 0);
	buf_add_text(&event, "{\"pad\":\"");
	memset(buf_reserve(&event, LARGE_EVENT), 'x', LARGE_EVENT);
	event.len += LARGE_EVENT;
	buf_addf(&event, "\",%s", events[0] + 1);
	buf_add_char(&event, '\0');
	for (unsigned i = 0; i <= count; i++)
		fake_redis_add(&play->redis, stream, event.data, ENTRY_ID_ZERO);
	buf_fini(&event);
}

void
play_lose_entries(struct play *play)
{
	struct fake_stream *stream = play_next_stream(play);
	unsigned how = play_next_byte(play);
	if (stream == NULL || stream->model.count == 0)
		return;
	struct model_stream *model = &stream->model;
	if (how == WRONG_TYPE) {
		model->wrong_type = true; /* for good */
	} else if (how % 4 == 0) {
		fake_redis_drop(&play->redis, stream);
		play->now_ms = play->redis.now_ms;
		net_set_clock(play->now_ms);
	} else if (how % 4 == 1) {
		model_delete(model, model->entries[how / 4 % model->count].id);
	} else {
		model_trim(model, how / 4);
	}
}

void
play_answer_source(struct play *play)
{
	unsigned which = play_next_byte(play);
	if (which & 128)
		fake_redis_read(&play->redis, which & 127);
	else
		fake_redis_answer(&play->redis, which);
}

void
play_feed(struct play *play)
{
	struct fake_stream *stream = play_next_stream(play);
	size_t bytes = 1 + 32u * play_next_byte(play);
	if (stream != NULL)
		fake_redis_feed(&play->redis, stream, bytes);
}

void
play_answer_sink(struct play *play)
{
	static const enum sink_outcome outcomes[] = { SINK_STORED,
		SINK_REPEATED, SINK_DEGRADED, SINK_OVERLOADED, SINK_TIMEOUT };
	unsigned which = play_next_byte(play);
	struct sink_answer answer = fake_redis_stored(&play->redis);
	answer.outcome = outcomes[which / 8 % 5];
	if (answer.outcome == SINK_REPEATED) {
		answer.from.ms = which & 128 ? 0 : FAKE_REDIS_MS;
		answer.session = view_of(which & 64 ? "b" : "");
	}
	fake_redis_tell_owner(&play->redis, which & 32);
	fake_redis_settle_command(&play->redis, which % 8, answer);
}

void
play_turn_redis(struct play *play)
{
	if (play->redis.is_up)
		fake_redis_down(&play->redis);
	else
		fake_redis_up(&play->redis);
}

void
play_publish_once_more(struct play *play)
{
	struct fake_stream *at = play->redis.streams;
	for (; at != NULL; at = at->next)
		fake_redis_add(&play->redis, at, events[0], ENTRY_ID_ZERO);
}
