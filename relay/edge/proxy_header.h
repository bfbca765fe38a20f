/* SPDX-License-Identifier: MIT */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

/*
 * The header by which a proxy says for whom it connects, before any other
 * byte: the PROXY protocol of HAProxy, versions 1 (a line of text) and 2
 * (binary). Pure: bytes in, verdict out.
 */

#include "address.h"

/* Longer ones are refused: a line has at most 107 bytes; in the binary form
 * addresses need 232, the rest are extensions that are skipped. */
#define PROXY_HEADER_MAX 4096

struct proxy_header {
	size_t length; /* bytes up to what the client says itself */
	/* Not known when the proxy speaks for itself (LOCAL) or does not say
	 * (UNKNOWN, UNSPEC): then the peer of the socket is the client. */
	struct address client;
};

enum proxy_header_state { PROXY_MORE, PROXY_COMPLETE, PROXY_BAD };

/* A verdict does not change as more bytes come; BAD comes with the first byte
 * that can be none of the header. */
enum proxy_header_state proxy_header_parse(
    struct view bytes, struct proxy_header *header_r);

#endif
