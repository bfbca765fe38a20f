/* SPDX-License-Identifier: MIT */

/*
 * relayctl stream tail: follows a stream as a client does, notices included,
 * and resumes from its last cursor when it is cut. Frames go to stdout as they
 * are, one a line (NDJSON), or as one line for people with --view; with --json
 * they are in the one object at the end.
 */

#include "bearer.h"
#include "bundled.h"
#include "contract.h"
#include "ctl.h"
#include "ctl_check.h"
#include "entry_id.h"
#include "stream_expect.h"
#include "stream_view.h"
#include "ws_client.h"

#include <stdlib.h>
#include <unistd.h>

#define RETRY_MAX_MS 5000u
#define KEPT_MAX     (16 << 20) /* bytes of frames in the object of --json */
#define DEPTH_MAX    512

struct tail {
	struct ctl *ctl;
	const char *url;
	const char *after;
	const char *since;
	const char *expect_file;
	const char *session;
	const char *token_file;
	struct contract *contract;
	const struct contract_endpoint *endpoint;
	char cursor[ENTRY_ID_TEXT_MAX]; /* resume from here; "" = none yet */
	uint64_t count; /* stop after this many events; 0 = no */
	uint64_t events, gaps, connects;
	unsigned idle_ms;
	bool is_quiet, has_view, has_expect, is_refused;
	struct buf kept;  /* with --json: the frames, as items of an array */
	uint64_t omitted; /* those that are not there */
	struct stream_view view;
	struct stream_expect expect;
	struct error err;
	struct json_doc doc;
};

/* --- options --- */

static int
read_number(struct ctl *ctl, const char *name, const char *text, uint64_t *to)
{
	int status = ctl_check_count(ctl, name, text);
	if (status == 0 && text)
		*to = strtoull(text, NULL, 10);
	return status;
}

static const struct contract_endpoint *
find_endpoint(const struct contract *contract, const char *name)
{
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		bool fits = name ? strcmp(endpoint->name, name) == 0
				 : endpoint->session_query != NULL;
		if (fits && endpoint->session_query)
			return endpoint;
	}
	return NULL;
}

/* Path, query parameter and discriminator come from the contract. */
static int
learn_endpoint(struct tail *tail, const char *folder, const char *name)
{
	char bundled[4096];
	bundled_contract(bundled, sizeof(bundled));
	tail->contract = contract_load(folder ? folder : bundled, &tail->err);
	if (!tail->contract)
		return ctl_fail(tail->ctl, CTL_INPUT, "contract", "%s: %s",
		    tail->err.where, tail->err.message);
	tail->endpoint = find_endpoint(tail->contract, name);
	if (tail->endpoint)
		return 0;
	return ctl_fail(tail->ctl, CTL_USAGE, "usage",
	    "the contract has no endpoint %s that is read by session id",
	    name ? name : "");
}

/* What the relay would refuse too; said before it is asked. */
static int
check_start(struct tail *tail)
{
	struct ctl *ctl = tail->ctl;
	struct entry_id id;
	uint64_t since;
	if (tail->after && tail->since)
		return ctl_fail(
		    ctl, CTL_USAGE, "usage", "--after or --since, not both");
	if (tail->after && entry_id_parse(view_of(tail->after), &id) != 0)
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--after: wants the cursor of an event, as in "
		    "1700000000000-0, or 0-0 for the beginning");
	if (tail->since && !view_decimal(view_of(tail->since), 19, &since))
		return ctl_fail(ctl, CTL_USAGE, "usage",
		    "--since: wants unix milliseconds");
	return ctl_check_url(ctl, "--url", tail->url, "ws", "ws://HOST:PORT");
}

static int
parse(struct tail *tail, const char **show)
{
	struct ctl *ctl = tail->ctl;
	const char *contract = NULL;
	const char *endpoint = NULL;
	const char *count = NULL;
	const char *idle = NULL;
	uint64_t idle_ms = 0;
	const struct ctl_option options[] = {
		{ .name = "--url", .value = &tail->url },
		{ .name = "--contract", .value = &contract },
		{ .name = "--endpoint", .value = &endpoint },
		{ .name = "--after", .value = &tail->after },
		{ .name = "--since", .value = &tail->since },
		{ .name = "--count", .value = &count },
		{ .name = "--idle-ms", .value = &idle },
		{ .name = "--expect", .value = &tail->expect_file },
		{ .name = "--show", .value = show },
		{ .name = "--view", .flag = &tail->has_view },
		{ .name = "--quiet", .flag = &tail->is_quiet },
		{ .name = "--token-file", .value = &tail->token_file },
	};
	int status =
	    ctl_parse(ctl, options, sizeof(options) / sizeof(options[0]));
	if (status == 0 && ctl->argc != 1)
		status = ctl_fail(
		    ctl, CTL_USAGE, "usage", "one session id is wanted");
	if (status == 0)
		status = check_start(tail);
	if (status == 0)
		status = read_number(ctl, "--count", count, &tail->count);
	if (status == 0)
		status = read_number(ctl, "--idle-ms", idle, &idle_ms);
	if (status != 0)
		return status;
	tail->idle_ms = (unsigned)idle_ms;
	tail->session = ctl->argv[0];
	return learn_endpoint(tail, contract, endpoint);
}

/* --- frames --- */

/* Nothing but that object may be on stdout, so only JSON may be in it. */
static void
keep_frame(struct tail *tail, struct view frame)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = DEPTH_MAX };
	if (tail->is_quiet)
		return;
	if (tail->kept.len + frame.len >= KEPT_MAX ||
	    json_scan(&tail->doc, frame, &limits, &fault) != 0) {
		tail->omitted++;
		return;
	}
	buf_add_text(&tail->kept, tail->kept.len ? ",\n" : "");
	buf_add(&tail->kept, frame);
}

static void
print_frame(struct tail *tail, struct view frame)
{
	if (tail->ctl->json) {
		keep_frame(tail, frame);
		return;
	}
	if (tail->is_quiet)
		return;
	if (tail->has_view) {
		stream_view_frame(&tail->view, frame);
		return;
	}
	fwrite(frame.data, 1, frame.len, stdout);
	fputc('\n', stdout);
	fflush(stdout);
}

static void
keep_cursor(struct tail *tail, struct view cursor)
{
	if (cursor.len < sizeof(tail->cursor))
		snprintf(tail->cursor, sizeof(tail->cursor), "%.*s",
		    (int)cursor.len, cursor.data);
}

static struct view
member_text(const struct tail *tail, const char *name)
{
	uint32_t node = json_member(&tail->doc, 0, view_of(name));
	if (node == 0 || tail->doc.nodes[node].type != JSON_STRING)
		return view_of("");
	struct view text = json_text(&tail->doc, node);
	return view_make(text.data + 1, text.len - 2);
}

/* Returns false when the tail is over. */
static bool
take_event(struct tail *tail, struct view frame, struct view cursor)
{
	keep_cursor(tail, cursor);
	tail->events++;
	print_frame(tail, frame);
	if (tail->has_expect) {
		if (stream_expect_frame(&tail->expect, frame, &tail->err) != 0)
			return false;
		if (tail->expect.is_done)
			return false;
	}
	return tail->count == 0 || tail->events < tail->count;
}

/* A notice moves the position; an error frame ends the tail for good. */
static bool
take_other(struct tail *tail, struct view frame)
{
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 128 };
	print_frame(tail, frame);
	if (json_scan(&tail->doc, frame, &limits, &fault) != 0)
		return true;
	struct view type = member_text(tail, "type");
	if (view_is(type, "relay.live") || view_is(type, "relay.cursor"))
		keep_cursor(tail, member_text(tail, "cursor"));
	if (view_is(type, "relay.gap")) {
		tail->gaps++;
		keep_cursor(tail, member_text(tail, "through"));
	}
	if (!view_is(type, "error"))
		return true;
	struct view code = member_text(tail, "code");
	struct view message = member_text(tail, "message");
	error_set(&tail->err, "", "the relay refused: %.*s (%.*s)",
	    (int)message.len, message.data, (int)code.len, code.data);
	/* Whoever keeps the file may have put a new one there: the relay's
	 * close comes next, and then another try. */
	tail->is_refused = !(tail->token_file && view_is(code, "auth_expired"));
	return !tail->is_refused;
}

static bool
on_text(void *arg, struct view frame)
{
	struct tail *tail = arg;
	struct view cursor;
	struct view rest;
	if (stream_split_cursor(frame, &cursor, &rest))
		return take_event(tail, frame, cursor);
	return take_other(tail, frame);
}

/* --- connecting --- */

static void
add_encoded(struct buf *out, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
	for (; *text; text++) {
		if (strchr(plain, *text))
			buf_add_char(out, *text);
		else
			buf_addf(out, "%%%02X", (unsigned char)*text);
	}
}

static void
build_url(const struct tail *tail, struct buf *out)
{
	size_t length = strlen(tail->url);
	while (tail->url[length - 1] == '/')
		length--;
	buf_clear(out);
	buf_addf(out, "%.*s%s?%s=", (int)length, tail->url,
	    tail->endpoint->path, tail->endpoint->session_query);
	add_encoded(out, tail->session);
	if (tail->cursor[0])
		buf_addf(out, "&after=%s", tail->cursor);
	else if (tail->since)
		buf_addf(out, "&since=%s", tail->since);
	buf_add_char(out, '\0');
}

static bool
wants_retry(const struct tail *tail, enum ws_client_end end)
{
	if (tail->is_refused || tail->connects == 0)
		return false;
	return end == WS_CLIENT_CLOSED || end == WS_CLIENT_UNREACHABLE;
}

/* Connects, and again after each cut, until the tail is over. */
static enum ws_client_end
follow(struct tail *tail)
{
	struct buf url, token;
	buf_init(&url, 0);
	unsigned pause_ms = 100;
	enum ws_client_end end;
	do {
		uint64_t before = tail->events;
		build_url(tail, &url);
		if (bearer_read(tail->ctl, tail->token_file, &token) != 0)
			tail->is_refused = true;
		struct ws_client_options options = { .url = url.data,
			.protocol = "relay.v1",
			.token = token.len ? token.data : NULL,
			.connect_ms = 5000,
			.idle_ms = tail->idle_ms };
		uint16_t code;
		end = ws_client_run(&options, on_text, tail, &code, &tail->err);
		buf_wipe(&token);
		if (end != WS_CLIENT_UNREACHABLE)
			tail->connects++;
		if (!wants_retry(tail, end))
			break;
		if (tail->events > before)
			pause_ms = 100;
		usleep(pause_ms * 1000);
		pause_ms =
		    pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS;
	} while (!ws_client_interrupted());
	buf_fini(&url);
	return end;
}

/* --- the verdict --- */

static void
write_result(struct tail *tail)
{
	struct buf *out = &tail->ctl->result;
	buf_add_text(out, "{\"frames\":[");
	buf_add(out, buf_view(&tail->kept));
	buf_addf(out,
	    "],\"omitted\":%llu,\"events\":%llu,\"gaps\":%llu,"
	    "\"connects\":%llu,\"cursor\":",
	    (unsigned long long)tail->omitted, (unsigned long long)tail->events,
	    (unsigned long long)tail->gaps, (unsigned long long)tail->connects);
	if (tail->cursor[0])
		buf_add_json_string(out, view_of(tail->cursor));
	else
		buf_add_text(out, "null");
	buf_add_char(out, '}');
}

static int
verdict_on_run(struct tail *tail)
{
	if (tail->expect.is_done && tail->err.message[0] == '\0') {
		ctl_printf(tail->ctl,
		    "%zu of %zu events arrived, in order, byte for byte\n",
		    tail->expect.matched, tail->expect.matched);
		return CTL_FINE;
	}
	if (tail->err.message[0])
		return ctl_fail(tail->ctl, CTL_FINDINGS, "mismatch", "%s: %s",
		    tail->err.where, tail->err.message);
	return ctl_fail(tail->ctl, CTL_FINDINGS, "incomplete",
	    "only the first %zu events of %s arrived", tail->expect.matched,
	    tail->expect_file);
}

static int
verdict(struct tail *tail, enum ws_client_end end)
{
	write_result(tail);
	if (tail->is_refused)
		return ctl_fail(tail->ctl, CTL_FINDINGS, "refused", "%s",
		    tail->err.message);
	if (end == WS_CLIENT_UNREACHABLE && tail->connects == 0) {
		ctl_fix(tail->ctl,
		    "--url names the relay's public listener, without the "
		    "path of an endpoint: does relayd listen there?");
		return ctl_fail(tail->ctl, CTL_UNREACHABLE, "unreachable",
		    "%s: %s", tail->url, tail->err.message);
	}
	if (tail->has_expect)
		return verdict_on_run(tail);
	return CTL_FINE;
}

static int
open_expect(struct tail *tail)
{
	if (!tail->expect_file)
		return 0;
	if (stream_expect_open(&tail->expect, tail->expect_file,
		&tail->endpoint->server, &tail->err) != 0)
		return ctl_fail(tail->ctl, CTL_INPUT, "input", "%s: %s",
		    tail->err.where, tail->err.message);
	tail->has_expect = true;
	return 0;
}

static int
run_tail(struct tail *tail, const char *show)
{
	json_doc_init(&tail->doc);
	buf_init(&tail->kept, 0);
	stream_view_init(
	    &tail->view, stdout, show, tail->endpoint->server.discriminator);
	if (tail->after)
		keep_cursor(tail, view_of(tail->after));
	int status = verdict(tail, follow(tail));
	stream_view_fini(&tail->view);
	buf_fini(&tail->kept);
	json_doc_fini(&tail->doc);
	return status;
}

/* Read for each connection; a file that is no good is found out before. */
static int
check_token(const struct tail *tail)
{
	struct buf token;
	int status = bearer_read(tail->ctl, tail->token_file, &token);
	buf_wipe(&token);
	return status;
}

int
cmd_stream_tail(struct ctl *ctl)
{
	struct tail tail = { .ctl = ctl, .url = "ws://127.0.0.1:8080" };
	const char *show = "";
	int status = parse(&tail, &show);
	if (status == 0)
		status = check_token(&tail);
	if (status == 0)
		status = open_expect(&tail);
	if (status == 0)
		status = run_tail(&tail, show);
	if (tail.has_expect)
		stream_expect_close(&tail.expect);
	contract_free(&tail.contract);
	return status;
}
