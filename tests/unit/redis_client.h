/* SPDX-License-Identifier: MIT */
#ifndef REDIS_CLIENT_H
#define REDIS_CLIENT_H

/*
 * For tests of redis_link: a link on a loop of its own that writes down what
 * it was told, and a server that says what the test wants and not what Redis
 * would.
 */

#include "redis_link.h"

#include <uv.h>

struct redis_client {
	uv_loop_t loop;
	struct redis_target target;
	struct redis_link *link;
	unsigned ups, downs, answers, lost, pushes;
	char reason[16];
	char text[64]; /* of the last answer */
	enum redis_type type;
	char pushed[64];
	bool free_on_up, free_on_down, free_on_answer, free_on_push;
};

/* Short pauses between attempts, the usual deadlines. */
extern const struct redis_link_options redis_client_quick;

void redis_client_open(struct redis_client *client, const char *url,
    const struct redis_link_options *options);
/* Starts and waits until it is up. */
void redis_client_start(struct redis_client *client);
/* Fails when a handle is left in the loop. */
void redis_client_close(struct redis_client *client);
/* Runs the loop until *counter has reached `count`; fails after 10 s. */
void redis_client_until(
    uv_loop_t *loop, const unsigned *counter, unsigned count);
/* A command of one to three words; the answer is written down. */
int redis_client_say(struct redis_client *client, unsigned deadline_ms,
    const char *a, const char *b, const char *c);
/* What writes it down; arg: the client. */
void redis_client_answer(void *arg, const struct redis_value *answer);

#define FAKE_REDIS_GREETING "+OK\r\n+PONG\r\n"

struct fake_redis {
	uv_tcp_t listener;
	uv_timer_t drip;
	char url[64];
	const char *greeting; /* sent when the first PING has come */
	const char *payload;  /* sent behind it … */
	size_t payload_len;
	size_t repeat;     /* … this many times */
	const char *drips; /* then one byte each 15 ms */
	unsigned accepted, greeted;
	uv_tcp_t *peer; /* the last one */
};

/* redis_client_open with the fake on its loop. */
void redis_client_open_fake(struct redis_client *client,
    struct fake_redis *fake, const struct redis_link_options *options);
void redis_client_close_fake(
    struct redis_client *client, struct fake_redis *fake);

#endif
