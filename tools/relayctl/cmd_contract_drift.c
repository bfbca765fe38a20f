/* SPDX-License-Identifier: MIT */

/*
 * relayctl contract drift: what the running relay saw that its contract does
 * not say, and what the contract says that it never saw. A finding for each
 * cell of the relay's report: breaches are errors, undeclared members are
 * warnings, what never came is a note.
 */

#include "ctl_check.h"
#include "ctl_report.h"
#include "http_get.h"
#include "json.h"
#include "xmalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DRIFT_PATH "/api/v1/contract/drift"
#define TIMEOUT_MS 5000
#define TEXTS_MAX  16

struct drifting {
	struct ctl *ctl;
	const char *directory; /* where the schema files are, or NULL */
	bool no_notes;
	struct json_doc doc;
	struct ctl_report report;
	struct buf scratch;
	/* The strings of the finding at hand. */
	char *texts[TEXTS_MAX];
	size_t text_count;
};

/* --- reading the relay's report --- */

static uint32_t
find(struct drifting *drifting, uint32_t object, const char *name)
{
	return json_member(&drifting->doc, object, view_of(name));
}

/* A member's string; NULL when it is null or not there. Good until the next
 * finding. */
static const char *
text_of(struct drifting *drifting, uint32_t object, const char *name)
{
	uint32_t node = find(drifting, object, name);
	if (node == 0 || drifting->doc.nodes[node].type == JSON_NULL ||
	    drifting->text_count == TEXTS_MAX)
		return NULL;
	struct view text = drifting->doc.nodes[node].type == JSON_STRING
	    ? json_string(&drifting->doc, node, &drifting->scratch)
	    : json_text(&drifting->doc, node);
	char *copy = xstrndup(text.data, text.len);
	drifting->texts[drifting->text_count++] = copy;
	return copy;
}

static uint64_t
number_of(struct drifting *drifting, uint32_t object, const char *name)
{
	uint32_t node = find(drifting, object, name);
	if (node == 0 || drifting->doc.nodes[node].type != JSON_NUMBER)
		return 0;
	return strtoull(
	    json_text(&drifting->doc, node).data, NULL, 10); /* ends at , } */
}

static void
forget_texts(struct drifting *drifting)
{
	while (drifting->text_count > 0)
		free(drifting->texts[--drifting->text_count]);
}

/* The schema file, where the caller knows it. */
static const char *
source_of(struct drifting *drifting, uint32_t cell)
{
	struct buf path;
	const char *source = text_of(drifting, cell, "source");
	if (!source || drifting->text_count == TEXTS_MAX)
		return source;
	buf_init(&path, 0);
	if (drifting->directory)
		buf_addf(&path, "%s/", drifting->directory);
	buf_add(&path, view_make(source, strcspn(source, "#")));
	buf_add_char(&path, '\0');
	drifting->texts[drifting->text_count++] = path.data;
	return path.data;
}

/* --- findings --- */

static void
add_cell(struct drifting *drifting, uint32_t cell)
{
	const char *level = text_of(drifting, cell, "level");
	const struct finding_traffic traffic = {
		.direction = text_of(drifting, cell, "direction"),
		.endpoint = text_of(drifting, cell, "endpoint"),
		.producer = text_of(drifting, cell, "producer"),
		.seen = text_of(drifting, cell, "seen"),
		.nearest = text_of(drifting, cell, "nearest"),
		.sample = text_of(drifting, cell, "sample"),
		.count = number_of(drifting, cell, "count"),
		.first_seen = number_of(drifting, cell, "first_seen"),
		.last_seen = number_of(drifting, cell, "last_seen"),
	};
	const struct finding finding = {
		.level = level && strcmp(level, "error") == 0 ? FINDING_ERROR
							      : FINDING_WARNING,
		.source = source_of(drifting, cell),
		.id = text_of(drifting, cell, "id"),
		.type = text_of(drifting, cell, "type"),
		.pointer = text_of(drifting, cell, "pointer"),
		.rule = text_of(drifting, cell, "rule"),
		.expected = text_of(drifting, cell, "expected"),
		.got = text_of(drifting, cell, "got"),
		.hint = text_of(drifting, cell, "hint"),
		.traffic = &traffic,
	};
	if (finding.rule && traffic.direction)
		report_add(drifting->report.report, &finding);
	forget_texts(drifting);
}

static void
add_missed(struct drifting *drifting, uint32_t item, const char *rule)
{
	char got[64];
	const struct finding_traffic traffic = {
		.direction = text_of(drifting, item, "direction"),
		.endpoint = text_of(drifting, item, "endpoint"),
		.seen = text_of(drifting, item, "value"),
	};
	struct finding finding = {
		.level = FINDING_NOTE,
		.type = text_of(drifting, item, "type"),
		.pointer = text_of(drifting, item, "pointer"),
		.rule = rule,
		.expected = traffic.seen,
		.got = got,
		.traffic = &traffic,
	};
	snprintf(got, sizeof(got), "none in %" PRIu64 " frames",
	    number_of(drifting, item, "sample_size"));
	if (!finding.pointer)
		finding.pointer = "";
	if (traffic.direction)
		report_add(drifting->report.report, &finding);
	forget_texts(drifting);
}

static void
add_cells(struct drifting *drifting, const char *name)
{
	const struct json_doc *doc = &drifting->doc;
	uint32_t list = find(drifting, 0, name);
	if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
		return;
	for (uint32_t item = list + 1; item < doc->nodes[list].next;
	     item = doc->nodes[item].next)
		add_cell(drifting, item);
}

static void
add_never_seen(struct drifting *drifting)
{
	static const char *const lists[][2] = {
		{ "types", "never_seen_type" },
		{ "members", "never_seen_member" },
		{ "values", "never_seen_value" },
	};
	const struct json_doc *doc = &drifting->doc;
	uint32_t never = find(drifting, 0, "never_seen");
	for (size_t i = 0; never && i < 3; i++) {
		uint32_t list = find(drifting, never, lists[i][0]);
		if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
			continue;
		for (uint32_t item = list + 1; item < doc->nodes[list].next;
		     item = doc->nodes[item].next)
			add_missed(drifting, item, lists[i][1]);
	}
}

/* Frames of declared messages that the relay judged. */
static uint64_t
count_frames(struct drifting *drifting)
{
	const struct json_doc *doc = &drifting->doc;
	uint32_t list = find(drifting, 0, "messages");
	uint64_t frames = 0;
	if (list == 0 || doc->nodes[list].type != JSON_ARRAY)
		return 0;
	for (uint32_t item = list + 1; item < doc->nodes[list].next;
	     item = doc->nodes[item].next)
		frames += number_of(drifting, item, "count");
	return frames;
}

/* --- the command --- */

static int
tell(struct drifting *drifting, const struct ctl_values *formats)
{
	struct buf subject;
	uint32_t contract = find(drifting, 0, "contract");
	const char *name = text_of(drifting, contract, "name");
	const char *version = text_of(drifting, contract, "version");
	buf_init(&subject, 0);
	buf_addf(&subject, "%s/%s", name ? name : "", version ? version : "");
	buf_add_char(&subject, '\0');
	forget_texts(drifting);
	const struct report_options options = { .subject = subject.data,
		.unit = "judged frames",
		.whole = "the frame" };
	int status = ctl_report_open(
	    &drifting->report, drifting->ctl, formats, &options);
	if (status == 0) {
		add_cells(drifting, "cells");
		add_cells(drifting, "undeclared");
		if (!drifting->no_notes)
			add_never_seen(drifting);
		status =
		    ctl_report_close(&drifting->report, count_frames(drifting));
	}
	buf_fini(&subject);
	return status;
}

static int
read_and_tell(struct drifting *drifting, struct view body,
    const struct ctl_values *formats)
{
	struct json_limits limits = { .max_depth = 64 };
	struct json_fault fault;
	if (json_scan(&drifting->doc, body, &limits, &fault) == -1 ||
	    drifting->doc.nodes[0].type != JSON_OBJECT ||
	    find(drifting, 0, "cells") == 0)
		return ctl_fail(drifting->ctl, CTL_UNREACHABLE, "not_a_relay",
		    "what answers there is no relay");
	return tell(drifting, formats);
}

static int
ask(struct drifting *drifting, const struct ctl_values *formats)
{
	struct ctl *ctl = drifting->ctl;
	struct buf body;
	struct error err = { "", "" };
	const char *address = ctl_relay(ctl);
	if (!address)
		return CTL_INPUT;
	buf_init(&body, 0);
	int status = 0;
	int code = http_get(address, DRIFT_PATH, TIMEOUT_MS, &body, &err);
	if (code == 200) {
		status = read_and_tell(drifting, buf_view(&body), formats);
	} else if (code < 0) {
		ctl_fix(ctl, "name the relay's admin address with --relay");
		status = ctl_fail(ctl, CTL_UNREACHABLE, "unreachable", "%s: %s",
		    err.where, err.message);
	} else {
		status = ctl_fail(ctl, CTL_UNREACHABLE, "not_admin",
		    "%s answered %d: is it the admin listener?", address, code);
	}
	buf_fini(&body);
	return status;
}

/* It only stands in front of names of files; a wrong one would mislead. */
static int
check_directory(struct ctl *ctl, const char *directory)
{
	char path[4096];
	if (!directory)
		return 0;
	snprintf(path, sizeof(path), "%s/contract.json", directory);
	if (access(path, R_OK) == 0)
		return 0;
	return ctl_fail(ctl, CTL_INPUT, "contract", "%s: is no contract: %s",
	    directory, strerror(errno));
}

int
cmd_contract_drift(struct ctl *ctl)
{
	struct drifting drifting = { .ctl = ctl };
	struct ctl_values formats = { .count = 0 };
	const struct ctl_option options[] = {
		{ .name = "--format", .list = &formats },
		{ .name = "--contract", .value = &drifting.directory },
		{ .name = "--no-notes", .flag = &drifting.no_notes },
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0 && ctl->argc != 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage", "no operand wanted");
	if (status == 0)
		status = ctl_check_addresses(ctl);
	if (status == 0)
		status = check_directory(ctl, drifting.directory);
	if (status != 0)
		return status;
	json_doc_init(&drifting.doc);
	buf_init(&drifting.scratch, 0);
	status = ask(&drifting, &formats);
	buf_fini(&drifting.scratch);
	json_doc_fini(&drifting.doc);
	return status;
}
