/* SPDX-License-Identifier: MIT */
#include "redis_client.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
// clang-format off
#include <cmocka.h>
// clang-format on

const struct redis_link_options redis_client_quick = {
	.name = "test",
	.connect_ms = 2000,
	.command_ms = 5000,
	.backoff_min_ms = 5,
	.backoff_max_ms = 20,
};

static void
keep(char *to, size_t size, struct view text)
{
	snprintf(to, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

static void
on_up(void *arg)
{
	struct redis_client *client = arg;

	client->ups++;
	if (client->free_on_up)
		redis_link_free(&client->link);
}

static void
on_down(void *arg, const char *reason)
{
	struct redis_client *client = arg;

	client->downs++;
	keep(client->reason, sizeof(client->reason), view_of(reason));
	if (client->free_on_down)
		redis_link_free(&client->link);
}

static void
on_push(void *arg, const struct redis_value *payload)
{
	struct redis_client *client = arg;

	client->pushes++;
	keep(client->pushed, sizeof(client->pushed), redis_value_text(payload));
	if (client->free_on_push)
		redis_link_free(&client->link);
}

void
redis_client_answer(void *arg, const struct redis_value *answer)
{
	struct redis_client *client = arg;

	client->answers++;
	if (answer == NULL)
		client->lost++;
	client->type = redis_value_type(answer);
	keep(client->text, sizeof(client->text), redis_value_text(answer));
	if (client->free_on_answer)
		redis_link_free(&client->link);
}

void
redis_client_open(struct redis_client *client, const char *url,
    const struct redis_link_options *options)
{
	static const struct redis_link_ops ops = { on_up, on_down, on_push };
	struct error err = { 0 };

	memset(client, 0, sizeof(*client));
	uv_loop_init(&client->loop);
	if (redis_target_parse(&client->target, view_of(url), &err) != 0)
		fail_msg("%s", err.message);
	client->link = redis_link_new(
	    &client->loop, &client->target, options, &ops, client);
}

/* Ends with nothing alive in the loop: every handle was closed. */
void
redis_client_close(struct redis_client *client)
{
	redis_link_free(&client->link);
	uv_run(&client->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&client->loop), 0);
	redis_target_fini(&client->target);
}

static void
on_watchdog(uv_timer_t *timer)
{
	*(bool *)timer->data = true;
}

/* Runs the loop until *counter has reached `count`; fails after 10 s. */
void
redis_client_until(uv_loop_t *loop, const unsigned *counter, unsigned count)
{
	uv_timer_t watchdog;
	bool is_late = false;

	uv_update_time(loop);
	uv_timer_init(loop, &watchdog);
	watchdog.data = &is_late;
	uv_timer_start(&watchdog, on_watchdog, 10000, 0);
	while (*counter < count && !is_late)
		uv_run(loop, UV_RUN_ONCE);
	uv_close((uv_handle_t *)&watchdog, NULL);
	uv_run(loop, UV_RUN_NOWAIT);
	assert_false(is_late);
}

int
redis_client_say(struct redis_client *client, unsigned deadline_ms,
    const char *a, const char *b, const char *c)
{
	struct view argv[3] = { view_of(a), view_of(b), view_of(c) };
	size_t argc = c != NULL ? 3 : b != NULL ? 2 : 1;

	return redis_link_command(
	    client->link, argv, argc, deadline_ms, redis_client_answer, client);
}

void
redis_client_start(struct redis_client *client)
{
	redis_link_start(client->link);
	redis_client_until(&client->loop, &client->ups, 1);
	assert_true(redis_link_is_up(client->link));
}

/* --- a server that does as it is told --- */

static void
on_peer_closed(uv_handle_t *peer)
{
	free(peer);
}

static void
fake_allocate(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
	static char memory[65536];

	(void)handle;
	(void)size;
	*buf = uv_buf_init(memory, sizeof(memory));
}

static void
on_written(uv_write_t *request, int status)
{
	(void)status;
	free(request);
}

static void
fake_send(struct fake_redis *fake, const char *bytes, size_t len)
{
	uv_write_t *request = malloc(sizeof(*request));
	uv_buf_t buf = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)len);

	uv_write(request, (uv_stream_t *)fake->peer, &buf, 1, on_written);
}

static void
on_drip(uv_timer_t *timer)
{
	struct fake_redis *fake = timer->data;

	if (fake->peer == NULL || *fake->drips == '\0')
		uv_timer_stop(timer);
	else
		fake_send(fake, fake->drips++, 1);
}

static void
on_peer_bytes(uv_stream_t *peer, ssize_t got, const uv_buf_t *buf)
{
	struct fake_redis *fake = peer->data;

	if (got < 0) {
		if (fake->peer == (uv_tcp_t *)peer)
			fake->peer = NULL;
		uv_close((uv_handle_t *)peer, on_peer_closed);
		return;
	}
	if (fake->greeting == NULL ||
	    memmem(buf->base, (size_t)got, "PING\r\n", 6) == NULL)
		return;
	fake->greeted++;
	fake_send(fake, fake->greeting, strlen(fake->greeting));
	for (size_t i = 0; i < fake->repeat; i++)
		fake_send(fake, fake->payload, fake->payload_len);
	if (fake->drips != NULL)
		uv_timer_start(&fake->drip, on_drip, 15, 15);
}

static void
on_connection(uv_stream_t *listener, int status)
{
	struct fake_redis *fake = listener->data;
	uv_tcp_t *peer = malloc(sizeof(*peer));

	assert_int_equal(status, 0);
	uv_tcp_init(listener->loop, peer);
	peer->data = fake;
	assert_int_equal(uv_accept(listener, (uv_stream_t *)peer), 0);
	uv_read_start((uv_stream_t *)peer, fake_allocate, on_peer_bytes);
	fake->accepted++;
	fake->peer = peer;
}

static void
fake_open(struct fake_redis *fake, uv_loop_t *loop)
{
	struct sockaddr_in address;
	int size = sizeof(address);

	uv_ip4_addr("127.0.0.1", 0, &address);
	uv_tcp_init(loop, &fake->listener);
	uv_timer_init(loop, &fake->drip);
	fake->listener.data = fake;
	fake->drip.data = fake;
	uv_tcp_bind(&fake->listener, (struct sockaddr *)&address, 0);
	assert_int_equal(
	    uv_listen((uv_stream_t *)&fake->listener, 16, on_connection), 0);
	uv_tcp_getsockname(&fake->listener, (struct sockaddr *)&address, &size);
	snprintf(fake->url, sizeof(fake->url), "redis://127.0.0.1:%d",
	    ntohs(address.sin_port));
}

/* redis_client_open with the fake on its loop. */
void
redis_client_open_fake(struct redis_client *client, struct fake_redis *fake,
    const struct redis_link_options *options)
{
	struct error err = { 0 };

	redis_client_open(client, "redis://127.0.0.1:1", options);
	fake_open(fake, &client->loop);
	redis_target_fini(&client->target);
	assert_int_equal(
	    redis_target_parse(&client->target, view_of(fake->url), &err), 0);
}

void
redis_client_close_fake(struct redis_client *client, struct fake_redis *fake)
{
	uv_close((uv_handle_t *)&fake->listener, NULL);
	uv_close((uv_handle_t *)&fake->drip, NULL);
	redis_link_free(&client->link);
	uv_run(&client->loop, UV_RUN_DEFAULT); /* peers see the end */
	redis_client_close(client);
}
