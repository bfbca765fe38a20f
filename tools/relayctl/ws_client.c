/* SPDX-License-Identifier: MIT */
#include "ws_client.h"

#include "buf.h"
#include "clock.h"
#include "token.h"
#include "xmalloc.h"

#include <libwebsockets.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define MESSAGE_MAX (16u << 20)

struct ws_client {
	const struct ws_client_options *options;
	ws_client_text_fn *text;
	void *arg;
	struct error *err;
	struct buf message;
	enum ws_client_end end;
	uint16_t close_code;
	uint64_t last_ms;
	bool is_open;
	bool is_over;
};

static volatile sig_atomic_t interrupted;

static void
on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

bool
ws_client_interrupted(void)
{
	return interrupted != 0;
}

static void
install_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static void
finish(struct ws_client *client, enum ws_client_end end)
{
	if (client->is_over)
		return;
	client->is_over = true;
	client->end = end;
}

/* Returns -1 when the connection shall be closed. */
static int
receive(struct ws_client *client, struct lws *wsi, const void *in, size_t len)
{
	client->last_ms = clock_mono_ms();
	buf_add(&client->message, view_make(in, len));
	if (lws_remaining_packet_payload(wsi) > 0 ||
	    !lws_is_final_fragment(wsi))
		return 0;
	if (!buf_ok(&client->message)) {
		error_set(client->err, client->options->url,
		    "a message is larger than %u bytes", MESSAGE_MAX);
		finish(client, WS_CLIENT_UNREACHABLE);
		return -1;
	}
	bool more = client->text(client->arg, buf_view(&client->message));
	buf_clear(&client->message);
	if (more)
		return 0;
	finish(client, WS_CLIENT_STOPPED);
	return -1;
}

static void
note_close(struct ws_client *client, const void *in, size_t len)
{
	const unsigned char *bytes = in;
	if (len >= 2)
		client->close_code = (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* `in` is where the next header goes, with room for `len` bytes. */
static int
add_token(struct ws_client *client, struct lws *wsi, void *in, size_t len)
{
	char value[TOKEN_MAX + sizeof("Bearer ")];
	unsigned char **at = in;
	if (!client || !client->options->token)
		return 0;
	int length =
	    snprintf(value, sizeof(value), "Bearer %s", client->options->token);
	int status =
	    lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_AUTHORIZATION,
		(unsigned char *)value, length, at, *at + len);
	explicit_bzero(value, sizeof(value));
	return status ? -1 : 0;
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t len)
{
	struct ws_client *client = user;
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return add_token(client, wsi, in, len);
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		error_set(client->err, client->options->url,
		    "cannot connect: %s", in ? (const char *)in : "no answer");
		finish(client, WS_CLIENT_UNREACHABLE);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		client->is_open = true;
		client->last_ms = clock_mono_ms();
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		return receive(client, wsi, in, len);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		note_close(client, in, len);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
		finish(client, WS_CLIENT_CLOSED);
		return 0;
	default:
		return 0;
	}
}

static const struct lws_protocols protocols[] = {
	{ .name = "relayctl", .callback = on_event, .rx_buffer_size = 65536 },
	{ .name = NULL },
};

static struct lws_context *
open_context(void)
{
	struct lws_context_creation_info info = { 0 };
	info.port = CONTEXT_PORT_NO_LISTEN;
	info.protocols = protocols;
	lws_set_log_level(0, NULL);
	return lws_create_context(&info);
}

/* Splits ws://host[:port]/path in place. */
static int
split_url(char *url, const char **host, int *port, const char **path,
    struct error *err)
{
	const char *scheme = NULL;
	if (lws_parse_uri(url, &scheme, host, port, path) ||
	    strcmp(scheme, "ws") != 0)
		return error_set(err, "--url", "not a ws:// address");
	return 0;
}

static int
dial(struct lws_context *context, struct ws_client *client, char *url)
{
	const char *host;
	const char *path;
	int port;
	if (split_url(url, &host, &port, &path, client->err) != 0)
		return -1;
	char target[4096];
	snprintf(target, sizeof(target), "/%s", path);
	char authority[300];
	snprintf(authority, sizeof(authority), "%s:%d", host, port);
	struct lws_client_connect_info info = { 0 };
	info.context = context;
	info.address = host;
	info.port = port;
	info.path = target;
	info.host = authority;
	info.protocol = client->options->protocol;
	info.local_protocol_name = "relayctl";
	info.userdata = client;
	if (lws_client_connect_via_info(&info))
		return 0;
	if (client->is_over)
		return -1;
	return error_set(client->err, client->options->url, "cannot connect");
}

static void
watch_the_clock(struct ws_client *client, uint64_t began_ms)
{
	const struct ws_client_options *options = client->options;
	uint64_t now = clock_mono_ms();
	if (interrupted) {
		finish(client, WS_CLIENT_INTERRUPTED);
	} else if (!client->is_open && now - began_ms > options->connect_ms) {
		error_set(client->err, options->url, "no answer within %u ms",
		    options->connect_ms);
		finish(client, WS_CLIENT_UNREACHABLE);
	} else if (client->is_open && options->idle_ms &&
	    now - client->last_ms > options->idle_ms) {
		finish(client, WS_CLIENT_TIMEOUT);
	}
}

static void
wake(lws_sorted_usec_list_t *timer)
{
	(void)timer; /* only there so that lws_service returns now and then */
}

static void
serve(struct lws_context *context, struct ws_client *client)
{
	uint64_t began_ms = clock_mono_ms();
	lws_sorted_usec_list_t timer = { 0 };
	while (!client->is_over) {
		lws_sul_schedule(context, 0, &timer, wake, 100000);
		if (lws_service(context, 0) < 0)
			break;
		watch_the_clock(client, began_ms);
	}
	lws_sul_schedule(context, 0, &timer, wake, LWS_SET_TIMER_USEC_CANCEL);
}

enum ws_client_end
ws_client_run(const struct ws_client_options *options, ws_client_text_fn *text,
    void *arg, uint16_t *close_code_r, struct error *err)
{
	struct ws_client client = {
		.options = options,
		.text = text,
		.arg = arg,
		.err = err,
		.end = WS_CLIENT_UNREACHABLE,
	};
	install_signals();
	buf_init(&client.message, MESSAGE_MAX);
	struct lws_context *context = open_context();
	char *url = xstrdup(options->url);
	if (!context)
		error_set(err, options->url, "libwebsockets did not start");
	else if (dial(context, &client, url) == 0)
		serve(context, &client);
	client.is_over = true;
	if (context)
		lws_context_destroy(context);
	free(url);
	buf_fini(&client.message);
	*close_code_r = client.close_code;
	return client.end;
}
