/* SPDX-License-Identifier: MIT */
#include "ctl_report.h"

#include "nearest.h"

#include <errno.h>
#include <string.h>

/* The envelope of --json is made in memory: there must be an end to it. */
#define RESULT_FINDINGS_MAX 10000

static void
write_to_file(void *arg, struct view bytes)
{
	fwrite(bytes.data, 1, bytes.len, arg);
}

static void
write_to_result(void *arg, struct view bytes)
{
	struct ctl *ctl = arg;
	buf_add(&ctl->result, bytes);
}

static int
unknown_format(struct ctl *ctl, struct view name)
{
	const char *names[REPORT_FORMAT_COUNT];
	for (int i = 0; i < REPORT_FORMAT_COUNT; i++)
		names[i] = report_format_name((enum report_format)i);
	const char *near = nearest_name(name, names, REPORT_FORMAT_COUNT);
	if (near)
		ctl_fix(ctl, "did you mean %s?", near);
	else
		ctl_fix(ctl, "usage: %s", CTL_REPORT_USAGE);
	return ctl_fail(ctl, CTL_USAGE, "usage", "unknown format %.*s",
	    (int)name.len, name.data);
}

static int
add_stdout(struct ctl_report *report, enum report_format format)
{
	struct ctl *ctl = report->ctl;
	const char *name = report_format_name(format);
	if (ctl->json && format == REPORT_TEXT)
		return 0;
	if (ctl->json)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--json leaves no room on stdout: write --format %s=FILE",
		    name);
	for (size_t i = 0; i < report->file_count; i++) {
		if (report->files[i].path)
			continue;
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "only one format can go to stdout: write --format %s=FILE",
		    name);
	}
	report->files[report->file_count].file = stdout;
	report->files[report->file_count++].path = NULL;
	report_to(report->report, format, 0, write_to_file, stdout);
	return 0;
}

static int
add_file(struct ctl_report *report, enum report_format format, const char *path)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return ctl_fail(report->ctl, CTL_INPUT, "unwritable", "%s: %s",
		    path, strerror(errno));
	report->files[report->file_count].file = file;
	report->files[report->file_count++].path = path;
	report_to(report->report, format, 0, write_to_file, file);
	return 0;
}

/* One NAME or NAME=FILE; a file name ends at the comma, which becomes its
 * NUL. */
static int
add_output(struct ctl_report *report, char *text)
{
	char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	int format = report_format_find(view_make(text, length));
	if (format == -1)
		return unknown_format(report->ctl, view_make(text, length));
	if (report->file_count == CTL_REPORT_FILES_MAX - 1)
		return ctl_fail(report->ctl, CTL_USAGE, "usage",
		    "more than %d formats", CTL_REPORT_FILES_MAX - 1);
	const char *path = equals ? equals + 1 : "-";
	if (!path[0])
		return ctl_fail(report->ctl, CTL_USAGE, "usage",
		    "--format %s needs a file name", text);
	if (strcmp(path, "-") == 0)
		return add_stdout(report, (enum report_format)format);
	return add_file(report, (enum report_format)format, path);
}

static int
add_outputs(struct ctl_report *report, char *list)
{
	while (list) {
		char *comma = strchr(list, ',');
		if (comma)
			*comma = '\0';
		int status = add_output(report, list);
		if (status != 0)
			return status;
		list = comma ? comma + 1 : NULL;
	}
	return 0;
}

static int
add_all(struct ctl_report *report, const struct ctl_values *formats)
{
	for (size_t i = 0; i < formats->count; i++) {
		/* The items point into argv, which is ours to write to. */
		int status = add_outputs(report, (char *)formats->items[i]);
		if (status != 0)
			return status;
	}
	if (formats->count == 0)
		add_stdout(report, REPORT_TEXT);
	if (report->ctl->json)
		report_to(report->report, REPORT_JSON, RESULT_FINDINGS_MAX,
		    write_to_result, report->ctl);
	return 0;
}

/* 0, or -1 with the error set. */
static int
close_files(struct ctl_report *report)
{
	int status = 0;
	for (size_t i = 0; i < report->file_count; i++) {
		FILE *file = report->files[i].file;
		if (!report->files[i].path)
			continue; /* main flushes stdout */
		bool has_failed = ferror(file) != 0;
		if (fclose(file) == 0 && !has_failed)
			continue;
		ctl_fail(report->ctl, CTL_INPUT, "unwritable",
		    "%s could not be written", report->files[i].path);
		status = -1;
	}
	report->file_count = 0;
	return status;
}

int
ctl_report_open(struct ctl_report *report, struct ctl *ctl,
    const struct ctl_values *formats, const struct report_options *options)
{
	struct report_options own = *options;
	own.title = ctl->command;
	own.version = RELAY_VERSION;
	own.color = ctl->color;
	*report = (struct ctl_report){ .ctl = ctl };
	report->report = report_new(&own);
	int status = add_all(report, formats);
	if (status == 0)
		return 0;
	close_files(report);
	report_free(&report->report);
	return status;
}

int
ctl_report_close(struct ctl_report *report, uint64_t checked)
{
	report_end(report->report, checked);
	bool has_errors = report_count(report->report, FINDING_ERROR) > 0;
	int status = close_files(report);
	report_free(&report->report);
	if (status == -1)
		return CTL_INPUT;
	return has_errors ? CTL_FINDINGS : CTL_FINE;
}

void
ctl_report_reopen(struct ctl *ctl)
{
	struct buf *result = &ctl->result;
	while (result->len && result->data[result->len - 1] == '\n')
		result->len--;
	if (result->len && result->data[result->len - 1] == '}')
		result->len--;
	else
		buf_add_text(result, "{\"findings\":[]");
}

void
ctl_report_contract(struct ctl *ctl, const struct contract *contract)
{
	struct buf *result = &ctl->result;
	if (!contract) {
		buf_add_text(result, ",\"contract\":null");
		return;
	}
	buf_add_text(result, ",\"contract\":{\"name\":");
	buf_add_json_string(result, view_of(contract->name));
	buf_add_text(result, ",\"version\":");
	buf_add_json_string(result, view_of(contract->version));
	buf_addf(result, ",\"hash\":\"%s\"}", contract->hash);
}
