/* SPDX-License-Identifier: MIT */
#ifndef GATEWAY_PARTS_H
#define GATEWAY_PARTS_H

/* The gateway from the inside, for gateway.c and gateway_accept.c. */

#include "gateway.h"
#include "http_exchange.h"

#include <assert.h>

#define GATEWAY_MAGIC 0x67617465

/* Owned by the worker; exchanges hold a pointer until their handles are
 * closed, hence the count of users. */
struct gateway {
	uint32_t magic;
	uv_loop_t *loop;
	struct gateway_options options;
	struct stats *stats;
	const struct gateway_ops *ops;
	void *arg;
	int socket; /* -1 once stopped */
	uv_poll_t poll;
	uv_timer_t pause;
	uint64_t last_id;
	size_t waiting; /* heads being read */
	size_t talking; /* of these, EXCHANGE_TALKING */
	/* One list for each state, oldest first. */
	struct list lists[EXCHANGE_CLOSED];
	size_t users; /* handles and exchanges that still point here */
};

static inline struct gateway *
gateway_of(void *data)
{
	struct gateway *gateway = data;

	assert(gateway->magic == GATEWAY_MAGIC);
	return gateway;
}

/* What exchanges tell. */
extern const struct exchange_ops gateway_exchange_ops;

/* Answers with an error of the gateway's own. */
void gateway_refuse(
    struct http_exchange *exchange, int status, const char *reason);
/* The longest in this state, or NULL. */
struct http_exchange *gateway_oldest(
    struct gateway *gateway, enum exchange_state state);
/* Closes it as one that had its time. */
void gateway_throw_out(struct http_exchange *exchange);

/* gateway_accept.c. True when there may be more to accept. */
bool gateway_accept_one(struct gateway *gateway);
void gateway_on_listening(uv_poll_t *poll, int status, int events);

#endif
