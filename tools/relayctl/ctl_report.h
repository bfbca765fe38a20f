/* SPDX-License-Identifier: MIT */
#ifndef CTL_REPORT_H
#define CTL_REPORT_H

/*
 * The report of a command that finds things: --format NAME[=FILE],… (several,
 * repeated or with commas), text on stdout when none is asked for, and with
 * --json the findings as the command's result.
 */

#include "contract.h"
#include "ctl.h"
#include "report.h"

#include <stdio.h>

#define CTL_REPORT_FILES_MAX 16

/* Init by ctl_report_open; always ends with ctl_report_close. */
struct ctl_report {
	struct ctl *ctl;
	struct report *report; /* add to this */
	struct {
		FILE *file;
		const char *path; /* points into argv; NULL: stdout */
	} files[CTL_REPORT_FILES_MAX];
	size_t file_count;
};

/* For the option table: { .name = "--format", .list = &formats }. */
#define CTL_REPORT_USAGE \
	"[--format text|json|github|junit|sarif|markdown[=FILE],...]"

/* Opens the files and the report; title, version and color of the options
 * are filled in. The strings are borrowed until ctl_report_close. 0, or the exit code with the error set. */
int ctl_report_open(struct ctl_report *report, struct ctl *ctl,
    const struct ctl_values *formats, const struct report_options *options);

/* Ends the report (`checked` units were looked at), closes the files and frees
 * it all. 0: no finding is an error; else CTL_FINDINGS; CTL_INPUT with the
 * error set when a file could not be written. */
int ctl_report_close(struct ctl_report *report, uint64_t checked);

/* Behind ctl_report_close: opens the result's object again, for members to be
 * appended, each with its comma in front, and a last brace. */
void ctl_report_reopen(struct ctl *ctl);
/* ,"contract":{name, version, hash}, or null. */
void ctl_report_contract(struct ctl *ctl, const struct contract *contract);

#endif
