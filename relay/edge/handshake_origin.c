/* SPDX-License-Identifier: MIT */

/*
 * Origin against Host, or against the list (RFC 6454). Where it is known
 * whether the client came by TLS (it did so to us, or a trusted proxy says it
 * in X-Forwarded-Proto) the scheme must agree; else the port that a Host leaves
 * out is the default of the Origin's own scheme. What a trusted proxy says in
 * X-Forwarded-Host stands for Host.
 */

#include "handshake.h"

#include "handshake_parts.h"

static bool
scheme_agrees(const struct handshake *handshake, const struct origin *origin)
{
	struct view list = handshake->forwarded_proto;
	struct view proto;
	if (!handshake_next_item(&list, ',', &proto))
		return true;
	if (handshake_same_word(proto, "https") ||
	    handshake_same_word(proto, "wss"))
		return origin_has_scheme(origin, "https");
	if (handshake_same_word(proto, "http") ||
	    handshake_same_word(proto, "ws"))
		return origin_has_scheme(origin, "http");
	return true;
}

static struct view
last_item(struct view list)
{
	struct view last = view_make(NULL, 0);
	struct view item;
	while (handshake_next_item(&list, ',', &item))
		last = item;
	return last;
}

void
handshake_trust(struct handshake *handshake, bool is_trusted, bool is_tls)
{
	struct view none = view_make(NULL, 0);
	struct view proto =
	    is_trusted ? last_item(handshake->forwarded_proto) : none;
	if (proto.len == 0)
		proto = is_tls ? view_of("https") : none;
	handshake->forwarded_proto = proto;
	handshake->forwarded_host =
	    is_trusted ? last_item(handshake->forwarded_host) : none;
}

static bool
is_own_host(const struct handshake *handshake, const struct origin *origin)
{
	struct view host;
	uint32_t port = origin_default_port(origin->scheme);
	if (port == 0 || !scheme_agrees(handshake, origin))
		return false;
	struct view own = handshake->forwarded_host.len > 0
	    ? handshake->forwarded_host
	    : handshake->host;
	return own.len > 0 && origin_parse_authority(own, &host, &port) &&
	    origin_has_host(origin, host, port);
}

static bool
is_listed(
    const struct origin *origin, const struct origin *origins, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (origin_is_same(&origins[i], origin))
			return true;
	return false;
}

bool
handshake_origin_listed(const struct handshake *handshake,
    const struct origin *origins, size_t count)
{
	struct origin origin;
	return origin_parse(handshake->origin, &origin) &&
	    is_listed(&origin, origins, count);
}

bool
handshake_origin_allowed(const struct handshake *handshake,
    const struct origin *origins, size_t count)
{
	struct origin origin;
	if (!handshake->origin.data)
		return true;
	return origin_parse(handshake->origin, &origin) &&
	    (is_listed(&origin, origins, count) ||
		is_own_host(handshake, &origin));
}
