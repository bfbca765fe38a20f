/* SPDX-License-Identifier: MIT */
#include "load_process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
load_pids_parse(struct load_pids *pids, const char *text)
{
	pids->count = 0;
	for (;;) {
		char *end;
		long pid = strtol(text, &end, 10);
		if (end == text || pid <= 0 || pid > 1 << 30 ||
		    pids->count == LOAD_PIDS_MAX)
			return -1;
		pids->items[pids->count++] = (int)pid;
		if (*end == '\0')
			return 0;
		if (*end != ',')
			return -1;
		text = end + 1;
	}
}

static int
add_cpu(int pid, struct load_cost *cost)
{
	char path[64];
	char line[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return -1;
	const char *text = fgets(line, sizeof(line), file);
	fclose(file);
	/* The name, in parentheses, may hold anything. */
	const char *behind = text ? strrchr(line, ')') : NULL;
	unsigned long long user;
	unsigned long long system;
	if (!behind ||
	    sscanf(behind + 1,
		" %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
		&system) != 2)
		return -1;
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	cost->cpu_us += (user + system) * 1000000u / ticks;
	return 0;
}

static void
add_memory(int pid, struct load_cost *cost)
{
	char path[64];
	char line[256];
	unsigned long long kib;
	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "Pss: %llu kB", &kib) == 1)
			cost->pss_bytes += kib * 1024;
	}
	fclose(file);
}

int
load_process_cost(const struct load_pids *pids, struct load_cost *cost_r)
{
	*cost_r = (struct load_cost){ 0 };
	for (size_t i = 0; i < pids->count; i++) {
		if (add_cpu(pids->items[i], cost_r) != 0)
			return -1;
		add_memory(pids->items[i], cost_r);
	}
	return 0;
}
