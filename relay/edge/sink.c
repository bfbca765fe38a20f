/* SPDX-License-Identifier: MIT */
#include "sink_parts.h"

#include "clock.h"
#include "log.h"
#include "sink_scripts.h"
#include "stream_key.h"
#include "xmalloc.h"

#include <openssl/sha.h>

#include <stdio.h>
#include <stdlib.h>

#define RECORDS_MAX     16 /* of de-duplication, in one hash */
#define RELEASE_MS      5000
#define OWNER_MS        1000
#define LEAST_SHARE     40 /* of commands.timeout_ms */
#define SUBMIT_WORDS    40
#define DIGEST_TEXT_MAX (2 * SHA256_DIGEST_LENGTH + 1)

/* A command that Redis has. */
struct inflight {
	struct sink *sink;
	uint64_t session_id;
	uint64_t ticket;
	uint64_t deadline_ms;
	size_t bytes;
};

/* The words of one script call: keys, then arguments. */
struct words {
	struct view at[SUBMIT_WORDS];
	size_t count;
	size_t keys;
};

static void
add_word(struct words *words, struct view word)
{
	words->at[words->count++] = word;
}

static void
add_text(struct words *words, const char *text)
{
	add_word(words, view_of(text));
}

static void
add_field(struct words *words, const char *name, struct view value)
{
	add_text(words, name);
	add_word(words, value);
}

static void
record_key(const struct sink *sink, const char *kind, struct view tenant,
    struct view user, struct view session, struct buf *out)
{
	buf_init(out, 0);
	buf_add(out, sink->options.prefix);
	buf_addf(out, "%s:{", kind);
	buf_add(out, sink->options.stream);
	buf_add_text(out, "}:");
	stream_key_identity(out, tenant, user, session);
}

/* `relay:dedup:{relay:commands}:T/U/S`, or …:T/U without a session. */
static void
dedup_key(const struct sink *sink, struct view tenant, struct view user,
    struct view session, struct buf *out)
{
	record_key(sink, "dedup", tenant, user, session, out);
}

/* `relay:moved:{relay:commands}:T/U`. */
static void
moved_key(const struct sink *sink, struct view tenant, struct view user,
    struct buf *out)
{
	record_key(sink, "moved", tenant, user, view_make(NULL, 0), out);
}

static void
digest_text(struct view frame, char text[DIGEST_TEXT_MAX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256((const unsigned char *)frame.data, frame.len, digest);
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

/* The texts that live as long as one call is being made. */
struct made {
	struct buf key, moved;
	char digest[DIGEST_TEXT_MAX];
	char from[ENTRY_ID_TEXT_MAX];
	char life_ms[24];
	char records[8];
	char received_at[24];
};

static void
make_texts(
    const struct sink *sink, const struct command *command, struct made *made)
{
	struct view session = command->session;
	if (command->session_was_absent)
		session = view_make(NULL, 0);
	dedup_key(sink, command->tenant, command->user, session, &made->key);
	moved_key(sink, command->tenant, command->user, &made->moved);
	made->digest[0] = '\0';
	if (command->dedup)
		digest_text(command->frame, made->digest);
	entry_id_print(command->from, made->from);
	snprintf(made->life_ms, sizeof made->life_ms, "%llu",
	    sink->options.dedup_seconds * 1000ull);
	snprintf(made->records, sizeof made->records, "%d", RECORDS_MAX);
	snprintf(made->received_at, sizeof made->received_at, "%llu",
	    (unsigned long long)(clock_unix_ms() - command->waited_ms));
}

static void
add_entry(struct words *words, const struct sink *sink,
    const struct command *command, const struct made *made)
{
	add_field(words, "frame", command->frame);
	add_field(words, "type", command->type);
	add_field(words, "tenant", command->tenant);
	add_field(words, "user", command->user);
	add_field(words, "session", command->session);
	add_field(words, "events", command->events);
	add_field(words, "connection", command->connection);
	add_field(words, "received_at", view_of(made->received_at));
	add_field(words, "contract", sink->options.contract);
	add_field(words, "traceparent", command->traceparent);
	if (command->request_id.len > 0)
		add_field(words, "request_id", command->request_id);
}

static void
build_words(const struct sink *sink, const struct command *command,
    const struct made *made, struct words *words)
{
	words->count = 0;
	add_word(words, sink->options.stream);
	if (command->dedup) {
		add_word(words, buf_view(&made->key));
		add_word(words, buf_view(&made->moved));
	}
	words->keys = words->count;
	add_text(words, made->digest);
	add_word(words, command->connection);
	add_word(
	    words, command->session_is_new ? view_of("") : command->session);
	add_text(words, made->from);
	add_word(words, command->session);
	add_text(words, made->life_ms);
	add_text(words, made->records);
	add_entry(words, sink, command, made);
}

/* OOM is for want of room, which clients may wait out; all else is Redis not
 * being able to take anything. Redis before 7 puts the error of a command
 * inside the script's own. */
static enum sink_outcome
error_outcome(const struct redis_value *answer)
{
	struct view text = redis_value_text(answer);
	bool is_oom = (text.len >= 4 && memcmp(text.data, "OOM ", 4) == 0) ||
	    memmem(text.data, text.len, "-OOM ", 5) != NULL;
	return is_oom ? SINK_OVERLOADED : SINK_DEGRADED;
}

/* Only the error's first word: the rest may quote what was sent. */
static void
log_refusal(const struct redis_value *answer)
{
	struct view text = redis_value_text(answer);
	char code[32];
	size_t length = 0;
	while (length < text.len && length < sizeof code - 1 &&
	    text.data[length] != ' ') {
		code[length] = text.data[length];
		length++;
	}
	code[length] = '\0';
	log_throttled(LOG_LEVEL_WARN, "sink", "refused", "error", code, NULL);
}

static int
read_id(const struct redis_value *answer, size_t index, struct entry_id *id_r)
{
	return entry_id_parse(
	    redis_value_text(redis_value_at(answer, index)), id_r);
}

/* {0, id} or {1, id, from, session}; anything else is not a yes. */
static void
read_answer(const struct redis_value *answer, struct sink_answer *sink_answer_r)
{
	sink_answer_r->outcome = SINK_DEGRADED;
	if (redis_value_type(answer) == REDIS_ERROR) {
		log_refusal(answer);
		sink_answer_r->outcome = error_outcome(answer);
		return;
	}
	if (redis_value_type(answer) != REDIS_ARRAY ||
	    read_id(answer, 1, &sink_answer_r->id) < 0)
		return;
	if (redis_value_integer(redis_value_at(answer, 0)) == 0) {
		sink_answer_r->outcome = SINK_STORED;
		return;
	}
	if (read_id(answer, 2, &sink_answer_r->from) < 0)
		return;
	sink_answer_r->session = redis_value_text(redis_value_at(answer, 3));
	sink_answer_r->outcome = SINK_REPEATED;
}

static void
on_submitted(void *arg, const struct redis_value *answer)
{
	struct inflight *inflight = arg;
	struct sink *sink = inflight->sink;
	struct sink_answer sink_answer = { 0 };
	/* By the clock that the link goes by, which is that of its turn. */
	bool is_late = uv_now(sink->loop) >= inflight->deadline_ms;
	sink->inflight--;
	sink->inflight_bytes -= inflight->bytes;
	if (answer != NULL)
		read_answer(answer, &sink_answer);
	else if (is_late)
		sink_answer.outcome = SINK_TIMEOUT;
	else
		sink_answer.outcome = SINK_DEGRADED;
	if (sink->env != NULL)
		session_answer(sink->env, inflight->session_id,
		    inflight->ticket, &sink_answer, clock_mono_ms());
	free(inflight);
}

/* A link that is late for one command is closed with all that is on it: what
 * has next to no time left is not sent. */
static bool
has_time_left(const struct sink *sink, const struct command *command)
{
	unsigned timeout_ms = sink->options.timeout_ms;
	return command->waited_ms < timeout_ms - timeout_ms / LEAST_SHARE;
}

/* One command has it in any case: the bound is a worker's share, and may be
 * less than a frame may be. */
static bool
has_room(const struct sink *sink, const struct command *command)
{
	const struct sink_options *options = &sink->options;
	return sink->inflight == 0 ||
	    (sink->inflight < options->max_inflight &&
		sink->inflight_bytes + command->frame.len <=
		    options->max_inflight_bytes);
}

/* May it go to Redis? */
static bool
admit(struct sink *sink, const struct command *command,
    enum sink_outcome *outcome_r)
{
	*outcome_r = SINK_DEGRADED;
	if (!redis_link_is_up(sink->commands))
		return false;
	*outcome_r = SINK_TIMEOUT;
	if (!has_time_left(sink, command))
		return false;
	*outcome_r = SINK_OVERLOADED;
	return has_room(sink, command) && !sink_backlog_is_full(sink);
}

static struct inflight *
inflight_new(
    struct sink *sink, const struct command *command, unsigned deadline_ms)
{
	struct inflight *inflight = xmalloc(sizeof *inflight);
	*inflight = (struct inflight){
		.sink = sink,
		.session_id = command->session_id,
		.ticket = command->ticket,
		.deadline_ms = uv_now(sink->loop) + deadline_ms,
		.bytes = command->frame.len,
	};
	sink->inflight++;
	sink->inflight_bytes += inflight->bytes;
	return inflight;
}

static void
inflight_undo(struct inflight *inflight)
{
	inflight->sink->inflight--;
	inflight->sink->inflight_bytes -= inflight->bytes;
	free(inflight);
}

static int
sink_submit(
    void *arg, const struct command *command, enum sink_outcome *outcome_r)
{
	struct sink *sink = arg;
	struct made made;
	struct words words;
	if (!admit(sink, command, outcome_r))
		return -1;
	unsigned deadline_ms = sink->options.timeout_ms - command->waited_ms;
	struct inflight *inflight = inflight_new(sink, command, deadline_ms);
	make_texts(sink, command, &made);
	build_words(sink, command, &made, &words);
	int sent = script_call(&sink->submit, sink->commands, words.at,
	    words.keys, words.count, deadline_ms, on_submitted, inflight);
	buf_fini(&made.moved);
	buf_fini(&made.key);
	if (sent == 0) {
		sink->submitted++;
		return 0;
	}
	inflight_undo(inflight);
	*outcome_r = SINK_DEGRADED;
	return -1;
}

static void
ignore_answer(void *arg, const struct redis_value *answer)
{
	(void)arg;
	(void)answer;
}

/* The record may stand under the session or, when the frame named none, under
 * the identity. With `life_ms` it is renewed, and what is known of its having
 * moved, too. */
static void
touch_record(struct sink *sink, const struct script *script, struct view tenant,
    struct view user, struct view session, struct view connection,
    struct entry_id command, const char *life_ms)
{
	struct buf with_session, without, moved;
	char id[ENTRY_ID_TEXT_MAX];
	struct words words = { .count = 0 };
	dedup_key(sink, tenant, user, session, &with_session);
	dedup_key(sink, tenant, user, view_make(NULL, 0), &without);
	moved_key(sink, tenant, user, &moved);
	entry_id_print(command, id);
	add_word(&words, buf_view(&with_session));
	add_word(&words, buf_view(&without));
	if (life_ms != NULL)
		add_word(&words, buf_view(&moved));
	words.keys = words.count;
	add_text(&words, id);
	add_word(&words, connection);
	if (life_ms != NULL)
		add_text(&words, life_ms);
	script_call(script, sink->commands, words.at, words.keys, words.count,
	    RELEASE_MS, ignore_answer, NULL);
	buf_fini(&moved);
	buf_fini(&without);
	buf_fini(&with_session);
}

static void
sink_release(void *arg, struct view tenant, struct view user,
    struct view session, struct view connection, struct entry_id command)
{
	struct sink *sink = arg;
	touch_record(sink, &sink->release, tenant, user, session, connection,
	    command, NULL);
}

static void
sink_renew(void *arg, struct view tenant, struct view user, struct view session,
    struct view connection, struct entry_id command)
{
	struct sink *sink = arg;
	char life_ms[24];
	snprintf(life_ms, sizeof life_ms, "%llu",
	    sink->options.dedup_seconds * 1000ull);
	touch_record(sink, &sink->renew, tenant, user, session, connection,
	    command, life_ms);
}

/* Whose command is it now? */
struct question {
	struct sink *sink;
	uint64_t session_id;
	struct entry_id command;
	size_t len;
	char connection[];
};

/* Without an answer it stays where it was. */
static void
on_owner(void *arg, const struct redis_value *answer)
{
	struct question *question = arg;
	struct session_env *env = question->sink->env;
	bool is_moved = answer != NULL &&
	    redis_value_type(answer) == REDIS_TEXT &&
	    !view_equal(redis_value_text(answer),
		view_make(question->connection, question->len));
	if (env != NULL)
		session_owner_told(env, question->session_id, question->command,
		    is_moved, clock_mono_ms());
	free(question);
}

/* Not sooner than a command that may be under way on the same link, which is
 * closed when an answer is late. */
static unsigned
owner_ms(const struct sink *sink)
{
	unsigned timeout_ms = sink->options.timeout_ms;
	return timeout_ms > OWNER_MS ? timeout_ms : OWNER_MS;
}

static int
sink_ask_owner(void *arg, const struct owner_question *asked)
{
	struct sink *sink = arg;
	struct question *question =
	    xmalloc(sizeof *question + asked->connection.len);
	struct buf key;
	char id[ENTRY_ID_TEXT_MAX];
	question->sink = sink;
	question->session_id = asked->session_id;
	question->command = asked->command;
	question->len = asked->connection.len;
	memcpy(question->connection, asked->connection.data, question->len);
	moved_key(sink, asked->tenant, asked->user, &key);
	entry_id_print(asked->command, id);
	const struct view argv[] = { view_of("HGET"), buf_view(&key),
		view_of(id) };
	int sent = redis_link_command(
	    sink->commands, argv, 3, owner_ms(sink), on_owner, question);
	buf_fini(&key);
	if (sent < 0)
		free(question);
	return sent;
}

const struct sink_ops sink_session_ops = {
	.submit = sink_submit,
	.release = sink_release,
	.renew = sink_renew,
	.ask_owner = sink_ask_owner,
};

void
sink_dead_letter(void *arg, const struct refused_entry *refused)
{
	struct sink *sink = arg;
	dead_letters_add(sink->letters, refused);
}

void
sink_on_crowd(struct sink *sink, dead_letter_crowd_fn *crowd, void *arg)
{
	dead_letters_on_crowd(sink->letters, crowd, arg);
}

bool
sink_is_up(const struct sink *sink)
{
	return redis_link_is_up(sink->commands);
}

struct redis_link *
sink_link(struct sink *sink)
{
	return sink->commands;
}

size_t
sink_inflight(const struct sink *sink)
{
	return sink->inflight;
}
