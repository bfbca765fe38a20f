/* SPDX-License-Identifier: MIT */

/*
 * relayctl report: one redacted text with all that somebody needs who shall
 * help from afar. It also works, and ends with 0, when the relay is down: the
 * report is what was asked for, and it says so.
 */

#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A folder is given a file with a name that tells the time. */
static void
name_file(const char *out, char *path, size_t size)
{
	struct stat info;
	char name[64] = "";
	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	if (stat(out, &info) == 0 && S_ISDIR(info.st_mode))
		strftime(name, sizeof(name), "/relay-report-%Y%m%dT%H%M%SZ.txt",
		    &utc);
	snprintf(path, size, "%s%s", out, name);
}

/* Before anything is gathered: what cannot be written need not be asked for. */
static int
open_file(struct ctl *ctl, const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	if (errno == EEXIST)
		ctl_fix(ctl, "nothing is overwritten: name another file");
	ctl_fail(ctl, CTL_INPUT, "unwritable", "%s: %s", path, strerror(errno));
	return -1;
}

static int
write_all(int fd, struct view text)
{
	while (text.len > 0) {
		ssize_t put = write(fd, text.data, text.len);
		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return -1;
		text = view_make(text.data + put, text.len - (size_t)put);
	}
	return 0;
}

/* --- the last look for secrets, over all of it --- */

static void
make_text(const struct bundle *bundle, struct buf *out)
{
	struct buf text;
	buf_init(&text, 0);
	buf_add_text(&text,
	    "relayctl report. Secrets are replaced by " REDACT_MARK
	    "; read it before you pass it on.\n");
	bundle_print(bundle, &text);
	redact_known(&bundle->redact, buf_view(&text), out);
	buf_wipe(&text);
}

/* A secret that is also a word of JSON leaves none behind: then the text for
 * people is the result, as one string. */
static void
make_json(const struct bundle *bundle, const char *path, struct view text,
    struct buf *out)
{
	struct buf json;
	buf_init(&json, 0);
	buf_add_text(&json, "{\"version\":\"" RELAY_VERSION "\",\"file\":");
	if (path)
		buf_add_json_string(&json, view_of(path));
	else
		buf_add_text(&json, "null");
	buf_add_text(&json, ",\"parts\":{");
	bundle_print_json(bundle, &json);
	buf_add_text(&json, "}}");
	redact_known(&bundle->redact, buf_view(&json), out);
	if (!bundle_is_json(buf_view(out))) {
		buf_clear(out);
		buf_add_json_string(out, text);
	}
	buf_wipe(&json);
}

static int
deliver(struct bundle *bundle, const char *path, int fd)
{
	struct ctl *ctl = bundle->ctl;
	struct buf text;
	int status = CTL_FINE;
	buf_init(&text, 0);
	make_text(bundle, &text);
	if (ctl->json)
		make_json(bundle, path, buf_view(&text), &ctl->result);
	if (fd >= 0 && write_all(fd, buf_view(&text)) != 0)
		status = ctl_fail(ctl, CTL_INPUT, "unwritable", "%s: %s", path,
		    strerror(errno));
	else if (fd >= 0)
		ctl_printf(ctl, "%s\n", path);
	else
		ctl_printf(ctl, "%.*s", (int)text.len, text.data);
	buf_wipe(&text);
	return status;
}

int
cmd_report(struct ctl *ctl)
{
	struct bundle bundle;
	struct ctl_values logs = { .count = 0 };
	const char *out = NULL;
	const char *port_file = NULL;
	char path[PATH_MAX];
	const struct ctl_option options[] = {
		{ .name = "--out", .value = &out },
		{ .name = "--log", .list = &logs },
		{ .name = "--port-file", .value = &port_file },
	};
	int status = ctl_parse(ctl, options, 3);
	if (status == 0 && ctl->argc != 0)
		status = ctl_fail(ctl, CTL_USAGE, "usage", "no operand wanted");
	if (status != 0)
		return status;
	if (out)
		name_file(out, path, sizeof(path));
	int fd = out ? open_file(ctl, path) : -1;
	if (out && fd < 0)
		return CTL_INPUT;
	bundle_init(&bundle, ctl);
	bundle.logs = &logs;
	bundle.port_file = port_file;
	bundle_gather(&bundle);
	status = deliver(&bundle, out ? path : NULL, fd);
	bundle_fini(&bundle);
	if (fd >= 0)
		close(fd);
	return status;
}
