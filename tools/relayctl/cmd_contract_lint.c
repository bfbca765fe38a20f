/* SPDX-License-Identifier: MIT */

/* relayctl contract lint: is this folder a contract, and a good one? */

#include "contract_lint.h"
#include "ctl_report.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

struct linting {
	struct ctl *ctl;
	const char *directory;
	struct ctl_report report;
	struct buf path;
	struct buf text; /* of the file at hand */
	bool is_unreadable;
};

/* Something is there, but what it says is not for us to see. */
static void
note_unreadable(struct linting *linting, int reason)
{
	linting->is_unreadable = true;
	ctl_fail(linting->ctl, CTL_INPUT, "unreadable",
	    "%s: cannot be read: %s", linting->path.data, strerror(reason));
}

/* The file whose line is to be shown; what cannot be read is not shown. */
static void
read_text(struct linting *linting)
{
	FILE *file = fopen(linting->path.data, "re");
	char part[16384];
	size_t got;
	buf_clear(&linting->text);
	while (file && (got = fread(part, 1, sizeof(part), file)) > 0)
		buf_add(&linting->text, view_make(part, got));
	if (file ? ferror(file) : errno != ENOENT)
		note_unreadable(linting, errno);
	if (file)
		fclose(file);
}

/* Of a folder that is none, the folder itself is the source. */
static void
find_source(struct linting *linting, const char *source)
{
	buf_clear(&linting->path);
	if (strcmp(source, linting->directory) != 0)
		buf_addf(&linting->path, "%s/", linting->directory);
	buf_addf(&linting->path, "%s", source);
	buf_add_char(&linting->path, '\0');
	read_text(linting);
}

static void
on_finding(void *arg, const struct contract_finding *found)
{
	struct linting *linting = arg;
	const struct violation *violation = &found->violation;
	bool is_load = strcmp(violation->rule, "load") == 0;
	find_source(linting, found->source);
	const struct finding finding = {
		.level = FINDING_ERROR,
		.source = linting->path.data,
		.line = linting->text.len ? 1 : 0,
		.type = found->type,
		.pointer = violation->pointer,
		.rule = violation->rule,
		.expected = is_load ? NULL : violation->expected,
		.got = is_load ? violation->expected : violation->got,
		.hint = violation->hint,
		.text = buf_view(&linting->text),
	};
	report_add(linting->report.report, &finding);
}

static int
lint(struct linting *linting)
{
	struct ctl *ctl = linting->ctl;
	struct contract *contract = NULL;
	size_t count =
	    contract_lint(linting->directory, &contract, on_finding, linting);
	int status = ctl_report_close(&linting->report, 1);
	if (ctl->json) {
		ctl_report_reopen(ctl);
		ctl_report_contract(ctl, contract);
		buf_add_char(&ctl->result, '}');
	}
	if (contract && !ctl->json)
		fprintf(stderr, "%s%s/%s%s %s: %zu finding%s\n",
		    count ? ctl_yellow(ctl) : ctl_green(ctl), contract->name,
		    contract->version, ctl_plain(ctl), contract->hash, count,
		    count == 1 ? "" : "s");
	contract_free(&contract);
	return status;
}

/* 0, or why there is no folder to look into. */
static int
look_at(const char *directory)
{
	struct stat info;
	if (stat(directory, &info) == -1)
		return errno;
	return S_ISDIR(info.st_mode) ? 0 : ENOTDIR;
}

int
cmd_contract_lint(struct ctl *ctl)
{
	struct linting linting = { .ctl = ctl };
	struct ctl_values formats = { .count = 0 };
	const struct ctl_option options[] = {
		{ .name = "--format", .list = &formats },
	};
	int status = ctl_parse(ctl, options, 1);
	if (status != 0)
		return status;
	if (ctl->argc != 1) {
		ctl_fix(ctl, "usage: relayctl %s %s", ctl->command, ctl->usage);
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "one contract folder at a time");
	}
	linting.directory = ctl->argv[0];
	int reason = look_at(linting.directory);
	if (reason != 0)
		ctl_fail(ctl, CTL_INPUT, "unreadable", "%s: %s",
		    linting.directory, strerror(reason));
	const struct report_options report = { .subject = linting.directory,
		.unit = "contract folder",
		.whole = "the file" };
	status = ctl_report_open(&linting.report, ctl, &formats, &report);
	if (status != 0)
		return status;
	buf_init(&linting.path, 0);
	buf_init(&linting.text, 0);
	status = lint(&linting);
	if (linting.is_unreadable || reason != 0)
		status = CTL_INPUT;
	buf_fini(&linting.path);
	buf_fini(&linting.text);
	return status;
}
