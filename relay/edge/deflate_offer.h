/* SPDX-License-Identifier: MIT */
#ifndef DEFLATE_OFFER_H
#define DEFLATE_OFFER_H

/*
 * permessage-deflate (RFC 7692): which of a client's offers we accept and what
 * we answer. Context takeover is refused on both sides, which an answer may do
 * whether or not it was offered, so that no connection needs a state of its
 * own. Pure: bytes in, terms out.
 */

#include "buf.h"

#include <stdint.h>

/* All zero: not negotiated. */
struct deflate_terms {
	bool is_agreed;
	/* server_max_window_bits as it was offered, 9 to 15; 0: it was not. No
	 * match in our frames may reach further back than 2^bits bytes. */
	uint8_t server_bits;
};

/* The first offer in the value of a Sec-WebSocket-Extensions field that can be
 * kept; without one *terms stays as it is. Not kept: an unknown, repeated or
 * malformed parameter, window bits outside 8 to 15, and server_max_window_bits
 * of 8, which zlib cannot do. A malformed field offers nothing. */
void deflate_choose(struct view field, struct deflate_terms *terms);

/* Of 2^bits bytes may the window be that we compress with; 0: not at all. */
uint8_t deflate_window_bits(const struct deflate_terms *terms);

/* The parameters of the answer, each with "; " in front. */
void deflate_answer(const struct deflate_terms *terms, struct buf *out);

#endif
