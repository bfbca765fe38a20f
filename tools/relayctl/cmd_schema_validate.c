/* SPDX-License-Identifier: MIT */

/* relayctl schema validate: any JSON Schema, any instances, a line each. */

#include "schema_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIOLATIONS_MAX 10

struct validation {
	struct ctl *ctl;
	struct schema *schema;
	struct schema_scratch *scratch;
	struct json_doc doc;
	struct json_limits limits;
	const char *source;
	unsigned long line;
	unsigned long valid;
	unsigned long invalid;
	unsigned long unreadable;
};

static void
begin_instance(struct validation *validation, const char *verdict)
{
	struct buf *result = &validation->ctl->result;
	bool is_first = result->data[result->len - 1] == '[';
	buf_addf(result, "%s{\"line\":%lu,\"verdict\":\"%s\"",
	    is_first ? "" : ",", validation->line, verdict);
}

static void
report_valid(struct validation *validation)
{
	struct ctl *ctl = validation->ctl;
	validation->valid++;
	begin_instance(validation, "valid");
	buf_add_char(&ctl->result, '}');
	ctl_printf(ctl, "%svalid%s\n", ctl_green(ctl), ctl_plain(ctl));
}

static void
add_findings(struct validation *validation, const struct violation *violations,
    size_t count)
{
	struct buf *result = &validation->ctl->result;
	buf_add_text(result, ",\"findings\":[");
	for (size_t i = 0; i < count; i++) {
		buf_add_text(result, i ? ",{\"source\":" : "{\"source\":");
		buf_add_json_string(result, view_of(validation->source));
		buf_addf(
		    result, ",\"line\":%lu,\"type\":null,", validation->line);
		schema_files_add_violation(result, &violations[i]);
		buf_add_char(result, '}');
	}
	buf_add_text(result, "]}");
}

/* Names in it are the instance's own: they must not end the line, or what
 * follows would be read as the verdict of another instance. */
static void
print_violation(struct ctl *ctl, const struct violation *violation)
{
	struct buf text;
	buf_init(&text, 0);
	buf_addf(&text, "%s %s: expected %s, got %s%s%s%s",
	    violation->pointer[0] ? violation->pointer : "\"\"",
	    violation->rule, violation->expected, violation->got,
	    violation->hint[0] ? " (" : "", violation->hint,
	    violation->hint[0] ? ")" : "");
	ctl_printf(ctl, "%sinvalid%s ", ctl_red(ctl), ctl_plain(ctl));
	ctl_print_foreign(ctl, buf_view(&text));
	ctl_printf(ctl, "\n");
	buf_fini(&text);
}

static void
report_invalid(struct validation *validation,
    const struct violation *violations, size_t count)
{
	validation->invalid++;
	begin_instance(validation, "invalid");
	add_findings(validation, violations, count);
	print_violation(validation->ctl, &violations[0]);
}

/* Not JSON: no instance at all. */
static void
report_fault(struct validation *validation, const struct json_fault *fault)
{
	struct ctl *ctl = validation->ctl;
	validation->unreadable++;
	begin_instance(validation, "unreadable");
	buf_addf(&ctl->result, ",\"offset\":%zu,\"reason\":", fault->offset);
	buf_add_json_string(&ctl->result, view_of(fault->message));
	buf_add_char(&ctl->result, '}');
	ctl_printf(ctl, "%sinvalid%s \"\" json: %s at byte %zu\n", ctl_red(ctl),
	    ctl_plain(ctl), fault->message, fault->offset);
	ctl_fail(ctl, CTL_INPUT, "not_json", "%s:%lu: %s at byte %zu",
	    validation->source, validation->line, fault->message,
	    fault->offset);
}

static void
judge(struct validation *validation, struct view text)
{
	struct violation violations[VIOLATIONS_MAX];
	struct json_fault fault;
	if (json_scan(&validation->doc, text, &validation->limits, &fault) <
	    0) {
		report_fault(validation, &fault);
		return;
	}
	size_t count = schema_explain(validation->schema, validation->scratch,
	    &validation->doc, 0, violations, VIOLATIONS_MAX);
	if (count == 0)
		report_valid(validation);
	else
		report_invalid(validation, violations, count);
}

static bool
is_blank(const char *line, size_t length)
{
	return strspn(line, " \t\r\n") == length;
}

static void
judge_lines(struct validation *validation, FILE *file)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	while ((length = getline(&line, &size, file)) >= 0) {
		validation->line++;
		if (!is_blank(line, (size_t)length))
			judge(validation, view_make(line, (size_t)length));
	}
	free(line);
}

/* x.json is one instance over many lines, all else is one a line. */
static int
judge_source(struct validation *validation)
{
	const char *path = validation->source;
	const char *dot = strrchr(path, '.');
	if (dot && strcmp(dot, ".json") == 0) {
		struct buf text;
		buf_init(&text, 0);
		int rc = ctl_read_file(validation->ctl, path, &text);
		validation->line = 1;
		if (rc == 0)
			judge(validation, buf_view(&text));
		buf_fini(&text);
		return rc;
	}
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "r");
	if (!file) {
		ctl_fail(
		    validation->ctl, CTL_INPUT, "unreadable", "%s: %m", path);
		return -1;
	}
	judge_lines(validation, file);
	bool failed = ferror(file);
	if (file != stdin)
		fclose(file);
	if (failed)
		ctl_fail(
		    validation->ctl, CTL_INPUT, "unreadable", "%s: %m", path);
	return failed ? -1 : 0;
}

static int
run(struct validation *validation)
{
	struct ctl *ctl = validation->ctl;
	json_doc_init(&validation->doc);
	validation->scratch = schema_scratch_new();
	buf_add_text(&ctl->result, "{\"instances\":[");
	int rc = judge_source(validation);
	buf_addf(&ctl->result,
	    "],\"valid\":%lu,\"invalid\":%lu,\"unreadable\":%lu}",
	    validation->valid, validation->invalid, validation->unreadable);
	schema_scratch_free(&validation->scratch);
	json_doc_fini(&validation->doc);
	if (rc < 0 || validation->unreadable > 0)
		return CTL_INPUT;
	return validation->invalid > 0 ? CTL_FINDINGS : CTL_FINE;
}

int
cmd_schema_validate(struct ctl *ctl)
{
	const char *path = NULL;
	const char *draft = NULL;
	struct schema_options schema_options = { 0 };
	struct validation validation = { .ctl = ctl };
	const struct ctl_option options[] = {
		{ .name = "--schema", .value = &path },
		{ .name = "--draft", .value = &draft },
		{ .name = "--format-assertion",
		    .flag = &schema_options.format_assertion },
		{ .name = "--strict-keys",
		    .flag = &validation.limits.strict_keys },
	};
	int status = ctl_parse(ctl, options, 4);
	if (status == 0)
		status = schema_files_draft(ctl, draft, &schema_options.draft);
	if (status != 0)
		return status;
	if (!path || ctl->argc > 1)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    path ? "one file of instances at a time"
			 : "--schema FILE is missing");
	validation.source = ctl->argc == 1 ? ctl->argv[0] : "-";
	validation.schema = schema_files_compile(ctl, path, &schema_options);
	if (!validation.schema)
		return CTL_INPUT;
	status = run(&validation);
	schema_free(&validation.schema);
	return status;
}
