/* SPDX-License-Identifier: MIT */
#ifndef STREAM_TARGET_H
#define STREAM_TARGET_H

/*
 * Which stream of which Redis a `stream` command works on: a session id under
 * a tenant and user, or a key as it is (anything that begins with the prefix).
 */

#include "ctl.h"
#include "redis_client.h"

struct stream_target {
	const char *tenant; /* --tenant, "default" */
	const char *user;   /* --user, "anonymous" */
	const char *prefix; /* --prefix, "relay:" */
	struct buf key;
	struct redis_client *redis;
};

/* The options that every such command takes; append them to its own. */
#define STREAM_TARGET_OPTIONS(target)                         \
	{ .name = "--tenant", .value = &(target).tenant },    \
	    { .name = "--user", .value = &(target).user },    \
	{                                                     \
		.name = "--prefix", .value = &(target).prefix \
	}

void stream_target_init(struct stream_target *target);
/* Builds the key and connects. 0, or the exit code with the error set. */
int stream_target_open(
    struct stream_target *target, struct ctl *ctl, const char *session_or_key);
/* After it, for who will read or write the stream: 0, or CTL_INPUT with the
 * error set when the key holds something else. */
int stream_target_expect(struct stream_target *target, struct ctl *ctl);
void stream_target_fini(struct stream_target *target);

#endif
