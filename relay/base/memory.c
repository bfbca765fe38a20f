/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "xmalloc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUPS        "/sys/fs/cgroup"
#define TIGHT_PERCENT 85
#define DIRE_PERCENT  92
#define SPARE_PERCENT 5
#define EBB_MS        5000      /* less in use for so long is no mere dip */
#define EBB_BYTES     (4 << 20) /* less than this is not worth it */
/* Version 1 writes "no limit" as the largest multiple of a page. */
#define NO_LIMIT (UINT64_C(1) << 62)

/* One control group's files; -1: not there. */
struct group {
	int limit;
	int used;
	int stat;
	const char *inactive; /* what stands before it in `stat` */
};

struct memory {
	int process; /* /proc/self/statm */
	struct group group;
	long page_bytes;
};

/* --- opening --- */

static int
open_in(const char *folder, const char *name)
{
	char path[600];
	int length = snprintf(path, sizeof(path), "%s/%s", folder, name);

	if (length < 0 || (size_t)length >= sizeof(path))
		return -1;
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* "0::/path" for version 2, "4:memory:/path" for version 1. */
static bool
find_path(const char *controller, char *path, size_t size)
{
	char line[512];
	bool is_found = false;
	FILE *file = fopen("/proc/self/cgroup", "re");

	while (file != NULL && !is_found && fgets(line, sizeof(line), file)) {
		char *name = strchr(line, ':');
		char *slash = name ? strchr(name + 1, ':') : NULL;
		if (slash == NULL)
			continue;
		*slash = '\0';
		slash[1 + strcspn(slash + 1, "\n")] = '\0';
		is_found = strcmp(name + 1, controller) == 0;
		if (is_found)
			snprintf(path, size, "%s", slash + 1);
	}
	if (file != NULL)
		fclose(file);
	return is_found;
}

static const struct {
	const char *controller;
	const char *mount;
	const char *limit, *used;
	const char *inactive;
} versions[] = {
	{ "", GROUPS, "memory.max", "memory.current", "\ninactive_file " },
	{ "memory", GROUPS "/memory", "memory.limit_in_bytes",
	    "memory.usage_in_bytes", "\ntotal_inactive_file " },
};

/* In a container the path may lie outside of what is mounted: then the mount
 * itself is the group. */
static bool
open_group(struct group *group, size_t version)
{
	char path[256];
	char folder[512];

	if (!find_path(versions[version].controller, path, sizeof(path)))
		return false;
	for (int whole = 1; whole >= 0; whole--) {
		snprintf(folder, sizeof(folder), "%s%s",
		    versions[version].mount, whole ? path : "");
		group->limit = open_in(folder, versions[version].limit);
		if (group->limit < 0)
			continue;
		group->used = open_in(folder, versions[version].used);
		group->stat = open_in(folder, "memory.stat");
		group->inactive = versions[version].inactive;
		return true;
	}
	return false;
}

struct memory *
memory_new(void)
{
	struct memory *memory = xcalloc(1, sizeof(*memory));

	memory->page_bytes = sysconf(_SC_PAGESIZE);
	memory->process = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	memory->group = (struct group){ .limit = -1, .used = -1, .stat = -1 };
	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
		if (open_group(&memory->group, i))
			break;
	}
	return memory;
}

void
memory_free(struct memory **memory_p)
{
	struct memory *memory = *memory_p;

	if (memory == NULL)
		return;
	close(memory->process);
	close(memory->group.limit);
	close(memory->group.used);
	close(memory->group.stat);
	free(memory);
	*memory_p = NULL;
}

/* --- looking --- */

/* The file's beginning as text; "" when it cannot be read. */
static void
read_text(int fd, char *text, size_t size)
{
	ssize_t count = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

	text[count > 0 ? count : 0] = '\0';
}

static uint64_t
read_number(int fd, uint64_t otherwise)
{
	char text[64];
	char *end;

	read_text(fd, text, sizeof(text));
	uint64_t number = strtoull(text, &end, 10);
	return end == text ? otherwise : number;
}

static uint64_t
process_used(const struct memory *memory)
{
	char text[128];
	unsigned long long pages = 0;

	read_text(memory->process, text, sizeof(text));
	if (sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * (uint64_t)memory->page_bytes;
}

/* The kernel gives file pages back before it kills anybody. */
static uint64_t
group_used(const struct group *group)
{
	char text[8192];
	uint64_t used = read_number(group->used, 0);
	const char *at;
	uint64_t inactive = 0;

	read_text(group->stat, text, sizeof(text));
	at = strstr(text, group->inactive);
	if (at != NULL)
		inactive = strtoull(at + strlen(group->inactive), NULL, 10);
	return used > inactive ? used - inactive : 0;
}

/* Is one nearer to its limit than two? */
static bool
is_nearer(const struct memory_figures *one, const struct memory_figures *two)
{
	return (double)one->used / (double)one->limit >
	    (double)two->used / (double)two->limit;
}

struct memory_figures
memory_look(struct memory *memory, uint64_t own_limit)
{
	struct memory_figures process = { .used = process_used(memory),
		.limit = own_limit > 0 ? own_limit : UINT64_MAX };
	struct memory_figures group = { .limit = UINT64_MAX };

	if (memory->group.limit >= 0)
		group.limit = read_number(memory->group.limit, UINT64_MAX);
	if (group.limit == 0 || group.limit >= NO_LIMIT)
		return process;
	group.used = group_used(&memory->group);
	return is_nearer(&group, &process) ? group : process;
}

enum memory_level
memory_judge(enum memory_level now, const struct memory_figures *figures)
{
	uint64_t percent = figures->used / (figures->limit / 100 + 1);
	uint64_t spare = now == MEMORY_DIRE ? SPARE_PERCENT : 0;

	if (percent + spare >= DIRE_PERCENT)
		return MEMORY_DIRE;
	spare = now == MEMORY_FINE ? 0 : SPARE_PERCENT;
	return percent + spare >= TIGHT_PERCENT ? MEMORY_TIGHT : MEMORY_FINE;
}

bool
memory_has_ebbed(struct memory_tide *tide, uint64_t needed, uint64_t step_ms)
{
	if (needed > tide->highest)
		tide->highest = needed;
	if (needed > tide->highest / 2 || tide->highest - needed < EBB_BYTES) {
		tide->ebb_ms = 0;
		return false;
	}
	tide->ebb_ms += step_ms;
	if (tide->ebb_ms < EBB_MS)
		return false;
	*tide = (struct memory_tide){ .highest = needed };
	return true;
}
