/* SPDX-License-Identifier: MIT */
#include "redis_fixture.h"

#include <hiredis/hiredis.h>

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGUMENTS 40

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "redis_fixture: %s\n", what);
	abort();
}

/* Without fsync every write still reaches the kernel before it is answered:
 * kill -9 loses nothing, and the disk is not waited for. */
static void __attribute__((noreturn)) become_server(struct redis_fixture *redis)
{
	char *argv[MAX_ARGUMENTS] = { "redis-server", "--port", "0",
		"--unixsocket", redis->socket, "--dir", redis->dir, "--logfile",
		"log", "--save", "", "--appendonly", "yes", "--appendfsync",
		"no", "--daemonize", "no" };
	size_t argc = 17;
	char *rest = redis->options;
	char *word;

	while ((word = strsep(&rest, " ")) != NULL && argc < MAX_ARGUMENTS - 1)
		if (*word != '\0')
			argv[argc++] = word;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execvp(argv[0], argv);
	_exit(127);
}

static bool
try_to_connect(struct redis_fixture *redis)
{
	redisReply *reply;
	bool is_ready;

	redis->admin = redisConnectUnix(redis->socket);
	if (redis->admin == NULL)
		die("out of memory");
	reply =
	    redis->admin->err == 0 ? redisCommand(redis->admin, "PING") : NULL;
	is_ready = reply != NULL && reply->type == REDIS_REPLY_STATUS;
	freeReplyObject(reply);
	if (!is_ready) {
		redisFree(redis->admin);
		redis->admin = NULL;
	}
	return is_ready;
}

void
redis_fixture_again(struct redis_fixture *redis)
{
	const struct timespec pause = { .tv_nsec = 2 * 1000 * 1000 };

	redis->pid = fork();
	if (redis->pid < 0)
		die("fork failed");
	if (redis->pid == 0)
		become_server(redis);
	/* A server says nothing when it is ready: ask until it answers. */
	for (int i = 0; i < 5000; i++) {
		if (try_to_connect(redis))
			return;
		if (waitpid(redis->pid, NULL, WNOHANG) != 0)
			die("redis-server did not start");
		nanosleep(&pause, NULL);
	}
	die("redis-server does not answer");
}

void
redis_fixture_start(struct redis_fixture *redis, const char *options)
{
	memset(redis, 0, sizeof(*redis));
	signal(SIGPIPE, SIG_IGN);
	snprintf(redis->dir, sizeof(redis->dir), "/tmp/relay-test-XXXXXX");
	if (mkdtemp(redis->dir) == NULL)
		die("no temporary directory");
	snprintf(redis->socket, sizeof(redis->socket), "%s/redis", redis->dir);
	snprintf(redis->url, sizeof(redis->url), "unix:%s", redis->socket);
	snprintf(redis->options, sizeof(redis->options), "%s",
	    options != NULL ? options : "");
	redis_fixture_again(redis);
}

void
redis_fixture_kill(struct redis_fixture *redis)
{
	if (redis->admin != NULL)
		redisFree(redis->admin);
	redis->admin = NULL;
	if (redis->pid == 0)
		return;
	kill(redis->pid, SIGKILL);
	waitpid(redis->pid, NULL, 0);
	redis->pid = 0;
}

static int
remove_one(
    const char *path, const struct stat *info, int type, struct FTW *where)
{
	(void)info;
	(void)type;
	(void)where;
	return remove(path);
}

void
redis_fixture_stop(struct redis_fixture *redis)
{
	redis_fixture_kill(redis);
	nftw(redis->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static redisReply *
ask(struct redis_fixture *redis, const char *format, va_list args)
{
	redisReply *reply = redisvCommand(redis->admin, format, args);

	if (reply == NULL)
		die("redis-server went away");
	return reply;
}

redisReply *
redis_fixture_ask(struct redis_fixture *redis, const char *format, ...)
{
	va_list args;
	redisReply *reply;

	va_start(args, format);
	reply = ask(redis, format, args);
	va_end(args);
	return reply;
}

void
redis_fixture_run(struct redis_fixture *redis, const char *format, ...)
{
	va_list args;
	redisReply *reply;

	va_start(args, format);
	reply = ask(redis, format, args);
	va_end(args);
	if (reply->type == REDIS_REPLY_ERROR)
		die(reply->str);
	freeReplyObject(reply);
}

bool
redis_fixture_available(void)
{
	return system("command -v redis-server >/dev/null 2>&1") == 0;
}
