/* SPDX-License-Identifier: MIT */
#ifndef BUF_H
#define BUF_H

/*
 * A growing byte buffer with a sticky error: appends after the limit is hit do
 * nothing, and the writer asks buf_ok() once at the end. Ten appends read as
 * ten lines. Embedded in its owner: buf_init / buf_fini.
 */

#include "view.h"

#include <stdint.h>

struct buf {
	char *data;
	size_t len;
	size_t capacity;
	size_t limit; /* bytes; 0 = none */
	bool failed;  /* an append went over the limit */
};

void buf_init(struct buf *buf, size_t limit);
void buf_fini(struct buf *buf);
void buf_wipe(struct buf *buf);  /* buf_fini; overwrites what it held */
void buf_clear(struct buf *buf); /* empties, keeps the memory, clears failed */

void buf_add(struct buf *buf, struct view bytes);
void buf_add_text(struct buf *buf, const char *text);
void buf_add_char(struct buf *buf, char byte);
void buf_add_u64(struct buf *buf, uint64_t number); /* decimal */
void buf_addf(struct buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A JSON string in double quotes: escapes ", \ and control characters; every
 * other byte as it is (the caller's bytes are UTF-8, or are made so: invalid
 * sequences become U+FFFD). RFC 8259 section 7. */
void buf_add_json_string(struct buf *buf, struct view text);
/* A name as a JSON pointer has it: ~0 and ~1 for ~ and /. RFC 6901 section 3. */
void buf_add_token(struct buf *buf, struct view name);

/* Room for `size` more bytes; returns where they go, NULL when over the limit.
 * buf->len is moved by the caller. Good until the next append. */
char *buf_reserve(struct buf *buf, size_t size);

/* What was written; good until the next append, clear or fini. */
static inline struct view
buf_view(const struct buf *buf)
{
	return view_make(buf->data, buf->len);
}

static inline bool
buf_ok(const struct buf *buf)
{
	return !buf->failed;
}

#endif
