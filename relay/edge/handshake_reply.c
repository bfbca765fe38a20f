/* SPDX-License-Identifier: MIT */

/* What follows from a head that was read: what an upgrade misses, or the answer
 * that makes a WebSocket of it. */

#include "handshake.h"

#include "handshake_parts.h"

#include <openssl/evp.h>
#include <openssl/sha.h>

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

/* RFC 6455 section 4.2.2: proves that we are no other kind of server. */
static void
add_accept(struct view key, struct buf *out)
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	unsigned char digest[SHA_DIGEST_LENGTH];
	unsigned char text[4 * ((SHA_DIGEST_LENGTH + 2) / 3) + 1];
	struct buf both;

	buf_init(&both, 0);
	buf_add(&both, key);
	buf_add_text(&both, guid);
	SHA1((const unsigned char *)both.data, both.len, digest);
	buf_fini(&both);
	EVP_EncodeBlock(text, digest, sizeof(digest));
	buf_add_text(out, "Sec-WebSocket-Accept: ");
	buf_add_text(out, (const char *)text);
	buf_add_text(out, "\r\n");
}

bool
handshake_accept(
    const struct handshake *handshake, bool deflate, struct buf *out)
{
	bool is_deflated = deflate && handshake->deflate.is_agreed;

	buf_add_text(out,
	    "HTTP/1.1 101 Switching Protocols\r\n"
	    "Upgrade: websocket\r\n"
	    "Connection: Upgrade\r\n");
	add_accept(handshake->key, out);
	if (handshake->offers_relay_v1)
		buf_add_text(out, "Sec-WebSocket-Protocol: relay.v1\r\n");
	if (is_deflated) {
		buf_add_text(
		    out, "Sec-WebSocket-Extensions: permessage-deflate");
		deflate_answer(&handshake->deflate, out);
		buf_add_text(out, "\r\n");
	}
	buf_add_text(out, "\r\n");
	return is_deflated;
}
