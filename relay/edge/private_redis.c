/* SPDX-License-Identifier: MIT */
#include "private_redis.h"

#include "clock.h"
#include "exit_code.h"
#include "log.h"
#include "redis_keeper.h"
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
 * relayd.lock in the state directory is held by the relay with flock(), so that
 * two relays never share one; the kernel lets go of it whatever happens. What
 * has to do with the redis-server itself is the keeper's (redis_keeper.h).
 */

/* The keeper stops redis-server in about five seconds; then it is left. */
#define STOP_PATIENCE_MS 8000
#define MAGIC            0x52454449u

struct private_redis {
	uint32_t magic;
	uv_poll_t poll;
	char *program;
	char *directory;
	char *socket_path;
	char *log_path;
	char *url;
	int relay_lock;
	int channel; /* to the keeper */
	pid_t keeper;
	bool is_running; /* the redis-server */
	private_redis_lost_fn *on_lost;
	void *lost_arg;
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
	redis->relay_lock =
	    redis_keeper_lock_file(redis->directory, "relayd.lock");
	if (redis->relay_lock == -1)
		return error_set(err, redis->directory,
		    "the state directory cannot be written: %s; give another "
		    "one with --state-dir",
		    strerror(errno));
	if (flock(redis->relay_lock, LOCK_EX | LOCK_NB) == 0) {
		redis_keeper_write_pid(redis->relay_lock, getpid());
		return 0;
	}
	return error_set(err, redis->directory,
	    "the state directory is in use by the relay with pid %d; give "
	    "another one with --state-dir",
	    (int)redis_keeper_read_pid(redis->relay_lock));
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

/* --- the keeper --- */

/* The keeper is gone, and with it the redis-server. */
static void
lose(struct private_redis *redis)
{
	uv_poll_stop(&redis->poll);
	redis->is_running = false;
	log_event(LOG_LEVEL_ERROR, "redis", "keeper_lost", "fix",
	    "start relayd again; who ended the process that keeps its private "
	    "Redis?",
	    NULL);
	if (redis->on_lost)
		redis->on_lost(redis->lost_arg);
}

static void
on_channel(uv_poll_t *poll, int status, int events)
{
	struct private_redis *redis = poll->data;
	assert(redis->magic == MAGIC);
	(void)status;
	(void)events;
	char words[32];
	ssize_t length =
	    recv(redis->channel, words, sizeof(words), MSG_DONTWAIT);
	if (length > 0)
		redis->is_running = words[length - 1] == REDIS_KEEPER_STARTED;
	else if (length == 0 || (errno != EAGAIN && errno != EINTR))
		lose(redis);
}

static int
fork_keeper(struct private_redis *redis, int *exit_code_r, struct error *err)
{
	const struct redis_paths paths = { redis->program, redis->directory,
		redis->socket_path, redis->log_path };
	redis->keeper = redis_keeper_fork(&paths, &redis->channel);
	if (redis->keeper != -1)
		return 0;
	*exit_code_r = EXIT_CODE_BUG;
	return error_set(err, "",
	    "the process that keeps the private Redis "
	    "cannot be started: %s",
	    strerror(errno));
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
watch_keeper(struct private_redis *redis, uv_loop_t *loop)
{
	uv_poll_init(loop, &redis->poll, redis->channel);
	redis->poll.data = redis;
	uv_poll_start(&redis->poll, UV_READABLE, on_channel);
}

struct private_redis *
private_redis_new(
    uv_loop_t *loop, const char *state_dir, int *exit_code_r, struct error *err)
{
	struct private_redis *redis = xcalloc(1, sizeof(*redis));
	redis->magic = MAGIC;
	redis->relay_lock = -1;
	redis->directory = absolute_path(state_dir);
	redis->socket_path = join_path(redis->directory, "redis.sock");
	redis->log_path = join_path(redis->directory, "redis.log");
	redis->url = xmalloc(strlen(redis->socket_path) + sizeof("unix:"));
	sprintf(redis->url, "unix:%s", redis->socket_path);
	if (check_socket_path(redis, exit_code_r, err) == -1 ||
	    find_redis_server(redis, exit_code_r, err) == -1 ||
	    lock_directory(redis, exit_code_r, err) == -1 ||
	    fork_keeper(redis, exit_code_r, err) == -1) {
		if (redis->relay_lock >= 0)
			close(redis->relay_lock);
		free_memory(redis);
		return NULL;
	}
	watch_keeper(redis, loop);
	return redis;
}

void
private_redis_start(
    struct private_redis *redis, private_redis_lost_fn *on_lost, void *arg)
{
	redis->on_lost = on_lost;
	redis->lost_arg = arg;
	log_event(LOG_LEVEL_INFO, "redis", "private_starting", "program",
	    redis->program, "url", redis->url, "append_only", "everysec", NULL);
	(void)!send(redis->channel, "", 1, MSG_NOSIGNAL);
}

/* The end of the channel tells the keeper to stop. */
static void
stop_keeper(struct private_redis *redis)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	close(redis->channel);
	uint64_t deadline = clock_mono_ms() + STOP_PATIENCE_MS;
	while (waitpid(redis->keeper, NULL, WNOHANG) == 0 &&
	    clock_mono_ms() < deadline)
		nanosleep(&pause, NULL);
}

static void
on_poll_closed(uv_handle_t *handle)
{
	free_memory(handle->data);
}

void
private_redis_free(struct private_redis **redis)
{
	if (!*redis)
		return;
	uv_poll_stop(&(*redis)->poll);
	uv_close((uv_handle_t *)&(*redis)->poll, on_poll_closed);
	stop_keeper(*redis);
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
	if (!redis->is_running)
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
