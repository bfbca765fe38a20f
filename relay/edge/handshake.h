/* SPDX-License-Identifier: MIT */
#ifndef HANDSHAKE_H
#define HANDSHAKE_H

/*
 * The gate: the head of an HTTP request, judged byte by byte; no library sees
 * it. Pure: bytes in, verdict out; no sockets, no clock. RFC 9112, RFC 6455
 * section 4.2.
 */

#include "deflate_offer.h"
#include "origin.h"

#include <stdint.h>

#define HANDSHAKE_HEAD_MAX      8192
#define HANDSHAKE_FORWARDED_MAX 4

struct handshake {
	/* All views point into the head. */
	struct view method, target, path, query, version;
	struct view host, origin, authorization, key, protocols, traceparent;
	struct view accept;
	/* X-Forwarded-For: the last fields, in their order; -Proto, -Host: the
	 * last field. Words of proxies or of the client's own: see
	 * handshake_trust. */
	struct view forwarded_for[HANDSHAKE_FORWARDED_MAX];
	size_t forwarded_for_count;
	struct view forwarded_proto, forwarded_host;
	bool wants_upgrade; /* Upgrade: websocket (any case, in the list) */
	bool has_upgrade;   /* any Upgrade header */
	bool connection_upgrade; /* Connection lists "upgrade" */
	bool has_body;           /* Content-Length > 0 or Transfer-Encoding */
	bool offers_relay_v1;    /* Sec-WebSocket-Protocol lists relay.v1 */
	struct view ticket;      /* from ticket.<T>, else empty */
	bool offers_protocols;   /* any Sec-WebSocket-Protocol */
	struct deflate_terms deflate; /* what its offers come to */
	bool version_13;
	bool key_valid;     /* 24 characters, base64 of 16 bytes */
	size_t head_length; /* bytes up to and including the empty line */
};

enum handshake_state {
	HANDSHAKE_MORE,     /* no empty line yet */
	HANDSHAKE_COMPLETE, /* *handshake_r is filled */
	HANDSHAKE_BAD       /* answer status_r and close */
};

/* *status_r: 400 (bare LF, folded or malformed header, NUL or control bytes,
 * two Host or none on 1.1, two keys, CL and TE, no known HTTP version, bad
 * target with .. or %00 …), 405 (CONNECT, TRACE, OPTIONS *), 431 (head over the
 * limit, over 100 fields, target over 4,800 bytes). Other methods are the
 * route's matter; HTTP/1.0 and a Sec-WebSocket-Version that is not one "13" are
 * handshake_missing's. 0-status means drop without an answer (TLS hello, h2
 * preface, PROXY line: first bytes that are no HTTP request line). Judged as
 * the bytes come: HANDSHAKE_BAD does not wait for the empty line. Bytes behind
 * the head are not looked at. *reason_r is static text. */
enum handshake_state handshake_parse(struct view head,
    struct handshake *handshake_r, int *status_r, const char **reason_r);

/* The same with another limit for the head than HANDSHAKE_HEAD_MAX. */
enum handshake_state handshake_parse_within(struct view head, size_t max,
    struct handshake *handshake_r, int *status_r, const char **reason_r);

/* Forgets what X-Forwarded-Proto and -Host say unless they come from a trusted
 * proxy, and makes them what the origin is compared with: of a list the last
 * item, which the proxy that we know wrote itself. `is_tls`: the client came by
 * TLS as far as we see. */
void handshake_trust(struct handshake *handshake, bool is_trusted, bool is_tls);

/* What a valid upgrade misses, for 426: names joined with ", " ("Upgrade",
 * "Connection", "Sec-WebSocket-Version", "HTTP/1.1"), empty when nothing. */
void handshake_missing(const struct handshake *handshake, struct buf *out);

/* The answer to an upgrade that misses nothing: 101, with protocol relay.v1 if
 * that was offered; with permessage-deflate if `deflate` and an offer can be
 * kept. Returns whether it was. RFC 6455 section 4.2.2. */
bool handshake_accept(
    const struct handshake *handshake, bool deflate, struct buf *out);

/* Is this Origin on the list? */
bool handshake_origin_listed(const struct handshake *handshake,
    const struct origin *origins, size_t count);
/* Is this Origin the same host as Host, or on the list? Absent Origin: yes.
 * "null": no. Exact scheme, host and port. */
bool handshake_origin_allowed(const struct handshake *handshake,
    const struct origin *origins, size_t count);

#endif
