/* SPDX-License-Identifier: MIT */
#ifndef WS_DEFLATE_H
#define WS_DEFLATE_H

/*
 * permessage-deflate (RFC 7692) for one message at a time: nothing is kept
 * from one to the next, so one deflater and one inflater serve any number of
 * connections, and a frame that was compressed once is good for all of them.
 * What was negotiated is deflate_offer.h's matter.
 */

#include "view.h"

#include <stdint.h>

struct ws_deflater;
struct ws_inflater;

/* No match reaches further back than 2^window_bits bytes (9 to 15): good for
 * every peer that was promised as much or more. */
struct ws_deflater *ws_deflater_new(unsigned window_bits);
void ws_deflater_free(struct ws_deflater **deflater);

/* `frame` is one whole unmasked frame (ws_frame.h). Writes the frame that says
 * the same compressed, with RSV1, or a copy if that would not be shorter.
 * Returns its bytes, never more than frame.len, which is the room at `out`. */
size_t ws_deflate_frame(
    struct ws_deflater *deflater, struct view frame, char *out);

enum ws_inflate_result {
	WS_INFLATE_OK,
	WS_INFLATE_INVALID,  /* no deflate stream, or not all of it: 1007 */
	WS_INFLATE_TOO_LARGE /* more than max_bytes come out of it: 1009 */
};

struct ws_inflater *ws_inflater_new(void);
void ws_inflater_free(struct ws_inflater **inflater);

/* `payload`: of all frames of a compressed message together. *message_r is
 * good until the next call. Takes memory for max_bytes at most, and keeps
 * little of it. */
enum ws_inflate_result ws_inflate(struct ws_inflater *inflater,
    struct view payload, size_t max_bytes, struct view *message_r);

#endif
