/* SPDX-License-Identifier: MIT */
#ifndef FETCH_H
#define FETCH_H

/*
 * One small document from a URL, by a child process (relay-fetch) that is ended
 * when it takes too long. The relay, which reads what strangers send, may not
 * start programs; the child is started by a keeper, forked before that right is
 * given up, which hands the document over. On the main thread's loop; one
 * document at a time.
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

#define FETCH_MAX     65536 /* bytes of the document */
#define FETCH_URL_MAX 4096
#define FETCH_MS      2000

/* How it ended; also the child's exit codes. */
enum fetch_end {
	FETCH_FINE = 0,
	FETCH_URL = 10,
	FETCH_DNS,
	FETCH_REFUSED,
	FETCH_TIMEOUT,
	FETCH_TLS,
	FETCH_STATUS,
	FETCH_TOO_LARGE,
	FETCH_PROTOCOL,
	FETCH_NO_PROGRAM
};

/* What the keeper is sent, with a URL behind it; and what it sends, with a
 * document. */
struct fetch_order {
	uint32_t size; /* at most FETCH_URL_MAX */
};
struct fetch_result {
	uint32_t end;  /* enum fetch_end */
	uint32_t size; /* at most FETCH_MAX */
};

struct uv_loop_s;
struct fetch;

/* `document` is good for the call, and empty unless FETCH_FINE. */
typedef void fetch_done_fn(void *arg, enum fetch_end end, struct view document);

/* Forks the keeper: before there are threads and before the sandbox. */
struct fetch *fetch_new(struct uv_loop_s *loop, fetch_done_fn *done, void *arg);
/* Ends one that is under way without a word, and the keeper. The memory goes
 * when libuv has closed the handles. */
void fetch_free(struct fetch **fetch);
/* Not while one is under way. `done` is called from the loop, exactly once. */
void fetch_start(struct fetch *fetch, const char *url);
bool fetch_is_under_way(const struct fetch *fetch);
/* A fixed word for each end. */
const char *fetch_end_name(enum fetch_end end);

#endif
