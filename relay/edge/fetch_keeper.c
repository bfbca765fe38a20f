/* SPDX-License-Identifier: MIT */
#include "fetch_keeper.h"

#include "clock.h"
#include "fetch.h"
#include "helper.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM "relay-fetch"
/* The child keeps the deadline itself; this is for one that does not. */
#define PATIENCE_MS (FETCH_MS + 100)

struct keeper {
	int channel;
	char program[PATH_MAX]; /* empty: not found */
	char url[FETCH_URL_MAX];
	/* What the child wrote; the one byte more shows that it is too much. */
	char document[FETCH_MAX + 1];
	size_t size;
};

/* Beside the program that runs. */
static void
find_program(struct keeper *keeper)
{
	ssize_t length =
	    readlink("/proc/self/exe", keeper->program, PATH_MAX - 1);
	keeper->program[length > 0 ? length : 0] = '\0';
	char *slash = strrchr(keeper->program, '/');
	size_t room =
	    slash ? (size_t)(keeper->program + PATH_MAX - slash - 1) : 0;
	if (room >= sizeof(PROGRAM))
		memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
	if (room < sizeof(PROGRAM) || access(keeper->program, X_OK) == -1)
		keeper->program[0] = '\0';
}

/* --- the child --- */

/* What the child may know of our environment. */
static void
clean_environment(char *variables[], size_t room)
{
	static const char *const kept[] = { "PATH=", "SSL_CERT_FILE=",
		"SSL_CERT_DIR=", "http_proxy=", "https_proxy=", "HTTPS_PROXY=",
		"no_proxy=", "NO_PROXY=" };
	size_t count = 0;
	for (char **at = environ; *at && count + 1 < room; at++)
		for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
			if (strncmp(*at, kept[i], strlen(kept[i])) == 0)
				variables[count++] = *at;
	variables[count] = NULL;
}

/* Signals that this process leaves alone are the child's to be ended by. */
static void
set_attributes(posix_spawnattr_t *attributes)
{
	sigset_t ours;
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGHUP);
	sigaddset(&ours, SIGPIPE);
	posix_spawnattr_init(attributes);
	posix_spawnattr_setsigdefault(attributes, &ours);
	posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF);
}

/* Not by fork(): libuv has left something behind in this process that would
 * then close descriptors by their numbers, and these are others by now. */
static pid_t
spawn(const struct keeper *keeper, int in, int out)
{
	char *const arguments[] = { (char *)keeper->program, NULL };
	char *variables[32];
	pid_t pid = -1;
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	clean_environment(variables, sizeof(variables) / sizeof(variables[0]));
	set_attributes(&attributes);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(
	    &files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, keeper->program, &files, &attributes, arguments,
		variables) != 0)
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attributes);
	return pid;
}

/* The child's two pipes, of which ours are *in_r and *out_r; -1. */
static pid_t
start(const struct keeper *keeper, int *in_r, int *out_r)
{
	int in[2], out[2];
	if (pipe2(in, O_CLOEXEC) == -1)
		return -1;
	if (pipe2(out, O_CLOEXEC) == -1) {
		close(in[0]);
		close(in[1]);
		return -1;
	}
	pid_t pid = spawn(keeper, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	*in_r = in[1];
	*out_r = out[0];
	if (pid == -1) {
		close(in[1]);
		close(out[0]);
	}
	return pid;
}

/* --- its output --- */

/* FETCH_FINE: all of it was read. The relay's end is seen too: then nobody
 * wants to know any more. */
static enum fetch_end
read_output(struct keeper *keeper, int out)
{
	uint64_t deadline_ms = clock_mono_ms() + PATIENCE_MS;
	keeper->size = 0;
	while (keeper->size <= FETCH_MAX) {
		struct pollfd fds[] = { { .fd = out, .events = POLLIN },
			{ .fd = keeper->channel, .events = POLLRDHUP } };
		uint64_t now_ms = clock_mono_ms();
		if (now_ms >= deadline_ms)
			return FETCH_TIMEOUT;
		if (poll(fds, 2, (int)(deadline_ms - now_ms)) <= 0)
			continue;
		if (fds[1].revents)
			return FETCH_PROTOCOL;
		ssize_t count = read(out, keeper->document + keeper->size,
		    sizeof(keeper->document) - keeper->size);
		if (count <= 0)
			return FETCH_FINE;
		keeper->size += (size_t)count;
	}
	return FETCH_TOO_LARGE;
}

static enum fetch_end
wait_for(pid_t pid, enum fetch_end end)
{
	int status = 0;
	if (end != FETCH_FINE)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	if (end != FETCH_FINE)
		return end;
	return WIFEXITED(status) ? (enum fetch_end)WEXITSTATUS(status)
				 : FETCH_PROTOCOL;
}

static enum fetch_end
run(struct keeper *keeper, size_t url_size)
{
	int in, out;
	keeper->size = 0;
	if (!keeper->program[0])
		return FETCH_NO_PROGRAM;
	pid_t pid = start(keeper, &in, &out);
	if (pid == -1)
		return FETCH_NO_PROGRAM;
	/* It fits into the pipe. */
	(void)!write(in, keeper->url, url_size);
	close(in);
	explicit_bzero(keeper->url, sizeof(keeper->url));
	enum fetch_end end = wait_for(pid, read_output(keeper, out));
	close(out);
	return end;
}

/* --- the channel --- */

static bool
receive(int channel, void *to, size_t size)
{
	return recv(channel, to, size, MSG_WAITALL) == (ssize_t)size;
}

static bool
send_all(int channel, const void *from, size_t size)
{
	const char *at = from;
	while (size > 0) {
		ssize_t sent = send(channel, at, size, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

static void
serve(struct keeper *keeper)
{
	struct fetch_order order;
	while (receive(keeper->channel, &order, sizeof(order)) &&
	    order.size <= sizeof(keeper->url) &&
	    receive(keeper->channel, keeper->url, order.size)) {
		enum fetch_end end = run(keeper, order.size);
		struct fetch_result result = { .end = end };
		if (end == FETCH_FINE)
			result.size = (uint32_t)keeper->size;
		if (!send_all(keeper->channel, &result, sizeof(result)) ||
		    !send_all(keeper->channel, keeper->document, result.size))
			return;
	}
}

/* For the child too, which talks to whoever the URL names: neither leaves its
 * memory in a file, nor becomes more by way of a set-user-id program. */
static void
restrict_self(void)
{
	const struct rlimit none = { 0, 0 };
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static void
keep(int channel, const void *arg)
{
	static struct keeper
	    keeper; /* too large for a stack; of this process */
	(void)arg;
	keeper.channel = channel;
	find_program(&keeper);
	restrict_self();
	serve(&keeper);
}

pid_t
fetch_keeper_fork(int *channel_r)
{
	return helper_fork(keep, NULL, channel_r);
}
