/* SPDX-License-Identifier: MIT */

/*
 * relay-echo-test: the relay's listener, gate, handshake and WebSocket server
 * with an echo behind them (echo_session.c), for conformance suites. Takes the
 * flags of relayd; any path; no Redis, no token, no limits of rate and
 * fragments. `limits.frame_bytes` and `deflate` are as in relayd.
 */

#include "bundled.h"
#include "clock.h"
#include "config.h"
#include "exit_code.h"
#include "gateway.h"
#include "http_routes.h"
#include "log.h"
#include "port_file.h"
#include "stats.h"
#include "tls_identity.h"
#include "ws_server.h"

#include <uv.h>

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define TICK_MS     100
#define ANSWER_MS   2000
#define WAITING_MAX 4096
#define CLIENTS_MAX 10000

struct echo {
	uv_loop_t loop;
	uv_timer_t tick;
	uv_signal_t terminate, interrupt;
	struct config config;
	struct stats stats;
	struct ws_server *ws_server;
	struct gateway *public, *admin;
	struct tls_identity *tls; /* NULL: plain */
	struct gateway_address listen_at, admin_at;
	int listen_socket, admin_socket;
};

/* --- requests --- */

static void
upgrade(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake, size_t endpoint)
{
	struct echo *echo = arg;
	const struct session_params params = { .endpoint = endpoint };
	struct buf answer;
	buf_init(&answer, 0);
	struct ws_peer peer = { .is_deflated = handshake_accept(
				    handshake, echo->config.deflate, &answer) };
	peer.socket = gateway_take_secure(exchange, &peer.tls);
	ws_server_adopt(echo->ws_server, &peer, buf_view(&answer), &params);
	buf_fini(&answer);
}

static int
admit(void *arg, struct http_exchange *exchange)
{
	(void)arg;
	(void)exchange;
	return 0;
}

static void
on_request(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	static const struct http_routes_ops ops = { .upgrade = upgrade,
		.admit = admit };
	const struct http_routes routes = {
		.ops = &ops, .arg = arg, .takes_any_path = true
	};
	http_routes_serve(&routes, exchange, handshake);
}

static void
on_admin_request(void *arg, struct http_exchange *exchange,
    const struct handshake *handshake)
{
	(void)arg;
	struct buf body;
	buf_init(&body, 0);
	bool is_known = view_is(handshake->path, "/health") ||
	    view_is(handshake->path, "/ready");
	buf_addf(&body, "{\"ok\":%s}\n", is_known ? "true" : "false");
	http_routes_json(exchange, is_known ? 200 : 404, &body);
	buf_fini(&body);
}

/* --- the loop --- */

static void
on_tick(uv_timer_t *timer)
{
	struct echo *echo = timer->data;
	ws_server_tick(echo->ws_server, clock_mono_ms());
}

static void
on_signal(uv_signal_t *signal, int number)
{
	(void)number;
	uv_stop(signal->loop);
}

static void
open_loop(struct echo *echo)
{
	uv_loop_init(&echo->loop);
	uv_timer_init(&echo->loop, &echo->tick);
	uv_signal_init(&echo->loop, &echo->terminate);
	uv_signal_init(&echo->loop, &echo->interrupt);
	echo->tick.data = echo;
	uv_timer_start(&echo->tick, on_tick, TICK_MS, TICK_MS);
	uv_signal_start(&echo->terminate, on_signal, SIGTERM);
	uv_signal_start(&echo->interrupt, on_signal, SIGINT);
}

static void
close_loop(struct echo *echo)
{
	uv_close((uv_handle_t *)&echo->interrupt, NULL);
	uv_close((uv_handle_t *)&echo->terminate, NULL);
	uv_close((uv_handle_t *)&echo->tick, NULL);
	uv_run(&echo->loop, UV_RUN_DEFAULT);
	uv_loop_close(&echo->loop);
}

/* --- building --- */

static int
open_tls(struct echo *echo, struct error *err)
{
	const struct config *config = &echo->config;
	if (!*config->tls_cert && !*config->tls_key)
		return 0;
	echo->tls = tls_identity_load(config->tls_cert, config->tls_key, err);
	return echo->tls ? 0 : -1;
}

static int
open_server(struct echo *echo, struct error *err)
{
	const struct config *config = &echo->config;
	const struct ws_server_options options = {
		.max_frame_bytes = config->limits_frame_bytes,
		.max_fragments = 0,
		.ping_interval_ms = (unsigned)config->limits_ping_ms,
		.pong_timeout_ms = (unsigned)config->limits_pong_ms,
		.stuck_ms = (unsigned)config->limits_stuck_ms,
		.send_buffer_bytes = (unsigned)config->limits_send_buffer_bytes,
		.max_connections = CLIENTS_MAX,
		.has_tls = echo->tls != NULL,
		.takes_binary = true,
		.is_unmetered = true,
	};
	echo->ws_server =
	    ws_server_new(&echo->loop, &options, NULL, &echo->stats, err);
	return echo->ws_server ? 0 : -1;
}

static struct gateway *
serve(
    struct echo *echo, int socket, bool is_admin, const struct gateway_ops *ops)
{
	const struct gateway_options options = {
		.handshake_ms = (unsigned)echo->config.limits_handshake_ms,
		.answer_ms = ANSWER_MS,
		.max_waiting = WAITING_MAX,
		.head_bytes = echo->config.limits_handshake_bytes,
		.tls = echo->tls && !is_admin ? tls_identity_context(echo->tls)
					      : NULL,
	};
	return gateway_new(
	    &echo->loop, socket, &options, &echo->stats, ops, echo);
}

static int
open_listeners(struct echo *echo, struct error *err)
{
	static const struct gateway_ops public_ops = { .on_request =
							   on_request };
	static const struct gateway_ops admin_ops = { .on_request =
							  on_admin_request };
	const struct config *config = &echo->config;
	if (gateway_listen(config->listen, config->listen_share,
		&echo->listen_socket, 1, &echo->listen_at, err) == -1 ||
	    gateway_listen(config->admin_listen, false, &echo->admin_socket, 1,
		&echo->admin_at, err) == -1)
		return -1;
	echo->public = serve(echo, echo->listen_socket, false, &public_ops);
	echo->admin = serve(echo, echo->admin_socket, true, &admin_ops);
	return 0;
}

static int
announce(const struct echo *echo, struct error *err)
{
	const struct port_file content = { .listen = echo->listen_at.text,
		.admin = echo->admin_at.text,
		.redis = "" };
	log_event(LOG_LEVEL_INFO, "echo", "started", "listen",
	    echo->listen_at.text, "admin", echo->admin_at.text, NULL);
	return *echo->config.port_file
	    ? port_file_write(echo->config.port_file, &content, err)
	    : 0;
}

static int
run(struct echo *echo, struct error *err)
{
	int code = 0;
	signal(SIGPIPE, SIG_IGN);
	open_loop(echo);
	if (open_tls(echo, err) == -1)
		code = EXIT_CODE_TLS;
	else if (open_server(echo, err) == -1)
		code = EXIT_CODE_BUG;
	else if (open_listeners(echo, err) == -1)
		code = EXIT_CODE_PORT;
	else if (announce(echo, err) == -1)
		code = EXIT_CODE_PERMISSION;
	else
		uv_run(&echo->loop, UV_RUN_DEFAULT);
	if (code == 0 && *echo->config.port_file)
		port_file_remove(echo->config.port_file);
	gateway_free(&echo->admin);
	gateway_free(&echo->public);
	ws_server_free(&echo->ws_server);
	tls_identity_free(&echo->tls);
	gateway_unlink(&echo->admin_at);
	gateway_unlink(&echo->listen_at);
	close_loop(echo);
	return code;
}

int
main(int argc, char **argv)
{
	static struct echo echo;
	char contract[PATH_MAX];
	struct error err = { 0 };
	bundled_contract(contract, sizeof(contract));
	int code = config_read(&echo.config, argc, argv, contract, &err);
	if (code == 0) {
		log_setup((enum log_level)echo.config.log_level,
		    (enum log_format)echo.config.log_format,
		    (unsigned)echo.config.limits_log_lines);
		code = run(&echo, &err);
	}
	if (code != 0)
		fprintf(stderr, "relay-echo-test: %s%s%s\n", err.where,
		    err.where[0] ? ": " : "", err.message);
	config_fini(&echo.config);
	return code;
}
