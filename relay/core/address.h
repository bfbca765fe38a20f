/* SPDX-License-Identifier: MIT */
#ifndef ADDRESS_H
#define ADDRESS_H

/*
 * Addresses of peers and networks of addresses, as values: IPv4 (kept as IPv6,
 * ::ffff:a.b.c.d), IPv6, a Unix socket, or not known. And who a client is when
 * proxies stand in front. Pure: texts in, values out; no sockets, no names.
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

enum address_kind { ADDRESS_UNKNOWN, ADDRESS_UNIX, ADDRESS_IP };

struct address {
	uint8_t bytes[16]; /* of ADDRESS_IP; else all 0 */
	uint8_t kind;
};

#define ADDRESS_TEXT 48

void address_of_ip4(const uint8_t bytes[4], struct address *address_r);
void address_of_ip6(const uint8_t bytes[16], struct address *address_r);
/* "10.1.2.3", "::1", "[::1]", each also with a port behind it. -1: it is none,
 * and *address_r is not known. */
int address_parse(struct view text, struct address *address_r);
/* As people write it; "unix" and "unknown" for the others. */
void address_print(const struct address *address, char text[ADDRESS_TEXT]);
bool address_is_equal(const struct address *one, const struct address *other);
/* Whoever has one IPv6 address has a /64 of them: its first. */
struct address address_block(const struct address *address);

struct network {
	struct address first;
	unsigned bits; /* 0 to 128 */
};

/* "10.0.0.0/8", "fd00::/8", one address, or "unix". -1: err->message. */
int network_parse(
    const char *text, struct network *network_r, struct error *err);
bool network_has(const struct network *networks, size_t count,
    const struct address *address);

/* The client behind `peer`: what stands in the lists of X-Forwarded-For (in
 * the order of the fields), read from the right, is believed as far as those
 * who wrote it are in `trusted`. What is no address ends it there. */
struct address address_behind(const struct network *trusted, size_t count,
    const struct address *peer, const struct view *lists, size_t list_count);

#endif
