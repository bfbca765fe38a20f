/* SPDX-License-Identifier: MIT */

/* relayctl contract check: recorded frames, or the entries of a stream, held
 * against a contract. A line of a tape ({"at_ms":…,"event":…}) counts as the
 * event in it. */

#include "ctl_report.h"
#include "entry_id.h"
#include "frame_check.h"
#include "nearest.h"
#include "redis_link.h"
#include "stream_target.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PAGE_ENTRIES    "200"
#define PROGRESS_FRAMES 100000

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
};

/* --- files --- */

static struct view
unwrap(struct checking *checking, struct view line)
{
	struct json_limits limits = { .max_depth = 128 };
	struct json_fault fault;
	const struct json_doc *tape = &checking->tape;
	if (json_scan(&checking->tape, line, &limits, &fault) == -1 ||
	    tape->nodes[0].type != JSON_OBJECT || tape->nodes[0].count != 2)
		return line;
	uint32_t at = json_member(tape, 0, view_of("at_ms"));
	uint32_t event = json_member(tape, 0, view_of("event"));
	return at && event ? json_text(tape, event) : line;
}

/* For whoever waits in front of a terminal; it is overwritten at the end. */
static void
show_progress(const struct checking *checking)
{
	if (checking->check.frames % PROGRESS_FRAMES == 0 &&
	    !checking->ctl->json && isatty(STDERR_FILENO))
		fprintf(stderr, "\r%lu frames, %lu invalid\r",
		    checking->check.frames, checking->check.invalid);
}

static void
check_lines(struct checking *checking, FILE *file)
{
	struct frame_place place = { 0, NULL, 0 };
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	while ((length = getline(&line, &size, file)) >= 0) {
		place.line++;
		size_t used = (size_t)length;
		if (used > 0 && line[used - 1] == '\n')
			used--;
		if (strspn(line, " \t\r\n") >= used)
			continue;
		struct view frame = unwrap(checking, view_make(line, used));
		place.column = (size_t)(frame.data - line);
		frame_check_judge(&checking->check, &place, frame);
		show_progress(checking);
	}
	free(line);
}

static int
check_file(struct checking *checking, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	if (!file)
		return ctl_fail(
		    checking->ctl, CTL_INPUT, "unreadable", "%s: %m", path);
	checking->check.source = path;
	check_lines(checking, file);
	bool failed = ferror(file);
	if (!is_stdin)
		fclose(file);
	if (failed)
		return ctl_fail(
		    checking->ctl, CTL_INPUT, "unreadable", "%s: %m", path);
	return 0;
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

/* The newest entries, newest first. */
static int
check_last(struct checking *checking)
{
	struct view argv[] = { view_of("XREVRANGE"),
		buf_view(&checking->target.key), view_of("+"), view_of("-"),
		view_of("COUNT"), view_of(checking->last) };
	const struct redis_value *entries = ask(checking, argv, 6);
	if (!entries)
		return CTL_UNREACHABLE;
	for (size_t i = 0; i < redis_value_count(entries); i++)
		check_entry(checking, redis_value_at(entries, i));
	return 0;
}

/* All entries, a page at a time. */
static int
check_all(struct checking *checking)
{
	char from[ENTRY_ID_TEXT_MAX + 1] = "-";
	for (;;) {
		struct view argv[] = { view_of("XRANGE"),
			buf_view(&checking->target.key), view_of(from),
			view_of("+"), view_of("COUNT"), view_of(PAGE_ENTRIES) };
		const struct redis_value *entries = ask(checking, argv, 6);
		if (!entries)
			return CTL_UNREACHABLE;
		size_t count = redis_value_count(entries);
		if (count == 0)
			return 0;
		for (size_t i = 0; i < count; i++)
			check_entry(checking, redis_value_at(entries, i));
		struct view last = redis_value_text(
		    redis_value_at(redis_value_at(entries, count - 1), 0));
		snprintf(from, sizeof(from), "(%.*s", (int)last.len, last.data);
	}
}

static int
check_stream(struct checking *checking)
{
	int status = stream_target_open(
	    &checking->target, checking->ctl, checking->stream);
	if (status != 0)
		return status;
	checking->check.source = checking->stream;
	status = checking->last ? check_last(checking) : check_all(checking);
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
			checking->check.endpoint = &contract->endpoints[i];
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
	checking->check.direction = checking->stream ? FRAME_SERVER : FRAME_ANY;
	if (!direction)
		return 0;
	if (strcmp(direction, "server") == 0)
		checking->check.direction = FRAME_SERVER;
	else if (strcmp(direction, "client") == 0 && !checking->stream)
		checking->check.direction = FRAME_CLIENT;
	else
		return ctl_fail(checking->ctl, CTL_USAGE, "usage",
		    checking->stream
			? "a stream holds what servers say"
			: "--direction is client or server, not %s",
		    direction);
	return 0;
}

static int
check_sources(struct checking *checking)
{
	int status = 0;
	if (checking->stream)
		status = check_stream(checking);
	for (size_t i = 0; i < checking->files.count && status == 0; i++)
		status = check_file(checking, checking->files.items[i]);
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
	buf_addf(&ctl->result, ",\"frames\":%lu,\"invalid\":%lu}",
	    checking->check.frames, checking->check.invalid);
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
	int problem = check_sources(checking);
	status = ctl_report_close(&checking->report, checking->check.frames);
	add_result(checking, contract);
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

static bool
is_count(const char *text)
{
	size_t length = strlen(text);
	return length > 0 && length < 10 &&
	    strspn(text, "0123456789") == length;
}

static int
check_usage(struct checking *checking)
{
	struct ctl *ctl = checking->ctl;
	const char *problem = NULL;
	if (!checking->directory)
		problem = "--contract DIR is missing";
	else if (ctl->argc > 0)
		problem = "frames are named with --frames FILE";
	else if (checking->files.count == 0 && !checking->stream)
		problem = "--frames FILE or --stream KEY is missing";
	else if (checking->files.count > 0 && checking->stream)
		problem = "--frames or --stream, not both";
	else if (checking->last && !checking->stream)
		problem = "--last belongs to --stream";
	else if (checking->last && !is_count(checking->last))
		problem = "--last wants a number";
	if (!problem)
		return 0;
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
