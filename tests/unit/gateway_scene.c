/* SPDX-License-Identifier: MIT */
#include "gateway_scene.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void
on_request(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	struct scene *scene = arg;

	scene->requests++;
	snprintf(scene->method, sizeof(scene->method), "%.*s",
	    (int)handshake->method.len, handshake->method.data);
	scene->exchange_id = http_exchange_id(exchange);
	if (scene->reaction == ANSWER)
		gateway_answer(exchange, 200, "text/plain",
		    view_of("X-Extra: 1\r\n"), scene->answer);
	if (scene->reaction == TAKE)
		scene->taken = gateway_take(exchange);
}

static int
admit(void *arg)
{
	struct scene *scene = arg;

	return scene->admission;
}

static const struct gateway_ops ops = {
	.on_request = on_request,
	.admit = admit,
};

const struct gateway_options patient = {
	.handshake_ms = 60000,
	.answer_ms = 60000,
	.max_waiting = 100,
};

void
open_scene(struct scene *scene, const struct gateway_options *options)
{
	struct error err;
	int listener;

	memset(scene, 0, sizeof(*scene));
	scene->answer = view_of("hello");
	uv_loop_init(&scene->loop);
	assert_int_equal(gateway_listen("127.0.0.1:0", false, &listener, 1,
			     &scene->address, &err),
	    0);
	scene->gateway = gateway_new(
	    &scene->loop, listener, options, &scene->stats, &ops, scene);
}

void
close_scene(struct scene *scene)
{
	gateway_free(&scene->gateway);
	assert_null(scene->gateway);
	uv_run(&scene->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&scene->loop), 0);
}

/* --- the client --- */

int
call(const struct scene *scene)
{
	const char *colon = strrchr(scene->address.text, ':');
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(colon + 1)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0)
		return fd;
	close(fd);
	return -1;
}

int
call_with(const struct scene *scene, const char *text)
{
	int fd = call(scene);

	assert_true(fd >= 0);
	assert_int_equal(
	    send(fd, text, strlen(text), 0), (ssize_t)strlen(text));
	return fd;
}

void
scene_give_up(uv_timer_t *timer)
{
	(void)timer;
	fail_msg("nothing came of it");
}

bool
has_ended(int fd, struct buf *got, bool *was_reset_r)
{
	char block[65536];
	ssize_t count;

	while ((count = recv(fd, block, sizeof(block), MSG_DONTWAIT)) > 0)
		buf_add(got, view_make(block, (size_t)count));
	*was_reset_r = count < 0 && errno == ECONNRESET;
	return count == 0 || *was_reset_r;
}

struct buf
read_all(struct scene *scene, int fd)
{
	struct buf got;
	bool was_reset = false;

	buf_init(&got, 0);
	WAIT_FOR(scene, has_ended(fd, &got, &was_reset));
	close(fd);
	if (was_reset)
		buf_clear(&got);
	buf_add_char(&got, '\0');
	return got;
}

void
assert_answer(struct scene *scene, int fd, const char *begins)
{
	struct buf got = read_all(scene, fd);

	assert_int_equal(strncmp(got.data, begins, strlen(begins)), 0);
	buf_fini(&got);
}
