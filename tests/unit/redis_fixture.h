/* SPDX-License-Identifier: MIT */
#ifndef REDIS_FIXTURE_H
#define REDIS_FIXTURE_H

/*
 * A private redis-server for one test: own directory, own Unix socket, append
 * only file on, dead when the test is dead. Anything that goes wrong here ends
 * the test with a message.
 */

#include <stdbool.h>
#include <sys/types.h>

struct redisContext;
struct redisReply;

struct redis_fixture {
	char dir[64];
	char socket[96];
	char url[112];     /* unix:… for redis_target_parse */
	char options[256]; /* further arguments, split at blanks */
	pid_t pid;         /* 0: not running */
	struct redisContext *admin;
};

/* Starts it and waits until it answers. options may be NULL. */
void redis_fixture_start(struct redis_fixture *redis, const char *options);
/* SIGKILL; the data stay. */
void redis_fixture_kill(struct redis_fixture *redis);
/* After a kill: the same data, the same socket. */
void redis_fixture_again(struct redis_fixture *redis);
/* Ends it and removes its directory. */
void redis_fixture_stop(struct redis_fixture *redis);

/* A command on the fixture's own connection, hiredis format; the reply is the
 * caller's (freeReplyObject). */
struct redisReply *redis_fixture_ask(
    struct redis_fixture *redis, const char *format, ...);
/* The same when only success counts. */
void redis_fixture_run(struct redis_fixture *redis, const char *format, ...);

/* Is there a redis-server on this machine? */
bool redis_fixture_available(void);

#endif
