/* SPDX-License-Identifier: MIT */
#include "redis_client.h"

#include "redis_link.h"
#include "xmalloc.h"

#include <hiredis/hiredis.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#define ARGV_MAX 32

struct redis_client {
	redisContext *context;
	redisReply *reply;
	char where[256]; /* the URL without its secret */
};

static struct timeval
milliseconds(unsigned ms)
{
	return (struct timeval){ .tv_sec = ms / 1000,
		.tv_usec = (suseconds_t)(ms % 1000) * 1000 };
}

static void
drop_reply(struct redis_client *client)
{
	if (client->reply)
		freeReplyObject(client->reply);
	client->reply = NULL;
}

static int
lost(const struct redis_client *client, struct error *err)
{
	const redisContext *context = client->context;
	return error_set(err, client->where, "Redis: %s",
	    context && context->err ? context->errstr : "connection lost");
}

static redisContext *
dial(const struct redis_target *target, unsigned timeout_ms)
{
	struct timeval timeout = milliseconds(timeout_ms);
	redisContext *context = target->socket_path
	    ? redisConnectUnixWithTimeout(target->socket_path, timeout)
	    : redisConnectWithTimeout(target->host, target->port, timeout);
	if (context && !context->err)
		redisSetTimeout(context, timeout);
	return context;
}

static int
authenticate(struct redis_client *client, const struct redis_target *target,
    struct error *err)
{
	if (!target->password)
		return 0;
	struct view argv[3] = { view_of("AUTH") };
	size_t argc = 1;
	if (target->user)
		argv[argc++] = view_of(target->user);
	argv[argc++] = view_of(target->password);
	return redis_client_command(client, argv, argc, err) ? 0 : -1;
}

static int
select_database(struct redis_client *client, const struct redis_target *target,
    struct error *err)
{
	if (target->database == 0)
		return 0;
	char number[16];
	snprintf(number, sizeof(number), "%d", target->database);
	struct view argv[] = { view_of("SELECT"), view_of(number) };
	return redis_client_command(client, argv, 2, err) ? 0 : -1;
}

struct redis_client *
redis_client_open(const char *url, unsigned timeout_ms, struct error *err)
{
	struct redis_target target;
	if (redis_target_parse(&target, view_of(url), err) != 0)
		return NULL;
	struct redis_client *client = xcalloc(1, sizeof(*client));
	redis_target_print(&target, client->where, sizeof(client->where));
	client->context = dial(&target, timeout_ms);
	if (!client->context || client->context->err)
		lost(client, err);
	else if (authenticate(client, &target, err) == 0 &&
	    select_database(client, &target, err) == 0) {
		redis_target_fini(&target);
		return client;
	}
	redis_target_fini(&target);
	redis_client_close(&client);
	return NULL;
}

void
redis_client_close(struct redis_client **client)
{
	if (!*client)
		return;
	drop_reply(*client);
	if ((*client)->context)
		redisFree((*client)->context);
	free(*client);
	*client = NULL;
}

int
redis_client_append(struct redis_client *client, const struct view *argv,
    size_t argc, struct error *err)
{
	const char *texts[ARGV_MAX];
	size_t lengths[ARGV_MAX];
	if (argc > ARGV_MAX)
		return error_set(err, client->where, "too many arguments");
	for (size_t i = 0; i < argc; i++) {
		texts[i] = argv[i].len ? argv[i].data : "";
		lengths[i] = argv[i].len;
	}
	if (redisAppendCommandArgv(
		client->context, (int)argc, texts, lengths) != REDIS_OK)
		return lost(client, err);
	return 0;
}

const struct redis_value *
redis_client_next(struct redis_client *client, struct error *err)
{
	drop_reply(client);
	void *reply = NULL;
	if (redisGetReply(client->context, &reply) != REDIS_OK || !reply) {
		lost(client, err);
		return NULL;
	}
	client->reply = reply;
	const struct redis_value *value = (const void *)client->reply;
	if (redis_value_type(value) != REDIS_ERROR)
		return value;
	error_set(err, client->where, "Redis refused: %.*s",
	    (int)redis_value_text(value).len, redis_value_text(value).data);
	return NULL;
}

const struct redis_value *
redis_client_command(struct redis_client *client, const struct view *argv,
    size_t argc, struct error *err)
{
	if (redis_client_append(client, argv, argc, err) != 0)
		return NULL;
	return redis_client_next(client, err);
}

int
redis_client_expect_stream(
    struct redis_client *client, struct view key, struct error *err)
{
	struct view argv[] = { view_of("XRANGE"), key, view_of("-"),
		view_of("-"), view_of("COUNT"), view_of("1") };
	struct error why = { "", "" };
	if (redis_client_command(client, argv, 6, &why) ||
	    !strstr(why.message, "WRONGTYPE"))
		return 0;
	return error_set(
	    err, client->where, "%.*s holds no stream", (int)key.len, key.data);
}
