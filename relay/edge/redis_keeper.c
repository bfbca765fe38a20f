/* SPDX-License-Identifier: MIT */
#include "redis_keeper.h"

#include "clock.h"
#include "helper.h"
#include "log.h"
#include "xmalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * redis.lock is held by the redis-server itself, which inherits the descriptor:
 * the kernel lets go of it whatever happens. A relay that was killed leaves a
 * redis-server that is still writing its last bytes; the next keeper waits for
 * that lock before it starts its own on the same files. Who does not let go in
 * time is killed.
 *
 * There is no libuv in this process: what it made in the relay, it does not
 * survive that all descriptors are closed here. It even leaves a handler for
 * fork() behind that closes its old descriptors by number, whoever has them
 * now; _Fork() runs none.
 */

#define BACKOFF_MIN_MS   100
#define BACKOFF_MAX_MS   5000
#define SETTLED_MS       10000 /* alive for so long: the back-off starts anew */
#define LOCK_RETRY_MS    20
#define LOCK_PATIENCE_MS 5000
#define STOP_PATIENCE_MS 5000
#define LOG_MAX_BYTES    (1 << 20)

struct keeper {
	const struct redis_paths *paths;
	int channel;
	int child_signals; /* a signalfd */
	pid_t pid;         /* 0: not running */
	uint64_t started_ms;
	uint64_t start_at_ms;      /* 0: not to be started */
	uint64_t waiting_since_ms; /* for redis.lock; 0: not waiting */
	unsigned backoff_ms;
};

int
redis_keeper_lock_file(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = xmalloc(size);
	snprintf(path, size, "%s/%s", directory, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

void
redis_keeper_write_pid(int fd, pid_t pid)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)length, 0) == -1)
		log_event(LOG_LEVEL_WARN, "redis", "lock_file_not_written",
		    "error", strerror(errno), NULL);
}

pid_t
redis_keeper_read_pid(int fd)
{
	char text[32] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	return length > 0 ? (pid_t)atoi(text) : 0;
}

/* The relay may be gone; then the channel's end says so. */
static void
tell(const struct keeper *keeper, enum redis_keeper_word word)
{
	char byte = (char)word;
	(void)!send(keeper->channel, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
rotate_log(const char *path)
{
	struct stat info;
	if (stat(path, &info) == -1 || info.st_size < LOG_MAX_BYTES)
		return;
	size_t size = strlen(path) + sizeof(".1");
	char *old = xmalloc(size);
	snprintf(old, size, "%s.1", path);
	rename(path, old);
	free(old);
}

static void
reset_signals(void)
{
	static const int numbers[] = { SIGPIPE, SIGTERM, SIGINT, SIGHUP };
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		signal(numbers[i], SIG_DFL);
}

/* In the child, between fork and exec: only async-signal-safe calls. */
static void
become_redis(char *const *argv, int lock_fd, pid_t keeper)
{
	reset_signals();
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != keeper)
		_exit(1); /* the keeper died before the line above */
	int null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	fcntl(lock_fd, F_SETFD, 0);
	execv(argv[0], argv);
	_exit(127);
}

static pid_t
fork_redis(const struct redis_paths *paths, int lock_fd)
{
	char *const argv[] = { (char *)paths->program, "--port", "0",
		"--unixsocket", (char *)paths->socket, "--unixsocketperm",
		"700", "--dir", (char *)paths->directory, "--appendonly", "yes",
		"--appendfsync", "everysec", "--save", "", "--maxmemory-policy",
		"noeviction", "--daemonize", "no", "--logfile",
		(char *)paths->log, "--loglevel", "notice", NULL };
	pid_t keeper = getpid();
	pid_t pid = _Fork();
	if (pid == 0)
		become_redis(argv, lock_fd, keeper);
	return pid;
}

static void
start_later(struct keeper *keeper, unsigned ms)
{
	keeper->start_at_ms = clock_mono_ms() + ms;
}

static void
back_off(struct keeper *keeper)
{
	start_later(keeper, keeper->backoff_ms);
	keeper->backoff_ms *= 2;
	if (keeper->backoff_ms > BACKOFF_MAX_MS)
		keeper->backoff_ms = BACKOFF_MAX_MS;
}

static void
not_started(struct keeper *keeper)
{
	log_throttled(LOG_LEVEL_ERROR, "redis", "private_not_started", "error",
	    strerror(errno), NULL);
	back_off(keeper);
}

/* The redis-server of a relay that was killed still holds the files. */
static void
wait_for_predecessor(struct keeper *keeper, int lock_fd)
{
	uint64_t now = clock_mono_ms();
	if (keeper->waiting_since_ms == 0)
		keeper->waiting_since_ms = now;
	pid_t pid = redis_keeper_read_pid(lock_fd);
	bool is_late = now - keeper->waiting_since_ms > LOCK_PATIENCE_MS;
	if (is_late && pid > 1) {
		log_event(LOG_LEVEL_WARN, "redis", "predecessor_killed", NULL);
		kill(pid, SIGKILL);
		keeper->waiting_since_ms = now;
	}
	start_later(keeper, LOCK_RETRY_MS);
}

static void
start_redis(struct keeper *keeper)
{
	keeper->start_at_ms = 0;
	int lock_fd =
	    redis_keeper_lock_file(keeper->paths->directory, "redis.lock");
	if (lock_fd == -1) {
		not_started(keeper);
		return;
	}
	if (flock(lock_fd, LOCK_EX | LOCK_NB) == -1) {
		wait_for_predecessor(keeper, lock_fd);
		close(lock_fd);
		return;
	}
	keeper->waiting_since_ms = 0;
	rotate_log(keeper->paths->log);
	unlink(keeper->paths->socket);
	pid_t pid = fork_redis(keeper->paths, lock_fd);
	if (pid > 0)
		redis_keeper_write_pid(lock_fd, pid);
	close(lock_fd); /* the child holds it now */
	if (pid == -1) {
		not_started(keeper);
		return;
	}
	keeper->pid = pid;
	keeper->started_ms = clock_mono_ms();
	tell(keeper, REDIS_KEEPER_STARTED);
}

static void
redis_ended(struct keeper *keeper)
{
	struct signalfd_siginfo info;
	int status = 0;
	while (read(keeper->child_signals, &info, sizeof(info)) > 0)
		continue;
	if (keeper->pid == 0 || waitpid(keeper->pid, &status, WNOHANG) <= 0)
		return;
	keeper->pid = 0;
	tell(keeper, REDIS_KEEPER_ENDED);
	char how[32];
	snprintf(how, sizeof(how), "%s %d",
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_throttled(LOG_LEVEL_WARN, "redis", "private_ended", "how", how,
	    "see", keeper->paths->log, NULL);
	if (clock_mono_ms() - keeper->started_ms >= SETTLED_MS)
		keeper->backoff_ms = BACKOFF_MIN_MS;
	back_off(keeper);
}

static void
stop_redis(struct keeper *keeper)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	if (keeper->pid == 0)
		return;
	kill(keeper->pid, SIGTERM);
	uint64_t deadline = clock_mono_ms() + STOP_PATIENCE_MS;
	while (waitpid(keeper->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() > deadline)
			kill(keeper->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	keeper->pid = 0;
}

/* The first byte is the word to begin; false at the end of the channel, which
 * is that of the relay. */
static bool
heard(struct keeper *keeper)
{
	char byte;
	ssize_t length = recv(keeper->channel, &byte, 1, MSG_DONTWAIT);
	if (length > 0 && keeper->pid == 0)
		keeper->start_at_ms = clock_mono_ms();
	return length > 0 ||
	    (length == -1 && (errno == EAGAIN || errno == EINTR));
}

static int
wait_ms(const struct keeper *keeper)
{
	uint64_t now = clock_mono_ms();
	if (keeper->start_at_ms == 0)
		return -1;
	return keeper->start_at_ms > now ? (int)(keeper->start_at_ms - now) : 0;
}

static void
watch_child(struct keeper *keeper)
{
	sigset_t child;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_SETMASK, &child, NULL);
	keeper->child_signals =
	    signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC);
}

/* The relay's own options, of which it needs none, may hold secrets; and so may
 * a core. */
static void
inherit_little(void)
{
	static const char prefix[] = "RELAY_";
	const struct rlimit none = { 0, 0 };
	size_t at = 0;
	setrlimit(RLIMIT_CORE, &none);
	while (environ[at]) {
		char name[128];
		size_t length = strcspn(environ[at], "=");
		if (strncmp(environ[at], prefix, sizeof(prefix) - 1) != 0 ||
		    length >= sizeof(name)) {
			at++;
			continue;
		}
		snprintf(name, sizeof(name), "%.*s", (int)length, environ[at]);
		unsetenv(name); /* the ones behind it move up */
	}
}

static void
keep(int channel, const void *arg)
{
	struct keeper keeper = {
		.paths = arg, .channel = channel, .backoff_ms = BACKOFF_MIN_MS
	};
	inherit_little();
	watch_child(&keeper);
	struct pollfd fds[] = { { .fd = channel, .events = POLLIN },
		{ .fd = keeper.child_signals, .events = POLLIN } };
	do {
		poll(fds, 2, wait_ms(&keeper));
		redis_ended(&keeper);
		if (wait_ms(&keeper) == 0)
			start_redis(&keeper);
	} while (heard(&keeper));
	stop_redis(&keeper);
}

pid_t
redis_keeper_fork(const struct redis_paths *paths, int *channel_r)
{
	return helper_fork(keep, paths, channel_r);
}
