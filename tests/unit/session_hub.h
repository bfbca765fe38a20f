/* SPDX-License-Identifier: MIT */
#ifndef SESSION_HUB_H
#define SESSION_HUB_H

/* In place of the hub: it only remembers what it was asked. A part of
 * session_rig.h. */

#include "hub.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
// clang-format off
#include <cmocka.h>
// clang-format on

struct subscription {
	const struct subscriber_ops *ops;
	void *arg;
	char key[256];
	size_t endpoint;
	struct start start;
	bool notices, held, in_use, is_known;
	struct entry_id position;
	struct entry_id sought;
	unsigned releases, seeks, resumes;
	unsigned deflate_bits;
	hub_write_fn *straight;
	void *straight_arg;
};

#define RIG_SUBSCRIPTIONS 256

struct hub {
	struct subscription subscriptions[RIG_SUBSCRIPTIONS];
	size_t count; /* ever made */
	size_t alive;
};

struct subscription *
hub_subscribe(struct hub *hub, struct view key, size_t endpoint,
    struct start start, bool notices, bool held,
    const struct subscriber_ops *ops, void *arg, uint64_t now_ms)
{
	(void)now_ms;
	assert_true(hub->count < RIG_SUBSCRIPTIONS);
	struct subscription *made = &hub->subscriptions[hub->count++];
	*made = (struct subscription){
		.ops = ops,
		.arg = arg,
		.endpoint = endpoint,
		.start = start,
		.notices = notices,
		.held = held,
		.in_use = true,
	};
	snprintf(made->key, sizeof made->key, "%.*s", (int)key.len, key.data);
	hub->alive++;
	return made;
}

void
hub_deflate(struct subscription *subscription, unsigned window_bits)
{
	subscription->deflate_bits = window_bits;
}

void
hub_write_straight(
    struct subscription *subscription, hub_write_fn *write, void *arg)
{
	subscription->straight = write;
	subscription->straight_arg = arg;
}

void
hub_unsubscribe(struct hub *hub, struct subscription **subscription)
{
	assert_true((*subscription)->in_use);
	(*subscription)->in_use = false;
	*subscription = NULL;
	hub->alive--;
}

void
hub_release(struct hub *hub, struct subscription *subscription)
{
	(void)hub;
	assert_true(subscription->in_use && subscription->held);
	subscription->held = false;
	subscription->releases++;
}

void
hub_seek(
    struct hub *hub, struct subscription *subscription, struct entry_id after)
{
	(void)hub;
	assert_true(subscription->in_use);
	subscription->held = false;
	subscription->sought = after;
	subscription->seeks++;
}

void
hub_resume(struct hub *hub, struct subscription *subscription)
{
	(void)hub;
	assert_true(subscription->in_use);
	subscription->resumes++;
}

bool
hub_position(
    const struct subscription *subscription, struct entry_id *scanned_r)
{
	assert_true(subscription->in_use);
	*scanned_r = subscription->position;
	return subscription->is_known;
}

#endif
