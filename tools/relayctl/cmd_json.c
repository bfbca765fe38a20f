/* SPDX-License-Identifier: MIT */

/* relayctl json: the strict scanner's verdict on whole files. */

#include "ctl.h"

#include "json.h"

/* RFC 8259 knows no limit, so only memory is one here. */
#define DEPTH_ANY (1u << 30)

struct judge_files {
	struct ctl *ctl;
	struct json_doc doc;
	struct json_limits limits;
	struct buf text;
	bool names; /* several files: each line begins with its file */
	unsigned valid;
	unsigned invalid;
	unsigned unreadable;
};

static void
begin_result(struct judge_files *files, const char *path, const char *verdict)
{
	struct buf *result = &files->ctl->result;
	buf_add_text(result,
	    result->data[result->len - 1] == '[' ? "{\"file\":"
						 : ",{\"file\":");
	buf_add_json_string(result, view_of(path));
	buf_addf(result, ",\"verdict\":\"%s\"", verdict);
	if (!files->names)
		return;
	ctl_print_foreign(files->ctl, view_of(path));
	ctl_printf(files->ctl, ": ");
}

static void
report_valid(struct judge_files *files, const char *path)
{
	files->valid++;
	begin_result(files, path, "valid");
	buf_add_char(&files->ctl->result, '}');
	ctl_printf(files->ctl, "%svalid%s\n", ctl_green(files->ctl),
	    ctl_plain(files->ctl));
}

static void
report_invalid(
    struct judge_files *files, const char *path, const struct json_fault *fault)
{
	files->invalid++;
	begin_result(files, path, "invalid");
	buf_addf(
	    &files->ctl->result, ",\"offset\":%zu,\"reason\":", fault->offset);
	buf_add_json_string(&files->ctl->result, view_of(fault->message));
	buf_add_char(&files->ctl->result, '}');
	ctl_printf(files->ctl, "%sinvalid%s at byte %zu: %s\n",
	    ctl_red(files->ctl), ctl_plain(files->ctl), fault->offset,
	    fault->message);
}

static void
report_unreadable(struct judge_files *files, const char *path)
{
	files->unreadable++;
	begin_result(files, path, "unreadable");
	buf_add_char(&files->ctl->result, '}');
	ctl_printf(files->ctl, "%sunreadable%s\n", ctl_yellow(files->ctl),
	    ctl_plain(files->ctl));
}

static void
judge_file(struct judge_files *files, const char *path)
{
	struct json_fault fault;
	buf_clear(&files->text);
	if (ctl_read_file(files->ctl, path, &files->text) < 0)
		report_unreadable(files, path);
	else if (json_scan(&files->doc, buf_view(&files->text), &files->limits,
		     &fault) < 0)
		report_invalid(files, path, &fault);
	else
		report_valid(files, path);
}

int
cmd_json(struct ctl *ctl)
{
	struct judge_files files = { .ctl = ctl,
		.limits = { .max_depth = DEPTH_ANY } };
	const struct ctl_option options[] = {
		{ .name = "--strict-keys", .flag = &files.limits.strict_keys },
	};
	int status = ctl_parse(ctl, options, 1);
	if (status != 0)
		return status;
	if (ctl->argc == 0)
		return ctl_fail(ctl, CTL_USAGE, "usage", "no file named");
	json_doc_init(&files.doc);
	buf_init(&files.text, 0);
	files.names = ctl->argc > 1;
	buf_add_text(&ctl->result, "{\"files\":[");
	for (int i = 0; i < ctl->argc; i++)
		judge_file(&files, ctl->argv[i]);
	buf_addf(&ctl->result,
	    "],\"valid\":%u,\"invalid\":%u,\"unreadable\":%u}", files.valid,
	    files.invalid, files.unreadable);
	buf_fini(&files.text);
	json_doc_fini(&files.doc);
	if (files.unreadable)
		return CTL_INPUT;
	return files.invalid ? CTL_FINDINGS : CTL_FINE;
}
