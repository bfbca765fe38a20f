/* SPDX-License-Identifier: MIT */

/*
 * relayctl stream publish: events from NDJSON into a stream, each validated
 * first; the first one that breaks the contract ends it.
 * relayctl stream replay: a recorded run with its own timing, or faster.
 */

#include "bundled.h"
#include "clock.h"
#include "contract.h"
#include "ctl.h"
#include "ctl_check.h"
#include "entry_id.h"
#include "redis_link.h"
#include "run_file.h"
#include "stream_target.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

struct writer {
	struct ctl *ctl;
	struct stream_target target;
	struct run_file run;
	struct contract *contract; /* NULL: --no-check */
	struct schema_scratch *scratch;
	const char *maxlen;
	double speed; /* 0: as fast as it goes; < 0: no timing at all */
	uint64_t written;
	char last_id[ENTRY_ID_TEXT_MAX];
	struct error err;
};

/* --- judging --- */

static bool
is_known_somewhere(struct writer *writer, const struct json_doc *doc)
{
	const struct contract *contract = writer->contract;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		if (contract_select(&contract->endpoints[i].server, doc))
			return true;
	}
	return false;
}

/* Valid on every endpoint that declares its type, and one does. */
static int
judge(struct writer *writer, struct view event, char *why, size_t size)
{
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 64, .strict_keys = true };
	struct violation broken = { 0 };
	bool is_valid = true;
	json_doc_init(&doc);
	if (json_scan(&doc, event, &limits, &fault) != 0) {
		snprintf(
		    why, size, "%s at byte %zu", fault.message, fault.offset);
		is_valid = false;
	} else if (!is_known_somewhere(writer, &doc)) {
		snprintf(why, size, "no endpoint declares its type");
		is_valid = false;
	}
	const struct contract *contract = writer->contract;
	for (size_t i = 0; is_valid && i < contract->endpoint_count; i++) {
		const struct contract_message *message =
		    contract_select(&contract->endpoints[i].server, &doc);
		if (!message ||
		    schema_explain(message->schema, writer->scratch, &doc, 0,
			&broken, 1) == 0)
			continue;
		snprintf(why, size, "%s%s: %s: expected %s, got %s",
		    message->type, broken.pointer, broken.rule, broken.expected,
		    broken.got);
		is_valid = false;
	}
	json_doc_fini(&doc);
	return is_valid ? 0 : -1;
}

/* --- writing --- */

static int
add_entry(struct writer *writer, struct view event)
{
	struct view argv[8];
	size_t argc = 0;
	argv[argc++] = view_of("XADD");
	argv[argc++] = buf_view(&writer->target.key);
	if (writer->maxlen && strcmp(writer->maxlen, "0") != 0) {
		argv[argc++] = view_of("MAXLEN");
		argv[argc++] = view_of("~");
		argv[argc++] = view_of(writer->maxlen);
	}
	argv[argc++] = view_of("*");
	argv[argc++] = view_of("event");
	argv[argc++] = event;
	const struct redis_value *answer = redis_client_command(
	    writer->target.redis, argv, argc, &writer->err);
	if (!answer)
		return ctl_fail(writer->ctl, CTL_UNREACHABLE, "redis", "%s: %s",
		    writer->err.where, writer->err.message);
	struct view id = redis_value_text(answer);
	snprintf(writer->last_id, sizeof(writer->last_id), "%.*s", (int)id.len,
	    id.data);
	writer->written++;
	return 0;
}

/* Sleeps until `at_ms` of the run, at the wanted speed. */
static void
wait_for_turn(const struct writer *writer, uint64_t began_ms, uint64_t at_ms)
{
	if (writer->speed <= 0)
		return;
	uint64_t due = began_ms + (uint64_t)((double)at_ms / writer->speed);
	uint64_t now = clock_mono_ms();
	if (due <= now)
		return;
	struct timespec pause = { .tv_sec = (time_t)((due - now) / 1000),
		.tv_nsec = (long)((due - now) % 1000) * 1000000 };
	nanosleep(&pause, NULL);
}

static int
write_all(struct writer *writer)
{
	uint64_t began_ms = clock_mono_ms();
	uint64_t at_ms;
	struct view event;
	char why[700];
	int got;
	while ((got = run_file_next(
		    &writer->run, &at_ms, &event, &writer->err)) > 0) {
		if (writer->contract && judge(writer, event, why, sizeof(why)))
			return ctl_fail(writer->ctl, CTL_FINDINGS,
			    "contract_violation", "%s:%zu: %s",
			    writer->run.name, writer->run.number, why);
		wait_for_turn(writer, began_ms, at_ms);
		int status = add_entry(writer, event);
		if (status != 0)
			return status;
	}
	if (got == 0)
		return CTL_FINE;
	return ctl_fail(writer->ctl, CTL_INPUT, "input", "%s: %s",
	    writer->err.where, writer->err.message);
}

/* --- commands --- */

static int
load(struct writer *writer, const char *folder, bool unchecked)
{
	if (unchecked)
		return 0;
	char bundled[4096];
	bundled_contract(bundled, sizeof(bundled));
	writer->contract =
	    contract_load(folder ? folder : bundled, &writer->err);
	if (!writer->contract)
		return ctl_fail(writer->ctl, CTL_INPUT, "contract", "%s: %s",
		    writer->err.where, writer->err.message);
	writer->scratch = schema_scratch_new();
	return 0;
}

static void
report(struct writer *writer)
{
	struct ctl *ctl = writer->ctl;
	ctl_printf(ctl, "%llu events into %.*s, last id %s\n",
	    (unsigned long long)writer->written, (int)writer->target.key.len,
	    writer->target.key.data,
	    writer->written ? writer->last_id : "none");
	buf_addf(&ctl->result, "{\"written\":%llu,\"stream\":",
	    (unsigned long long)writer->written);
	buf_add_json_string(&ctl->result, buf_view(&writer->target.key));
	buf_addf(&ctl->result,
	    writer->written ? ",\"last_id\":\"%s\"}" : ",\"last_id\":null%s}",
	    writer->written ? writer->last_id : "");
}

static int
run_writer(struct writer *writer, const char *folder, bool unchecked)
{
	struct ctl *ctl = writer->ctl;
	if (ctl->argc < 1 || ctl->argc > 2)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "a session id (or key) and a file are wanted");
	int status = ctl_check_count(ctl, "--maxlen", writer->maxlen);
	if (status == 0)
		status = load(writer, folder, unchecked);
	if (status == 0)
		status = stream_target_open(&writer->target, ctl, ctl->argv[0]);
	if (status == 0)
		status = stream_target_expect(&writer->target, ctl);
	if (status != 0)
		return status;
	const char *file = ctl->argc > 1 ? ctl->argv[1] : "-";
	if (run_file_open(&writer->run, file, &writer->err) != 0)
		return ctl_fail(ctl, CTL_INPUT, "input", "%s: %s",
		    writer->err.where, writer->err.message);
	status = write_all(writer);
	run_file_close(&writer->run);
	report(writer);
	return status;
}

static void
writer_fini(struct writer *writer)
{
	schema_scratch_free(&writer->scratch);
	contract_free(&writer->contract);
	stream_target_fini(&writer->target);
}

int
cmd_stream_publish(struct ctl *ctl)
{
	struct writer writer = { .ctl = ctl, .maxlen = "10000", .speed = -1 };
	const char *folder = NULL;
	bool unchecked = false;
	stream_target_init(&writer.target);
	const struct ctl_option options[] = {
		{ .name = "--contract", .value = &folder },
		{ .name = "--maxlen", .value = &writer.maxlen },
		{ .name = "--no-check", .flag = &unchecked },
		STREAM_TARGET_OPTIONS(writer.target),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status = run_writer(&writer, folder, unchecked);
	writer_fini(&writer);
	return status;
}

static int
parse_speed(struct ctl *ctl, const char *text, double *speed_r)
{
	char *end;
	if (strcmp(text, "max") == 0) {
		*speed_r = 0;
		return 0;
	}
	*speed_r = strtod(text, &end);
	if (*end == '\0' && *speed_r > 0 && *speed_r < 1e6)
		return 0;
	return ctl_fail(
	    ctl, CTL_USAGE, "usage", "--speed: a number above 0, or max");
}

int
cmd_stream_replay(struct ctl *ctl)
{
	struct writer writer = { .ctl = ctl, .maxlen = "10000" };
	const char *folder = NULL;
	const char *speed = "1";
	bool unchecked = false;
	stream_target_init(&writer.target);
	const struct ctl_option options[] = {
		{ .name = "--contract", .value = &folder },
		{ .name = "--maxlen", .value = &writer.maxlen },
		{ .name = "--speed", .value = &speed },
		{ .name = "--no-check", .flag = &unchecked },
		STREAM_TARGET_OPTIONS(writer.target),
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0)
		status = parse_speed(ctl, speed, &writer.speed);
	if (status == 0)
		status = run_writer(&writer, folder, unchecked);
	writer_fini(&writer);
	return status;
}
