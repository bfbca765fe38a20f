/* SPDX-License-Identifier: MIT */

/*
 * relayctl dead-letters replay: events that the contract takes by now go back
 * into their streams, marked with the id they had (replayed_from). One script
 * adds the entry and remembers that it did, so that a second replay adds
 * nothing.
 */

#include "bundled.h"
#include "ctl_report.h"
#include "dead_letters.h"
#include "entry_id.h"
#include "frame_check.h"
#include "redis_link.h"
#include "report_parts.h"

#include <stdio.h>

#define REMEMBERED_SECONDS "2592000"         /* 30 days */
#define PAIRS_MAX          10                /* fields taken over */
#define EVENT_BYTES_MAX    ((size_t)4 << 20) /* the relay's own default */

/*
 * KEYS: the event stream, what was replayed into it.
 * ARGV: id that the entry had, seconds to remember it; then the entry.
 * {1, new id}; {0, id of the first time}; {-1, ""}: there is no such stream.
 */
static const char script[] =
    "local known = redis.call('HGET', KEYS[2], ARGV[1])\n"
    "if known then return {0, known} end\n"
    "local id = redis.call('XADD', KEYS[1], 'NOMKSTREAM', '*',\n"
    "  unpack(ARGV, 3))\n"
    "if not id then return {-1, ''} end\n"
    "redis.call('HSET', KEYS[2], ARGV[1], id)\n"
    "redis.call('EXPIRE', KEYS[2], ARGV[2])\n"
    "return {1, id}\n";

struct replay {
	struct dead_letters letters;
	struct frame_check check;
	struct ctl_report report;
	struct ctl_values formats;
	const char *directory;
	bool all;
	bool bodies;
	bool dry_run;
	struct buf outcomes; /* for programs: items of an array */
	struct buf key;      /* of what was replayed */
	struct buf source;   /* of findings */
	struct buf fields;   /* the entry's, packed; `pairs` point into it */
	struct view pairs[2 * PAIRS_MAX + 2];
	size_t pair_count; /* words, that is */
	unsigned long letter_count;
	unsigned long replayed;
	unsigned long known;
	unsigned long refused;
	unsigned long gone;
};

/* --- what is replayed --- */

/* The part in braces, which names the slot in a cluster; else all of it. */
static struct view
slot_tag(struct view key)
{
	const char *open = memchr(key.data, '{', key.len);
	if (!open)
		return key;
	size_t rest = key.len - (size_t)(open + 1 - key.data);
	const char *close = memchr(open + 1, '}', rest);
	if (!close || close == open + 1)
		return key;
	return view_make(open + 1, (size_t)(close - open - 1));
}

static void
add_pair(struct replay *replay, struct view name, struct view value)
{
	if (replay->pair_count + 2 > 2 * PAIRS_MAX)
		return;
	/* Packed first, pointed to when nothing moves any more. */
	buf_add(&replay->fields, name);
	buf_add(&replay->fields, value);
	replay->pairs[replay->pair_count++].len = name.len;
	replay->pairs[replay->pair_count++].len = value.len;
}

static void
point_pairs(struct replay *replay)
{
	const char *at = replay->fields.data;
	for (size_t i = 0; i < replay->pair_count; i++) {
		replay->pairs[i].data = at;
		at += replay->pairs[i].len;
	}
}

/* The original entry if it is still there, for it is whole; else what the
 * letter has of it. */
static int
take_original(struct replay *replay, const struct dead_letter *letter)
{
	struct view id = letter->fields[LETTER_ENTRY];
	struct view argv[] = { view_of("XRANGE"), letter->fields[LETTER_STREAM],
		id, id };
	const struct redis_value *entries =
	    dead_letters_ask(&replay->letters, argv, 4);
	if (!entries)
		return CTL_UNREACHABLE;
	const struct redis_value *pairs =
	    redis_value_at(redis_value_at(entries, 0), 1);
	size_t count =
	    redis_value_count(entries) ? redis_value_count(pairs) : 0;
	for (size_t i = 0; i + 1 < count; i += 2) {
		struct view name = redis_value_text(redis_value_at(pairs, i));
		if (!view_is(name, "replayed_from"))
			add_pair(replay, name,
			    redis_value_text(redis_value_at(pairs, i + 1)));
	}
	return 0;
}

static int
take_entry(struct replay *replay, const struct dead_letter *letter)
{
	struct view producer = letter->fields[LETTER_PRODUCER];
	buf_clear(&replay->fields);
	replay->pair_count = 0;
	int status = take_original(replay, letter);
	if (status == 0 && replay->pair_count == 0) {
		add_pair(
		    replay, view_of("event"), letter->fields[LETTER_EVENT]);
		if (producer.len > 0)
			add_pair(replay, view_of("producer"), producer);
	}
	point_pairs(replay);
	return status;
}

static bool
find_event(const struct replay *replay, struct view *event_r)
{
	for (size_t i = 0; i + 1 < replay->pair_count; i += 2) {
		if (!view_is(replay->pairs[i], "event"))
			continue;
		*event_r = replay->pairs[i + 1];
		return event_r->len > 0;
	}
	return false;
}

/* --- one letter --- */

static void
refuse_size(struct replay *replay, const char *id, size_t size)
{
	char got[32];
	const struct finding finding = { .source = replay->source.data,
		.id = id,
		.pointer = "",
		.rule = "too_large",
		.expected = "at most 4 MiB",
		.got = got };
	snprintf(got, sizeof(got), "%zu bytes", size);
	replay->check.invalid++;
	report_add(replay->report.report, &finding);
}

static bool
is_valid(struct replay *replay, const struct dead_letter *letter)
{
	unsigned long before = replay->check.invalid;
	struct view event = { NULL, 0 };
	struct view entry = letter->fields[LETTER_ENTRY];
	char id[ENTRY_ID_TEXT_MAX];
	struct frame_place place = { 0, id, 0 };
	snprintf(id, sizeof(id), "%.*s", (int)entry.len, entry.data);
	buf_clear(&replay->source);
	buf_add(&replay->source, letter->fields[LETTER_STREAM]);
	buf_add_char(&replay->source, '\0');
	replay->check.source = replay->source.data;
	if (!find_event(replay, &event))
		frame_check_missing(
		    &replay->check, &place, "a field \"event\"");
	else if (event.len > EVENT_BYTES_MAX)
		refuse_size(replay, id, event.len);
	else
		frame_check_judge(&replay->check, &place, event);
	return replay->check.invalid == before;
}

static const struct redis_value *
add_again(struct replay *replay, const struct dead_letter *letter)
{
	struct view argv[8 + 2 * PAIRS_MAX + 2];
	size_t argc = 0;
	buf_clear(&replay->key);
	struct view tag = slot_tag(letter->fields[LETTER_STREAM]);
	buf_addf(&replay->key, "%sreplayed:{", replay->letters.prefix);
	buf_add(&replay->key, tag);
	buf_add_char(&replay->key, '}');
	argv[argc++] = view_of("EVAL");
	argv[argc++] = view_of(script);
	argv[argc++] = view_of("2");
	argv[argc++] = letter->fields[LETTER_STREAM];
	argv[argc++] = buf_view(&replay->key);
	argv[argc++] = letter->fields[LETTER_ENTRY];
	argv[argc++] = view_of(REMEMBERED_SECONDS);
	for (size_t i = 0; i < replay->pair_count; i++)
		argv[argc++] = replay->pairs[i];
	argv[argc++] = view_of("replayed_from");
	argv[argc++] = letter->fields[LETTER_ENTRY];
	return dead_letters_ask(&replay->letters, argv, argc);
}

static void
tell(struct replay *replay, const struct dead_letter *letter,
    const char *outcome, struct view id)
{
	struct buf *out = &replay->outcomes;
	struct buf line;
	buf_addf(out, "%s\n{\"letter\":", out->len ? "," : "");
	buf_add_json_string(out, letter->id);
	buf_addf(out, ",\"outcome\":\"%s\",\"stream\":", outcome);
	buf_add_json_string(out, letter->fields[LETTER_STREAM]);
	buf_add_text(out, ",\"replayed_from\":");
	buf_add_json_string(out, letter->fields[LETTER_ENTRY]);
	buf_add_text(out, ",\"id\":");
	if (id.len)
		buf_add_json_string(out, id);
	else
		buf_add_text(out, "null");
	buf_add_char(out, '}');
	if (replay->formats.count > 0)
		return; /* stdout may be taken */
	buf_init(&line, 0);
	report_add_printable(&line, letter->id);
	buf_addf(&line, " %s ", outcome);
	report_add_printable(&line, letter->fields[LETTER_STREAM]);
	buf_add_char(&line, ' ');
	report_add_printable(&line, id);
	ctl_printf(replay->letters.ctl, "%.*s\n", (int)line.len, line.data);
	buf_fini(&line);
}

static int
add_valid(struct replay *replay, const struct dead_letter *letter)
{
	const struct redis_value *answer = add_again(replay, letter);
	if (!answer)
		return CTL_UNREACHABLE;
	int64_t outcome = redis_value_integer(redis_value_at(answer, 0));
	struct view id = redis_value_text(redis_value_at(answer, 1));
	replay->replayed += outcome == 1;
	replay->known += outcome == 0;
	replay->gone += outcome < 0;
	tell(replay, letter,
	    outcome == 1       ? "replayed"
		: outcome == 0 ? "already_replayed"
			       : "stream_is_gone",
	    id);
	return 0;
}

static int
on_letter(void *arg, const struct dead_letter *letter)
{
	struct replay *replay = arg;
	int status = take_entry(replay, letter);
	replay->letter_count++;
	if (status != 0)
		return status;
	if (!is_valid(replay, letter)) {
		replay->refused++;
		tell(replay, letter, "refused", view_of(""));
		return 0;
	}
	if (!replay->dry_run)
		return add_valid(replay, letter);
	tell(replay, letter, "would_be_replayed", view_of(""));
	return 0;
}

/* --- the command --- */

static void
add_result(struct replay *replay)
{
	struct ctl *ctl = replay->letters.ctl;
	if (ctl->json) {
		ctl_report_reopen(ctl);
		buf_add_text(&ctl->result, ",\"letters\":[");
		buf_add(&ctl->result, buf_view(&replay->outcomes));
		buf_addf(&ctl->result,
		    "],\"replayed\":%lu,\"already_replayed\":%lu,"
		    "\"refused\":%lu,\"stream_is_gone\":%lu}",
		    replay->replayed, replay->known, replay->refused,
		    replay->gone);
	} else if (replay->formats.count == 0) {
		ctl_printf(ctl,
		    "%lu replayed, %lu already, %lu refused, %lu without a "
		    "stream\n",
		    replay->replayed, replay->known, replay->refused,
		    replay->gone);
	}
}

static int
run(struct replay *replay, const struct contract *contract)
{
	char subject[160];
	const struct report_options options = {
		.subject = subject, .unit = "dead letters", .whole = "the event"
	};
	snprintf(subject, sizeof(subject), "%s/%s", contract->name,
	    contract->version);
	int status = ctl_report_open(
	    &replay->report, replay->letters.ctl, &replay->formats, &options);
	if (status != 0)
		return status;
	replay->check.report = replay->report.report;
	replay->check.scope.direction = FRAME_SERVER;
	replay->check.hides_frames = !replay->bodies;
	int problem =
	    dead_letters_walk(&replay->letters, false, on_letter, replay);
	status = ctl_report_close(&replay->report, replay->letter_count);
	add_result(replay);
	if (problem)
		return problem;
	return replay->gone ? CTL_FINDINGS : status;
}

static int
load_and_run(struct replay *replay)
{
	struct ctl *ctl = replay->letters.ctl;
	struct error err = { "", "" };
	char bundled[4096];
	bundled_contract(bundled, sizeof(bundled));
	int status = dead_letters_open(&replay->letters);
	if (status != 0)
		return status;
	struct contract *contract = contract_load(
	    replay->directory ? replay->directory : bundled, &err);
	if (!contract)
		return ctl_fail(ctl, CTL_INPUT, "contract_invalid", "%s: %s",
		    err.where, err.message);
	frame_check_init(&replay->check, NULL, contract);
	status = run(replay, contract);
	frame_check_fini(&replay->check);
	contract_free(&contract);
	return status;
}

int
cmd_dead_letters_replay(struct ctl *ctl)
{
	struct replay replay = { .all = false };
	dead_letters_init(&replay.letters, ctl);
	buf_init(&replay.outcomes, 0);
	buf_init(&replay.key, 0);
	buf_init(&replay.source, 0);
	buf_init(&replay.fields, 0);
	const struct ctl_option options[] = {
		{ .name = "--all", .flag = &replay.all },
		{ .name = "--bodies", .flag = &replay.bodies },
		{ .name = "--dry-run", .flag = &replay.dry_run },
		{ .name = "--contract", .value = &replay.directory },
		{ .name = "--format", .list = &replay.formats },
		DEAD_LETTERS_OPTIONS(replay.letters),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status = dead_letters_check(&replay.letters, replay.all);
	if (status == 0)
		status = load_and_run(&replay);
	dead_letters_fini(&replay.letters);
	buf_fini(&replay.outcomes);
	buf_fini(&replay.key);
	buf_fini(&replay.source);
	buf_fini(&replay.fields);
	return status;
}
