/* SPDX-License-Identifier: MIT */
#include "private_redis.h"

#include "clock.h"
#include "exit_code.h"
#include "log.h"
#include "xmalloc.h"

#include <uv.h>

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Two locks, both flock() on files in the state directory, because the kernel
 * lets go of them whatever happens:
 *
 * relayd.lock is held by the relay, so that two relays never share a directory.
 * redis.lock is held by the redis-server itself, which inherits the descriptor.
 * A relay that was killed leaves a redis-server that is still writing its last
 * bytes; the next relay waits for that lock before it starts its own on the
 * same files. Who does not let go in time is killed.
 */

#define BACKOFF_MIN_MS   100
#define BACKOFF_MAX_MS   5000
#define SETTLED_MS       10000 /* alive for so long: the back-off starts anew */
#define LOCK_RETRY_MS    20
#define LOCK_PATIENCE_MS 5000
#define STOP_PATIENCE_MS 5000
#define LOG_MAX_BYTES    (1 << 20)
#define MAGIC            0x52454449u

struct private_redis {
	uint32_t magic;
	uv_signal_t child_ended;
	uv_timer_t timer;
	unsigned open_handles;
	char *program;
	char *directory;
	char *socket_path;
	char *log_path;
	char *url;
	int relay_lock;
	pid_t pid; /* 0: not running */
	uint64_t started_ms;
	uint64_t waiting_since_ms; /* for redis.lock; 0: not waiting */
	unsigned backoff_ms;
};

/* --- the directory --- */

static int
make_directories(const char *path)
{
	char part[4096];
	size_t length = strlen(path);
	if (length == 0 || length >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(part, path, length + 1);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) == -1 && errno != EEXIST)
			return -1;
		*p = '/';
	}
	return mkdir(part, 0700) == -1 && errno != EEXIST ? -1 : 0;
}

static char *
join_path(const char *directory, const char *name)
{
	size_t size = strlen(directory) + strlen(name) + 2;
	char *path = xmalloc(size);
	snprintf(path, size, "%s/%s", directory, name);
	return path;
}

/* redis-server changes its working directory: names must not depend on it. */
static char *
absolute_path(const char *path)
{
	char current[4096];
	if (*path == '/' || !getcwd(current, sizeof(current)))
		return xstrdup(path);
	return join_path(current, path);
}

static int
open_lock_file(const char *directory, const char *name)
{
	char *path = join_path(directory, name);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	free(path);
	return fd;
}

static void
write_pid(int fd, pid_t pid)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%d\n", (int)pid);
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)length, 0) == -1)
		log_event(LOG_LEVEL_WARN, "redis", "lock_file_not_written",
		    "error", strerror(errno), NULL);
}

static pid_t
read_pid(int fd)
{
	char text[32] = "";
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);
	return length > 0 ? (pid_t)atoi(text) : 0;
}

/* Holds the directory for this relay; -1 and *exit_code_r. */
static int
lock_directory(struct private_redis *redis, int *exit_code_r, struct error *err)
{
	*exit_code_r = EXIT_CODE_PERMISSION;
	if (make_directories(redis->directory) == -1)
		return error_set(err, redis->directory,
		    "the state directory cannot be made: %s; give another "
		    "one with --state-dir",
		    strerror(errno));
	redis->relay_lock = open_lock_file(redis->directory, "relayd.lock");
	if (redis->relay_lock == -1)
		return error_set(err, redis->directory,
		    "the state directory cannot be written: %s; give another "
		    "one with --state-dir",
		    strerror(errno));
	if (flock(redis->relay_lock, LOCK_EX | LOCK_NB) == 0) {
		write_pid(redis->relay_lock, getpid());
		return 0;
	}
	return error_set(err, redis->directory,
	    "the state directory is in use by the relay with pid %d; give "
	    "another one with --state-dir",
	    (int)read_pid(redis->relay_lock));
}

/* The file in PATH, NULL when there is none. */
static char *
find_program(const char *name)
{
	const char *path = getenv("PATH");
	if (!path || !*path)
		path = "/usr/local/bin:/usr/bin:/bin";
	while (*path) {
		size_t span = strcspn(path, ":");
		char *directory = xstrndup(path, span);
		char *file = join_path(directory, name);
		free(directory);
		if (span > 0 && access(file, X_OK) == 0)
			return file;
		free(file);
		path += span + (path[span] == ':');
	}
	return NULL;
}

/* --- the child --- */

static void
rotate_log(const struct private_redis *redis)
{
	struct stat info;
	if (stat(redis->log_path, &info) == -1 || info.st_size < LOG_MAX_BYTES)
		return;
	char *old = join_path(redis->directory, "redis.log.1");
	rename(redis->log_path, old);
	free(old);
}

/* In the child, between fork and exec: only async-signal-safe calls. */
static void
become_redis(char *const *argv, int lock_fd, pid_t relay)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	/* Out of the terminal's process group: Ctrl-C is for the relay, which
	 * ends this process when it has drained. */
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != relay)
		_exit(1); /* the relay died before the line above */
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
fork_redis(struct private_redis *redis, int lock_fd)
{
	char *const argv[] = { redis->program, "--port", "0", "--unixsocket",
		redis->socket_path, "--unixsocketperm", "700", "--dir",
		redis->directory, "--appendonly", "yes", "--appendfsync",
		"everysec", "--save", "", "--maxmemory-policy", "noeviction",
		"--daemonize", "no", "--logfile", redis->log_path, "--loglevel",
		"notice", NULL };
	pid_t relay = getpid();
	pid_t pid = fork();
	if (pid == 0)
		become_redis(argv, lock_fd, relay);
	return pid;
}

static void start_redis(struct private_redis *redis);

static void
on_timer(uv_timer_t *timer)
{
	start_redis(timer->data);
}

static void
start_later(struct private_redis *redis, unsigned ms)
{
	uv_timer_start(&redis->timer, on_timer, ms, 0);
}

static void
back_off(struct private_redis *redis)
{
	start_later(redis, redis->backoff_ms);
	redis->backoff_ms *= 2;
	if (redis->backoff_ms > BACKOFF_MAX_MS)
		redis->backoff_ms = BACKOFF_MAX_MS;
}

/* The redis-server of a relay that was killed still holds the files. */
static void
wait_for_predecessor(struct private_redis *redis, int lock_fd)
{
	uint64_t now = clock_mono_ms();
	if (redis->waiting_since_ms == 0)
		redis->waiting_since_ms = now;
	pid_t pid = read_pid(lock_fd);
	bool is_late = now - redis->waiting_since_ms > LOCK_PATIENCE_MS;
	if (is_late && pid > 1) {
		log_event(LOG_LEVEL_WARN, "redis", "predecessor_killed", NULL);
		kill(pid, SIGKILL);
		redis->waiting_since_ms = now;
	}
	start_later(redis, LOCK_RETRY_MS);
}

static void
start_redis(struct private_redis *redis)
{
	int lock_fd = open_lock_file(redis->directory, "redis.lock");
	if (lock_fd == -1) {
		log_throttled(LOG_LEVEL_ERROR, "redis", "private_not_started",
		    "error", strerror(errno), NULL);
		back_off(redis);
		return;
	}
	if (flock(lock_fd, LOCK_EX | LOCK_NB) == -1) {
		wait_for_predecessor(redis, lock_fd);
		close(lock_fd);
		return;
	}
	redis->waiting_since_ms = 0;
	rotate_log(redis);
	unlink(redis->socket_path);
	pid_t pid = fork_redis(redis, lock_fd);
	if (pid > 0)
		write_pid(lock_fd, pid);
	close(lock_fd); /* the child holds it now */
	if (pid == -1) {
		log_throttled(LOG_LEVEL_ERROR, "redis", "private_not_started",
		    "error", strerror(errno), NULL);
		back_off(redis);
		return;
	}
	redis->pid = pid;
	redis->started_ms = clock_mono_ms();
}

static void
on_child_ended(uv_signal_t *handle, int signal_number)
{
	(void)signal_number;
	struct private_redis *redis = handle->data;
	assert(redis->magic == MAGIC);
	int status = 0;
	if (redis->pid == 0 || waitpid(redis->pid, &status, WNOHANG) <= 0)
		return;
	redis->pid = 0;
	char how[32];
	snprintf(how, sizeof(how), "%s %d",
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	log_throttled(LOG_LEVEL_WARN, "redis", "private_ended", "how", how,
	    "see", redis->log_path, NULL);
	if (clock_mono_ms() - redis->started_ms >= SETTLED_MS)
		redis->backoff_ms = BACKOFF_MIN_MS;
	back_off(redis);
}

/* --- life --- */

static void
free_memory(struct private_redis *redis)
{
	redis->magic = 0;
	free(redis->program);
	free(redis->directory);
	free(redis->socket_path);
	free(redis->log_path);
	free(redis->url);
	free(redis);
}

static int
check_socket_path(
    const struct private_redis *redis, int *exit_code_r, struct error *err)
{
	struct sockaddr_un address;
	if (strlen(redis->socket_path) < sizeof(address.sun_path))
		return 0;
	*exit_code_r = EXIT_CODE_CONFIG;
	return error_set(err, redis->directory,
	    "the state directory's path is too long for a Unix socket; give "
	    "one of at most %zu bytes with --state-dir",
	    sizeof(address.sun_path) - sizeof("/redis.sock"));
}

static int
find_redis_server(
    struct private_redis *redis, int *exit_code_r, struct error *err)
{
	redis->program = find_program("redis-server");
	if (redis->program)
		return 0;
	*exit_code_r = EXIT_CODE_REDIS;
	return error_set(err, "redis",
	    "there is no redis-server in PATH for a private Redis; install "
	    "it or give --redis URL");
}

static void
open_handles(struct private_redis *redis, uv_loop_t *loop)
{
	uv_signal_init(loop, &redis->child_ended);
	uv_timer_init(loop, &redis->timer);
	redis->child_ended.data = redis;
	redis->timer.data = redis;
	redis->open_handles = 2;
	uv_signal_start(&redis->child_ended, on_child_ended, SIGCHLD);
}

struct private_redis *
private_redis_new(
    uv_loop_t *loop, const char *state_dir, int *exit_code_r, struct error *err)
{
	struct private_redis *redis = xcalloc(1, sizeof(*redis));
	redis->magic = MAGIC;
	redis->relay_lock = -1;
	redis->backoff_ms = BACKOFF_MIN_MS;
	redis->directory = absolute_path(state_dir);
	redis->socket_path = join_path(redis->directory, "redis.sock");
	redis->log_path = join_path(redis->directory, "redis.log");
	redis->url = xmalloc(strlen(redis->socket_path) + sizeof("unix:"));
	sprintf(redis->url, "unix:%s", redis->socket_path);
	if (check_socket_path(redis, exit_code_r, err) == -1 ||
	    find_redis_server(redis, exit_code_r, err) == -1 ||
	    lock_directory(redis, exit_code_r, err) == -1) {
		if (redis->relay_lock >= 0)
			close(redis->relay_lock);
		free_memory(redis);
		return NULL;
	}
	open_handles(redis, loop);
	return redis;
}

void
private_redis_start(struct private_redis *redis)
{
	log_event(LOG_LEVEL_INFO, "redis", "private_starting", "program",
	    redis->program, "url", redis->url, "append_only", "everysec", NULL);
	start_redis(redis);
}

static void
stop_child(struct private_redis *redis)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	if (redis->pid == 0)
		return;
	kill(redis->pid, SIGTERM);
	uint64_t deadline = clock_mono_ms() + STOP_PATIENCE_MS;
	while (waitpid(redis->pid, NULL, WNOHANG) == 0) {
		if (clock_mono_ms() > deadline)
			kill(redis->pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	redis->pid = 0;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct private_redis *redis = handle->data;
	if (--redis->open_handles == 0)
		free_memory(redis);
}

void
private_redis_free(struct private_redis **redis)
{
	if (!*redis)
		return;
	uv_close((uv_handle_t *)&(*redis)->child_ended, on_handle_closed);
	uv_close((uv_handle_t *)&(*redis)->timer, on_handle_closed);
	stop_child(*redis);
	close((*redis)->relay_lock);
	*redis = NULL;
}

const char *
private_redis_url(const struct private_redis *redis)
{
	return redis->url;
}

bool
private_redis_accepts(const struct private_redis *redis)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (redis->pid == 0)
		return false; /* who answers is a predecessor on its way out */
	memcpy(address.sun_path, redis->socket_path,
	    strlen(redis->socket_path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return false;
	bool is_up = connect(fd, (const struct sockaddr *)&address,
			 sizeof(address)) == 0;
	close(fd);
	return is_up;
}
