/* SPDX-License-Identifier: MIT */
#include "connection_redis.h"

#include "fuzz.h"
#include "xmalloc.h"

#define FEED_BYTES 4000

/* --- streams --- */

struct fake_stream *
fake_redis_find(struct fake_redis *redis, struct view key)
{
	struct fake_stream **at = &redis->streams;
	while (*at != NULL && !view_equal((*at)->key, key))
		at = &(*at)->next;
	if (*at != NULL)
		return *at;
	*at = xcalloc(1, sizeof(**at));
	(*at)->key = view_make(xstrndup(key.data, key.len), key.len);
	model_init(&(*at)->model, "");
	return *at;
}

struct fake_stream *
fake_redis_stream(struct fake_redis *redis, size_t n)
{
	size_t count = 0;
	for (struct fake_stream *at = redis->streams; at; at = at->next)
		count++;
	struct fake_stream *stream = redis->streams;
	for (size_t i = count > 0 ? n % count : 0; i > 0; i--)
		stream = stream->next;
	return stream;
}

/* Who must get it, by every mode. */
static char
who_gets(struct fake_redis *redis, struct view key, const char *event,
    struct entry_id command)
{
	const struct batch_entry entry = { .id = { 1, 0 },
		.has_event = true,
		.event = view_of(event),
		.command = command };
	unsigned bits = 0xff;
	for (size_t i = 0; i < 2; i++) {
		struct verdict verdict;
		unsigned now = 0;
		judge_entry(
		    redis->judges[i], key, &entry, LOOK_AGAIN, &verdict);
		for (size_t e = 0; e < redis->endpoints; e++)
			if (verdict.view[e] == VIEW_DELIVER &&
			    !verdict.direct[e])
				now |= 1u << e;
		bits &= now;
	}
	return (char)bits;
}

void
fake_redis_add(struct fake_redis *redis, struct fake_stream *stream,
    const char *event, struct entry_id command)
{
	char kind = who_gets(redis, stream->key, event, command);
	model_add_text(
	    &stream->model, FAKE_REDIS_MS + redis->now_ms, kind, event)
	    ->command = command;
}

void
fake_redis_drop(struct fake_redis *redis, struct fake_stream *stream)
{
	if (!stream->model.exists)
		return;
	redis->now_ms += 2;
	model_drop(&stream->model);
}

/* --- the source --- */

static struct fake_followed **
find_followed(struct fake_redis *redis, uint64_t stream_id)
{
	struct fake_followed **at = &redis->followed;
	while (*at != NULL && (*at)->stream_id != stream_id)
		at = &(*at)->next;
	return at;
}

static void
ask(struct fake_redis *redis, const struct fake_request *request)
{
	struct fake_request **at = &redis->requests;
	while (*at != NULL)
		at = &(*at)->next;
	*at = xmalloc(sizeof(**at));
	**at = *request;
}

static void
ask_for_info(struct fake_redis *redis, uint64_t stream_id)
{
	const struct fake_request request = { .stream_id = stream_id };
	must(*find_followed(redis, stream_id) != NULL);
	if (redis->is_up)
		ask(redis, &request);
}

static void
follow(void *arg, uint64_t stream_id, struct view key)
{
	struct fake_redis *redis = arg;
	struct fake_followed **at = find_followed(redis, stream_id);
	must(*at == NULL);
	*at = xcalloc(1, sizeof(**at));
	(*at)->stream_id = stream_id;
	(*at)->stream = fake_redis_find(redis, key);
	ask_for_info(redis, stream_id);
}

static void
unfollow(void *arg, uint64_t stream_id)
{
	struct fake_followed **at = find_followed(arg, stream_id);
	struct fake_followed *gone = *at;
	must(gone != NULL);
	*at = gone->next;
	free(gone);
}

static void
inspect(void *arg, uint64_t stream_id)
{
	ask_for_info(arg, stream_id);
}

static void
fetch(void *arg, uint64_t stream_id, uint64_t window_id, struct entry_id after,
    uint64_t since_ms, size_t max_bytes)
{
	struct fake_redis *redis = arg;
	const struct fake_request request = { .is_fetch = true,
		.stream_id = stream_id,
		.window_id = window_id,
		.after = after,
		.since_ms = since_ms,
		.max_bytes = max_bytes };
	must(redis->is_up && max_bytes > 0);
	ask(redis, &request);
}

const struct hub_source_ops fake_source_ops = {
	.follow = follow,
	.unfollow = unfollow,
	.inspect = inspect,
	.fetch = fetch,
};

/* --- its answers --- */

static struct fake_request **
find_request(struct fake_redis *redis, size_t n)
{
	size_t count = 0;
	for (struct fake_request *at = redis->requests; at; at = at->next)
		count++;
	struct fake_request **at = &redis->requests;
	for (size_t i = count > 0 ? n % count : 0; i > 0; i--)
		at = &(*at)->next;
	return at;
}

static void
read_for(struct fake_redis *redis, struct fake_request *request)
{
	const struct fake_followed *followed =
	    *find_followed(redis, request->stream_id);
	if (request->is_read || !request->is_fetch)
		return;
	request->is_read = true;
	if (followed != NULL)
		model_read(&followed->stream->model, request->after,
		    request->since_ms, request->max_bytes, &request->read);
}

void
fake_redis_read(struct fake_redis *redis, size_t n)
{
	struct fake_request **at = find_request(redis, n);
	if (*at != NULL)
		read_for(redis, *at);
}

static void
answer_info(struct fake_redis *redis, uint64_t stream_id)
{
	struct fake_followed *followed = *find_followed(redis, stream_id);
	struct stream_info info;
	if (followed == NULL)
		return;
	model_info(
	    &followed->stream->model, FAKE_REDIS_MS + redis->now_ms, &info);
	if (!followed->is_open) {
		followed->is_open = !info.wrong_type;
		if (!followed->has_position)
			followed->position = info.newest;
		followed->has_position = true;
	}
	hub_stream_opened(redis->hub, stream_id, &info, redis->now_ms);
}

void
fake_redis_answer(struct fake_redis *redis, size_t n)
{
	struct fake_request **at = find_request(redis, n);
	struct fake_request *request = *at;
	if (request == NULL)
		return;
	*at = request->next;
	read_for(redis, request);
	if (!request->is_fetch)
		answer_info(redis, request->stream_id);
	else
		hub_window(redis->hub, request->stream_id, request->window_id,
		    &request->read.batch, request->read.reached_tail,
		    redis->now_ms);
	model_read_fini(&request->read);
	free(request);
}

static bool
feed(struct fake_redis *redis, struct fake_followed *followed, size_t max_bytes)
{
	struct model_read read;
	if (!redis->is_up || !followed->is_open)
		return false;
	if (followed->stream->model.wrong_type) {
		followed->is_open = false;
		answer_info(redis, followed->stream_id);
		return true;
	}
	model_read(
	    &followed->stream->model, followed->position, 0, max_bytes, &read);
	bool is_news = read.batch.has_gap || read.batch.count > 0;
	followed->position = read.batch.through;
	if (is_news)
		hub_stream_feed(redis->hub, followed->stream_id, &read.batch,
		    redis->now_ms);
	model_read_fini(&read);
	return is_news;
}

bool
fake_redis_feed(
    struct fake_redis *redis, struct fake_stream *stream, size_t max_bytes)
{
	struct fake_followed *at = redis->followed;
	while (at != NULL && at->stream != stream)
		at = at->next;
	return at != NULL && feed(redis, at, max_bytes);
}

/* --- it goes and comes --- */

static void
forget_requests(struct fake_redis *redis)
{
	while (redis->requests != NULL) {
		struct fake_request *gone = redis->requests;
		redis->requests = gone->next;
		model_read_fini(&gone->read);
		free(gone);
	}
}

void
fake_redis_down(struct fake_redis *redis)
{
	if (!redis->is_up)
		return;
	redis->is_up = false;
	for (struct fake_followed *at = redis->followed; at; at = at->next)
		at->is_open = false;
	hub_source_down(redis->hub);
	for (struct fake_request *at = redis->requests; at; at = at->next)
		if (at->is_fetch)
			hub_window_failed(
			    redis->hub, at->stream_id, at->window_id);
	forget_requests(redis);
	session_env_redis(redis->env, false, "closed", redis->now_ms);
	while (redis->command_count > 0)
		fake_redis_settle_command(
		    redis, 0, (struct sink_answer){ .outcome = SINK_DEGRADED });
}

void
fake_redis_up(struct fake_redis *redis)
{
	if (redis->is_up)
		return;
	redis->is_up = true;
	hub_source_up(redis->hub, redis->now_ms);
	for (struct fake_followed *at = redis->followed; at; at = at->next)
		ask_for_info(redis, at->stream_id);
	session_env_redis(redis->env, true, NULL, redis->now_ms);
}

/* --- the sink --- */

static int
submit(void *arg, const struct command *command, enum sink_outcome *outcome_r)
{
	struct fake_redis *redis = arg;
	must(command->frame.len > 0 && command->type.len > 0);
	must(command->session.len > 0 && command->events.len > 0);
	must(command->connection.len > 0 && command->traceparent.len > 0);
	*outcome_r = redis->is_up ? SINK_OVERLOADED : SINK_DEGRADED;
	if (!redis->is_up || redis->command_count == FAKE_COMMANDS)
		return -1;
	redis->commands[redis->command_count++] =
	    (struct fake_command){ .session_id = command->session_id,
		    .ticket = command->ticket };
	return 0;
}

static void
keep(void *arg, struct view tenant, struct view user, struct view session,
    struct view connection, struct entry_id command)
{
	(void)arg;
	must(tenant.len > 0 && user.len > 0 && session.len > 0);
	must(connection.len > 0 && !entry_id_is_zero(command));
}

static int
ask_owner(void *arg, const struct owner_question *question)
{
	struct fake_redis *redis = arg;
	must(question->connection.len > 0);
	must(!entry_id_is_zero(question->command));
	if (!redis->is_up || redis->question_count == FAKE_COMMANDS)
		return -1;
	redis->questions[redis->question_count++] =
	    (struct fake_question){ .session_id = question->session_id,
		    .command = question->command };
	return 0;
}

void
fake_redis_tell_owner(struct fake_redis *redis, bool has_moved)
{
	if (redis->question_count == 0)
		return;
	struct fake_question question = redis->questions[0];
	redis->question_count--;
	memmove(&redis->questions[0], &redis->questions[1],
	    redis->question_count * sizeof(question));
	session_owner_told(redis->env, question.session_id, question.command,
	    has_moved, redis->now_ms);
}

const struct sink_ops fake_sink_ops = {
	.ask_owner = ask_owner,
	.submit = submit,
	.release = keep,
	.renew = keep,
};

struct sink_answer
fake_redis_stored(struct fake_redis *redis)
{
	redis->last_command.ms++;
	return (struct sink_answer){ .outcome = SINK_STORED,
		.id = redis->last_command };
}

void
fake_redis_settle_command(
    struct fake_redis *redis, size_t n, struct sink_answer answer)
{
	if (redis->command_count == 0)
		return;
	n %= redis->command_count;
	struct fake_command command = redis->commands[n];
	redis->command_count--;
	memmove(&redis->commands[n], &redis->commands[n + 1],
	    (redis->command_count - n) * sizeof(command));
	session_answer(redis->env, command.session_id, command.ticket, &answer,
	    redis->now_ms);
}

/* --- all --- */

bool
fake_redis_say_all(struct fake_redis *redis)
{
	bool said = redis->requests != NULL || redis->command_count > 0 ||
	    redis->question_count > 0;
	while (redis->question_count > 0)
		fake_redis_tell_owner(redis, false);
	while (redis->requests != NULL)
		fake_redis_answer(redis, 0);
	while (redis->command_count > 0)
		fake_redis_settle_command(redis, 0, fake_redis_stored(redis));
	for (struct fake_followed *at = redis->followed; at; at = at->next)
		said |= feed(redis, at, FEED_BYTES);
	return said;
}

void
fake_redis_fini(struct fake_redis *redis)
{
	must(redis->followed == NULL);
	forget_requests(redis);
	while (redis->streams != NULL) {
		struct fake_stream *gone = redis->streams;
		redis->streams = gone->next;
		model_fini(&gone->model);
		free((char *)(uintptr_t)gone->key.data);
		free(gone);
	}
}
