/* SPDX-License-Identifier: MIT */
#ifndef LOAD_INFLATE_H
#define LOAD_INFLATE_H

/*
 * Compressed messages (RFC 7692, no context takeover) back to text, with zlib
 * alone: the relay's own code is not asked. A server that compresses once for
 * all sends the same bytes to every subscriber; they are inflated once and
 * compared from then on, byte by byte, so that every message is verified and
 * the client stays quick. One for all connections of a run.
 */

#include "view.h"

#include <stdint.h>

#define LOAD_INFLATED_MAX (1u << 20) /* longest message, inflated */

struct load_inflate;

struct load_inflate *load_inflate_new(void);
void load_inflate_free(struct load_inflate **inflate);

/* The text of one message, good until the next call. -1: it is no deflate
 * stream, not all of one, or longer than LOAD_INFLATED_MAX. */
int load_inflate(
    struct load_inflate *inflate, struct view payload, struct view *text_r);

/* Messages that zlib was asked for; the rest were the same bytes again. */
uint64_t load_inflate_count(const struct load_inflate *inflate);

#endif
