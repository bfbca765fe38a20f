/* SPDX-License-Identifier: MIT */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

/*
 * A blocking connection to Redis for one command of relayctl, with a deadline
 * on everything. The only file of relayctl that includes hiredis. The URL is
 * parsed by the same code as relayd's --redis.
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

struct redis_client;
struct redis_value; /* read with redis_value_* of redis_link.h */

/* NULL: err says why (refused, wrong password, not a Redis URL …). */
struct redis_client *redis_client_open(
    const char *url, unsigned timeout_ms, struct error *err);
void redis_client_close(struct redis_client **client);

/* Sends one command and waits. The answer is good until the next call. NULL:
 * the link is lost or Redis answered an error; err says which. */
const struct redis_value *redis_client_command(struct redis_client *client,
    const struct view *argv, size_t argc, struct error *err);

/* -1 and err when the key holds anything but a stream; one that is not there is
 * fine, and so is one that this user may not read. */
int redis_client_expect_stream(
    struct redis_client *client, struct view key, struct error *err);

/* Pipelining: append without waiting, then take the answers in order. */
int redis_client_append(struct redis_client *client, const struct view *argv,
    size_t argc, struct error *err);
const struct redis_value *redis_client_next(
    struct redis_client *client, struct error *err);

#endif
