/* SPDX-License-Identifier: MIT */

/* Where and when this is: the machine, its limits, and those of the relay when
 * its process is known and may be looked at. */

#include "bundle.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX 16384

static void
print_now(struct buf *out)
{
	char text[32];
	time_t now = time(NULL);
	struct tm utc;
	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	buf_addf(out, "relayctl %s at %s\n", RELAY_VERSION, text);
}

/* A file of /proc or /sys, or its first line only; 0, or -1 and errno. */
static int
print_file(struct buf *out, const char *label, const char *path, bool is_whole)
{
	char text[FILE_MAX];
	FILE *file = fopen(path, "r");
	if (!file)
		return -1;
	size_t len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	if (!is_whole)
		text[strcspn(text, "\n")] = '\0';
	buf_addf(out, "%s%s\n", label, text);
	return 0;
}

static void
print_host(struct buf *out)
{
	struct utsname host;
	if (uname(&host) == 0)
		buf_addf(out, "kernel: %s %s %s\n", host.sysname, host.release,
		    host.machine);
	buf_addf(out, "processors: %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
	print_file(out, "uptime (s): ", "/proc/uptime", false);
	print_file(out, "load: ", "/proc/loadavg", false);
	print_file(out, "", "/proc/meminfo", false);
	print_file(out,
	    "listen backlog at most: ", "/proc/sys/net/core/somaxconn", false);
}

static void
print_limit(struct buf *out, const char *name, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		buf_addf(out, "%s unlimited", name);
	else
		buf_addf(out, "%s %" PRIu64, name, (uint64_t)limit);
}

static void
print_own_limits(struct buf *out)
{
	static const struct {
		const char *name;
		int which;
	} rows[] = { { "open files", RLIMIT_NOFILE }, { "core", RLIMIT_CORE },
		{ "address space", RLIMIT_AS }, { "memlock", RLIMIT_MEMLOCK } };
	struct rlimit limit;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (getrlimit((__rlimit_resource_t)rows[i].which, &limit) != 0)
			continue;
		buf_addf(out, "limit here, %s:", rows[i].name);
		print_limit(out, " soft", limit.rlim_cur);
		print_limit(out, ", hard", limit.rlim_max);
		buf_add_char(out, '\n');
	}
}

/* Of control groups version 2; where a file is not there nothing is limited or
 * it is another version. */
static void
print_group(struct buf *out, const char *pid)
{
	static const char *const files[] = { "memory.max", "memory.current",
		"cpu.max", "pids.max" };
	char path[512];
	char line[256] = "";
	snprintf(path, sizeof(path), "/proc/%s/cgroup", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file) && strncmp(line, "0::", 3) != 0)
		continue;
	fclose(file);
	if (strncmp(line, "0::", 3) != 0)
		return;
	line[strcspn(line, "\n")] = '\0';
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char label[64];
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s", line + 3,
		    files[i]);
		snprintf(label, sizeof(label), "control group, %s: ", files[i]);
		print_file(out, label, path, false);
	}
}

static void
print_process(struct bundle *bundle, struct bundle_part *part)
{
	char path[64];
	char pid[24];
	snprintf(pid, sizeof(pid), "%ld", bundle->pid);
	snprintf(path, sizeof(path), "/proc/%s/limits", pid);
	buf_addf(&part->text, "the relay is process %s\n", pid);
	if (print_file(&part->text, "", path, true) != 0) {
		bundle_error(part, "%s: %s", path, strerror(errno));
		return;
	}
	snprintf(path, sizeof(path), "/proc/%s/status", pid);
	print_file(&part->text, "", path, true);
	print_group(&part->text, pid);
}

int
bundle_gather_host(struct bundle *bundle, struct bundle_part *part)
{
	print_now(&part->text);
	print_host(&part->text);
	print_own_limits(&part->text);
	print_group(&part->text, "self");
	if (bundle->pid > 0)
		print_process(bundle, part);
	else
		buf_add_text(&part->text,
		    "the relay's process is not known (--port-file)\n");
	return part->error[0] ? -1 : 0;
}
