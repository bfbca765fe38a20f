/* SPDX-License-Identifier: MIT */

/*
 * Versions: of the relay that answers, of the relayd beside this program with
 * the libraries that it loads, and the files that the running one has loaded.
 */

#include "bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define VERSION_MAX 65536

/* relayd in the folder of this program; -1 when that is not known. */
static int
find_relayd(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (len <= 0)
		return -1;
	self[len] = '\0';
	char *slash = strrchr(self, '/');
	if (!slash)
		return -1;
	*slash = '\0';
	int written = snprintf(path, size, "%s/relayd", self);
	return written > 0 && (size_t)written < size ? 0 : -1;
}

static void
become_relayd(const char *path, int out)
{
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDERR_FILENO);
	dup2(out, STDOUT_FILENO);
	execl(path, path, "--version", (char *)NULL);
	_exit(127);
}

/* Bounded by its output; --version opens nothing and waits for nobody. */
static int
collect(pid_t child, int in, struct buf *out)
{
	char text[4096];
	int status = 0;
	ssize_t got;
	while ((got = read(in, text, sizeof(text))) > 0)
		if (out->len < VERSION_MAX)
			buf_add(out, view_make(text, (size_t)got));
	close(in);
	if (waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

static int
run_relayd(const char *path, struct bundle_part *part)
{
	int ends[2];
	if (access(path, X_OK) != 0)
		return bundle_error(part, "%s: %s", path, strerror(errno));
	if (pipe2(ends, O_CLOEXEC) != 0)
		return bundle_error(part, "pipe: %s", strerror(errno));
	pid_t child = fork();
	if (child == 0)
		become_relayd(path, ends[1]);
	close(ends[1]);
	if (child < 0) {
		close(ends[0]);
		return bundle_error(part, "fork: %s", strerror(errno));
	}
	buf_addf(&part->text, "%s --version:\n", path);
	if (collect(child, ends[0], &part->text) != 0)
		return bundle_error(part, "%s --version failed", path);
	return 0;
}

/* Each file once: its parts stand together in the map. */
static int
print_loaded(long pid, struct bundle_part *part)
{
	char path[64];
	char line[PATH_MAX + 128];
	char last[PATH_MAX] = "";
	snprintf(path, sizeof(path), "/proc/%ld/maps", pid);
	FILE *file = fopen(path, "r");
	if (!file)
		return bundle_error(part, "%s: %s", path, strerror(errno));
	buf_addf(&part->text, "loaded by process %ld:\n", pid);
	while (fgets(line, sizeof(line), file)) {
		char *name = strchr(line, '/');
		line[strcspn(line, "\n")] = '\0';
		if (!name || !strstr(name, ".so") || strcmp(name, last) == 0)
			continue;
		snprintf(last, sizeof(last), "%s", name);
		buf_addf(&part->text, "  %s\n", name);
	}
	int failed = ferror(file);
	fclose(file);
	return failed ? bundle_error(part, "%s: cannot be read", path) : 0;
}

int
bundle_gather_libraries(struct bundle *bundle, struct bundle_part *part)
{
	char path[PATH_MAX];
	const char *version = bundle->relay_version;
	buf_addf(&part->text, "relayctl %s\nrelay that answers: %s\n",
	    RELAY_VERSION, version[0] ? version : "none");
	if (version[0] && strcmp(version, RELAY_VERSION) != 0)
		buf_add_text(
		    &part->text, "the two are of DIFFERENT versions\n");
	if (find_relayd(path, sizeof(path)) == 0)
		run_relayd(path, part);
	if (bundle->pid > 0)
		print_loaded(bundle->pid, part);
	return part->error[0] ? -1 : 0;
}
