/* SPDX-License-Identifier: MIT */

/* What follows from a head that was read: what an upgrade misses, and the
 * request of our own making that libwebsockets gets to see instead. */

#include "handshake.h"

#include "handshake_parts.h"

static void
add_missing(struct buf *out, size_t start, const char *name)
{
	if (out->len > start)
		buf_add_text(out, ", ");
	buf_add_text(out, name);
}

void
handshake_missing(const struct handshake *handshake, struct buf *out)
{
	size_t start = out->len;
	if (!handshake->wants_upgrade)
		add_missing(out, start, "Upgrade");
	if (!handshake->connection_upgrade)
		add_missing(out, start, "Connection");
	if (!handshake->version_13)
		add_missing(out, start, "Sec-WebSocket-Version");
	if (!view_is(handshake->version, "HTTP/1.1"))
		add_missing(out, start, "HTTP/1.1");
}

void
handshake_canonical(
    const struct handshake *handshake, bool deflate, struct buf *out)
{
	buf_add_text(out,
	    "GET / HTTP/1.1\r\n"
	    "Host: relay\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: ");
	buf_add(out, handshake->key);
	buf_add_text(out, "\r\n");
	if (handshake->offers_relay_v1)
		buf_add_text(out, "Sec-WebSocket-Protocol: relay.v1\r\n");
	if (deflate && handshake->deflate.is_agreed) {
		buf_add_text(
		    out, "Sec-WebSocket-Extensions: permessage-deflate");
		deflate_answer(&handshake->deflate, out);
		buf_add_text(out, "\r\n");
	}
	buf_add_text(out, "\r\n");
}
