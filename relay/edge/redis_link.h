/* SPDX-License-Identifier: MIT */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

/*
 * One connection to Redis on a libuv loop: connects, authenticates, selects
 * the database, reconnects for ever with capped back-off and jitter, and gives
 * each command a deadline. hiredis stays behind redis_wire and redis_value_*.
 * Own libuv adapter (the packaged one has no timeouts and ignores poll errors).
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

struct uv_loop_s;
struct redis_link;
struct redis_value;

/* Where Redis is, parsed from a URL (wire.md, --redis). Plain data; secrets in
 * it are wiped by redis_target_fini. */
struct redis_target {
	char *host; /* NULL for a Unix socket */
	uint16_t port;
	char *socket_path; /* NULL for TCP */
	char *user;        /* NULL: none */
	char *password;    /* NULL: none */
	int database;
};
/* redis://[user:pass@]host:port/db or unix:PATH. -1: what is wrong; the
 * schemes rediss, sentinel and cluster are refused by name for now. */
int redis_target_parse(
    struct redis_target *target, struct view url, struct error *err);
void redis_target_fini(struct redis_target *target);
/* Would it be parsed? */
int redis_target_check(struct view url, struct error *err);
/* The URL without user and password, for people. */
void redis_target_print(
    const struct redis_target *target, char *text, size_t size);

enum redis_type {
	REDIS_NIL,
	REDIS_INTEGER,
	REDIS_TEXT, /* bulk and simple strings */
	REDIS_ERROR,
	REDIS_ARRAY
};
/* Good for the length of the callback. Out of range or another type: NULL,
 * empty view, 0. */
enum redis_type redis_value_type(const struct redis_value *value);
struct view redis_value_text(const struct redis_value *value);
int64_t redis_value_integer(const struct redis_value *value);
size_t redis_value_count(const struct redis_value *value);
const struct redis_value *redis_value_at(
    const struct redis_value *value, size_t index);
/* Of an error answer that says what is wrong with the server or our rights:
 * loading, readonly, auth, noperm, refused. NULL for ordinary errors and for
 * answers that are none. All but noperm also make the link reconnect. */
const char *redis_error_reason(const struct redis_value *value);
/* The same of those errors after which the link connects anew; NULL for noperm,
 * too. */
const char *redis_error_fatal(const struct redis_value *value);

/* The answer to one command; NULL when the link was lost or the deadline
 * passed (then the link is closed and connects anew: a late answer must never
 * be taken for the next one). Called exactly once per command, never from
 * inside redis_link_command. */
typedef void redis_answer_fn(void *arg, const struct redis_value *answer);

struct redis_link_ops {
	/* Connected, authenticated, selected: commands may be sent. */
	void (*up)(void *arg);
	/* Lost, or a first connect failed; reason from the fixed list refused,
	 * timeout, dns, auth, loading, readonly, protocol, closed, noperm. */
	void (*down)(void *arg, const char *reason);
	/* A Pub/Sub message (after redis_link_subscribe): payload as it is. */
	void (*push)(void *arg, const struct redis_value *payload);
};

struct redis_link_options {
	const char *name;        /* CLIENT SETNAME, and in logs */
	unsigned connect_ms;     /* 2000 */
	unsigned command_ms;     /* default deadline, 5000 */
	unsigned backoff_min_ms; /* 100 */
	unsigned backoff_max_ms; /* 1500 */
	unsigned ping_ms;        /* PING when quiet this long; 0 = never */
};

/* `target` is borrowed for the link's life. The process must ignore SIGPIPE. */
struct redis_link *redis_link_new(struct uv_loop_s *loop,
    const struct redis_target *target, const struct redis_link_options *options,
    const struct redis_link_ops *ops, void *arg);
void redis_link_start(struct redis_link *link);
/* Closes without a word to ops->down and stays closed until started again;
 * answers every command under way with NULL. */
void redis_link_stop(struct redis_link *link);
/* Closes now; answers every command under way with NULL (not after free). The
 * memory goes when libuv has closed the handles. */
void redis_link_free(struct redis_link **link);
/* Drop the connection and connect anew (after back-off). */
void redis_link_reset(struct redis_link *link, const char *reason);
bool redis_link_is_up(const struct redis_link *link);

/* argv as views: always sent with lengths, never formatted. Written once a
 * loop turn. deadline_ms 0 = the default, which is moved while bytes come (at
 * most twelvefold); any other is kept to the millisecond. -1 when the link is
 * down (no answer will come). */
int redis_link_command(struct redis_link *link, const struct view *argv,
    size_t argc, unsigned deadline_ms, redis_answer_fn *answer, void *arg);
/* What was asked so far goes out now: Redis works on it while this turn goes
 * on. No answer and no loss is told from inside. */
void redis_link_hurry(struct redis_link *link);
/* Answers are left where they are until it is held no longer. A link that
 * connects anew is not held. */
void redis_link_hold(struct redis_link *link, bool is_held);
/* What came while it was held, as the loop would bring it: answers and pushes,
 * or that it is lost. It stays held. */
void redis_link_hear(struct redis_link *link);
/* SUBSCRIBE; the answer comes when it is confirmed; messages go to ops->push
 * until the link is lost. */
int redis_link_subscribe(struct redis_link *link, struct view channel,
    redis_answer_fn *answer, void *arg);

uint64_t redis_link_reconnects(const struct redis_link *link);
/* Microseconds of the last round trip; 0 = none yet. */
uint64_t redis_link_latency_us(const struct redis_link *link);
/* Commands under way. */
size_t redis_link_pending(const struct redis_link *link);

#endif
