/* SPDX-License-Identifier: MIT */

/* relayctl contract check: recorded frames, or the entries of a stream, held
 * against a contract. A line of a tape ({"at_ms":…,"event":…}) counts as the
 * event in it. */

#include "ctl_check.h"
#include "ctl_report.h"
#include "entry_id.h"
#include "frame_check.h"
#include "generations.h"
#include "line_file.h"
#include "nearest.h"
#include "progress.h"
#include "redis_link.h"
#include "stream_target.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE_ENTRIES 200
/* The longest frame, and what a tape wraps around it. */
#define LINE_BYTES_MAX (FRAME_BYTES_MAX + 4096)

struct checking {
	struct ctl *ctl;
	const char *directory;
	const char *endpoint;
	const char *direction;
	struct ctl_values files;
	const char *stream;
	const char *last;
	struct stream_target target;
	struct ctl_values formats;
	struct ctl_report report;
	struct frame_check check;
	struct json_doc tape;
	struct generations *generations;
	struct progress progress;
};

/* --- files --- */

static struct view
unwrap(struct checking *checking, struct view line)
{
	struct json_limits limits = { .max_depth = 128 };
	struct json_fault fault;
	const struct json_doc *tape = &checking->tape;
	if (!memmem(line.data, line.len, "\"at_ms\"", 7))
		return line; /* need not be scanned twice */
	if (json_scan(&checking->tape, line, &limits, &fault) == -1 ||
	    tape->nodes[0].type != JSON_OBJECT || tape->nodes[0].count != 2)
		return line;
	uint32_t at = json_member(tape, 0, view_of("at_ms"));
	uint32_t event = json_member(tape, 0, view_of("event"));
	return at && event ? json_text(tape, event) : line;
}

static bool
is_blank(struct view text)
{
	for (size_t i = 0; i < text.len; i++)
		if (!strchr(" \t\r", text.data[i]) || !text.data[i])
			return false;
	return true;
}

static void
check_line(struct checking *checking, const struct line_file *file,
    const struct line *line)
{
	struct frame_place place = { .line = file->number };
	if (line->is_too_long) {
		frame_check_long(&checking->check, &place, line->length);
		return;
	}
	if (is_blank(line->text))
		return;
	struct view frame = unwrap(checking, line->text);
	place.column = (size_t)(frame.data - line->text.data);
	frame_check_judge(&checking->check, &place, frame);
}

static int
check_lines(
    struct checking *checking, struct line_file *file, struct error *err)
{
	struct line line;
	int status;
	while ((status = line_file_next(file, &line, err)) == 1) {
		check_line(checking, file, &line);
		progress_show(&checking->progress, checking->check.frames,
		    checking->check.invalid, file->position, file->size);
	}
	return status;
}

static int
check_file(struct checking *checking, const char *path)
{
	struct line_file file;
	struct error err = { "", "" };
	int status = line_file_open(&file, path, LINE_BYTES_MAX, &err);
	checking->check.source = path;
	if (status == 0) {
		status = check_lines(checking, &file, &err);
		line_file_close(&file);
	}
	if (status == 0)
		return 0;
	return ctl_fail(checking->ctl, CTL_INPUT, "unreadable", "%s: %s",
	    err.where, err.message);
}

/* --- a stream --- */

static void
check_entry(struct checking *checking, const struct redis_value *entry)
{
	struct view text = redis_value_text(redis_value_at(entry, 0));
	const struct redis_value *pairs = redis_value_at(entry, 1);
	char id[ENTRY_ID_TEXT_MAX];
	struct frame_place place = { 0, id, 0 };
	snprintf(id, sizeof(id), "%.*s", (int)text.len, text.data);
	for (size_t i = 0; i + 1 < redis_value_count(pairs); i += 2) {
		if (!view_is(
			redis_value_text(redis_value_at(pairs, i)), "event"))
			continue;
		frame_check_judge(&checking->check, &place,
		    redis_value_text(redis_value_at(pairs, i + 1)));
		return;
	}
	frame_check_missing(&checking->check, &place, "a field \"event\"");
}

static const struct redis_value *
ask(struct checking *checking, const struct view *argv, size_t argc)
{
	struct error err = { "", "" };
	const struct redis_value *answer =
	    redis_client_command(checking->target.redis, argv, argc, &err);
	if (!answer)
		ctl_fail(checking->ctl, CTL_UNREACHABLE, "redis", "%s: %s",
		    err.where, err.message);
	return answer;
}

/* A page of entries from `*from` on, which moves behind them. The number of
 * entries, or -1 with the error set. */
static int
check_page(struct checking *checking, const char *command, char *from,
    size_t size, unsigned long most)
{
	char count[24];
	bool is_backwards = strcmp(command, "XREVRANGE") == 0;
	snprintf(count, sizeof(count), "%lu",
	    most < PAGE_ENTRIES ? most : PAGE_ENTRIES);
	struct view argv[] = { view_of(command),
		buf_view(&checking->target.key), view_of(from),
		view_of(is_backwards ? "-" : "+"), view_of("COUNT"),
		view_of(count) };
	const struct redis_value *entries = ask(checking, argv, 6);
	if (!entries)
		return -1;
	size_t got = redis_value_count(entries);
	for (size_t i = 0; i < got; i++)
		check_entry(checking, redis_value_at(entries, i));
	if (got > 0) {
		struct view last = redis_value_text(
		    redis_value_at(redis_value_at(entries, got - 1), 0));
		snprintf(from, size, "(%.*s", (int)last.len, last.data);
	}
	progress_show(&checking->progress, checking->check.frames,
	    checking->check.invalid, 0, 0);
	return (int)got;
}

/* The newest entries, newest first, or all, oldest first; a page at a time. */
static int
check_entries(struct checking *checking)
{
	char from[ENTRY_ID_TEXT_MAX + 1];
	const char *command = checking->last ? "XREVRANGE" : "XRANGE";
	unsigned long left =
	    checking->last ? strtoul(checking->last, NULL, 10) : ULONG_MAX;
	snprintf(from, sizeof(from), "%s", checking->last ? "+" : "-");
	while (left > 0) {
		int got =
		    check_page(checking, command, from, sizeof(from), left);
		if (got == -1)
			return CTL_UNREACHABLE;
		if (got == 0)
			break;
		left -= (unsigned long)got;
	}
	return 0;
}

static int
check_stream(struct checking *checking)
{
	int status = stream_target_open(
	    &checking->target, checking->ctl, checking->stream);
	if (status == 0)
		status = stream_target_expect(&checking->target, checking->ctl);
	if (status != 0)
		return status;
	checking->check.source = checking->stream;
	status = check_entries(checking);
	if (status == 0 && checking->check.frames == 0)
		return ctl_fail(checking->ctl, CTL_INPUT, "empty",
		    "%.*s holds no entry", (int)checking->target.key.len,
		    checking->target.key.data);
	return status;
}

/* --- what was asked for --- */

static int
find_endpoint(struct checking *checking, const struct contract *contract)
{
	const char *names[CONTRACT_ENDPOINTS_MAX];
	if (!checking->endpoint)
		return 0;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		names[i] = contract->endpoints[i].name;
		if (strcmp(names[i], checking->endpoint) == 0) {
			checking->check.scope.endpoint =
			    &contract->endpoints[i];
			return 0;
		}
	}
	const char *near = nearest_name(
	    view_of(checking->endpoint), names, contract->endpoint_count);
	if (near)
		ctl_fix(checking->ctl, "did you mean --endpoint %s?", near);
	return ctl_fail(checking->ctl, CTL_USAGE, "usage",
	    "the contract %s/%s has no endpoint %s", contract->name,
	    contract->version, checking->endpoint);
}

static int
find_direction(struct checking *checking)
{
	const char *direction = checking->direction;
	checking->check.scope.direction =
	    checking->stream ? FRAME_SERVER : FRAME_ANY;
	if (!direction)
		return 0;
	if (strcmp(direction, "server") == 0)
		checking->check.scope.direction = FRAME_SERVER;
	else if (strcmp(direction, "client") == 0 && !checking->stream)
		checking->check.scope.direction = FRAME_CLIENT;
	else
		return ctl_fail(checking->ctl, CTL_USAGE, "usage",
		    checking->stream
			? "a stream holds what servers say"
			: "--direction is client or server, not %s",
		    direction);
	return 0;
}

/* Whoever reads only the report must not take it for a clean one. */
static void
tell_unread(struct checking *checking)
{
	const struct finding finding = { .level = FINDING_ERROR,
		.source = checking->stream ? checking->stream
					   : checking->check.source,
		.subject = "it",
		.rule = "unreadable",
		.got = checking->ctl->error.message,
		.is_summary = true };
	report_add(checking->report.report, &finding);
}

static int
check_sources(struct checking *checking)
{
	int status = 0;
	if (checking->stream)
		status = check_stream(checking);
	for (size_t i = 0; i < checking->files.count && status == 0; i++)
		status = check_file(checking, checking->files.items[i]);
	for (int i = 0; i < checking->ctl->argc && status == 0; i++)
		status = check_file(checking, checking->ctl->argv[i]);
	if (status != 0)
		tell_unread(checking);
	return status;
}

/* More of the result, for programs. */
static void
add_result(struct checking *checking, const struct contract *contract)
{
	struct ctl *ctl = checking->ctl;
	if (!ctl->json)
		return;
	ctl_report_reopen(ctl);
	ctl_report_contract(ctl, contract);
	buf_addf(&ctl->result,
	    ",\"frames\":%lu,\"invalid\":%lu,\"generations\":",
	    checking->check.frames, checking->check.invalid);
	generations_add_json(checking->generations,
	    checking->check.frames - checking->check.invalid, &ctl->result);
	buf_add_char(&ctl->result, '}');
}

static void
tell_generations(struct checking *checking)
{
	const struct frame_check *check = &checking->check;
	size_t files = checking->files.count + (size_t)checking->ctl->argc;
	bool is_one = checking->stream || files == 1;
	generations_tell(checking->generations, checking->report.report,
	    is_one ? check->source : NULL, check->frames,
	    check->frames - check->invalid);
}

static int
run(struct checking *checking, const struct contract *contract)
{
	char subject[160];
	const struct report_options options = {
		.subject = subject, .unit = "frames", .whole = "the frame"
	};
	snprintf(subject, sizeof(subject), "%s/%s", contract->name,
	    contract->version);
	int status = find_endpoint(checking, contract);
	if (status == 0)
		status = find_direction(checking);
	if (status == 0)
		status = ctl_report_open(&checking->report, checking->ctl,
		    &checking->formats, &options);
	if (status != 0)
		return status;
	checking->check.report = checking->report.report;
	checking->generations = generations_new(&checking->check.scope);
	checking->check.generations = checking->generations;
	progress_init(&checking->progress, !checking->ctl->json);
	int problem = check_sources(checking);
	progress_clear(&checking->progress);
	tell_generations(checking);
	if (!problem && checking->check.frames == 0)
		ctl_fix(checking->ctl,
		    "no frame was read: is the recording empty?");
	status = ctl_report_close(&checking->report, checking->check.frames);
	add_result(checking, contract);
	generations_free(&checking->generations);
	return problem ? problem : status;
}

static int
load_and_run(struct checking *checking)
{
	struct error err = { "", "" };
	struct contract *contract = contract_load(checking->directory, &err);
	if (!contract) {
		ctl_next(checking->ctl, "relayctl contract lint %s",
		    checking->directory);
		return ctl_fail(checking->ctl, CTL_INPUT, "contract_invalid",
		    "%s: %s", err.where, err.message);
	}
	frame_check_init(&checking->check, NULL, contract);
	json_doc_init(&checking->tape);
	int status = run(checking, contract);
	json_doc_fini(&checking->tape);
	frame_check_fini(&checking->check);
	contract_free(&contract);
	return status;
}

static int
check_usage(struct checking *checking)
{
	struct ctl *ctl = checking->ctl;
	const char *problem = NULL;
	if (!checking->directory)
		problem = "--contract DIR is missing";
	else if (ctl->argc > 0 && checking->files.count == 0)
		problem = "frames are named with --frames FILE";
	else if (checking->files.count == 0 && !checking->stream)
		problem = "--frames FILE or --stream KEY is missing";
	else if (checking->files.count > 0 && checking->stream)
		problem = "--frames or --stream, not both";
	else if (checking->last && !checking->stream)
		problem = "--last belongs to --stream";
	if (!problem)
		return ctl_check_count(ctl, "--last", checking->last);
	ctl_fix(ctl, "usage: relayctl %s %s", ctl->command, ctl->usage);
	return ctl_fail(ctl, CTL_USAGE, "usage", "%s", problem);
}

int
cmd_contract_check(struct ctl *ctl)
{
	struct checking checking = { .ctl = ctl };
	stream_target_init(&checking.target);
	const struct ctl_option options[] = {
		{ .name = "--contract", .value = &checking.directory },
		{ .name = "--endpoint", .value = &checking.endpoint },
		{ .name = "--direction", .value = &checking.direction },
		{ .name = "--frames", .list = &checking.files },
		{ .name = "--stream", .value = &checking.stream },
		{ .name = "--last", .value = &checking.last },
		{ .name = "--format", .list = &checking.formats },
		STREAM_TARGET_OPTIONS(checking.target),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status = check_usage(&checking);
	if (status == 0)
		status = load_and_run(&checking);
	stream_target_fini(&checking.target);
	return status;
}
