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

#include <strings.h>

struct origin {
	struct view scheme;
	struct view host;
	uint32_t port; /* 0: none known */
};

static uint32_t
default_port(struct view scheme)
{
	if (handshake_same_word(scheme, "http"))
		return 80;
	return handshake_same_word(scheme, "https") ? 443 : 0;
}

static bool
same_text(struct view a, struct view b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

/* An empty port is the default one. */
static bool
parse_port(struct view text, uint32_t *port_r)
{
	uint64_t port;
	if (text.len == 0)
		return true;
	if (!view_decimal(text, 5, &port))
		return false;
	*port_r = (uint32_t)port;
	return port > 0 && port <= 65535;
}

/* host[:port]; *port_r stays when there is none. */
static bool
parse_authority(struct view text, struct view *host_r, uint32_t *port_r)
{
	const char *colon = memchr(text.data, ':', text.len);
	if (text.len && text.data[0] == '[') {
		const char *close = memchr(text.data, ']', text.len);
		if (!close)
			return false;
		colon = close + 1 == text.data + text.len ? NULL : close + 1;
		if (colon && *colon != ':')
			return false;
	}
	size_t length = colon ? (size_t)(colon - text.data) : text.len;
	*host_r = view_make(text.data, length);
	if (length == 0)
		return false;
	return !colon ||
	    parse_port(view_make(colon + 1, text.len - length - 1), port_r);
}

static bool
parse_origin(struct view text, struct origin *origin_r)
{
	static const char mark[] = "://";
	const char *found =
	    text.len ? memmem(text.data, text.len, mark, 3) : NULL;
	if (!found || found == text.data)
		return false;
	origin_r->scheme = view_make(text.data, (size_t)(found - text.data));
	struct view rest =
	    view_make(found + 3, text.len - origin_r->scheme.len - 3);
	for (size_t i = 0; i < rest.len; i++) {
		if (strchr("/?#@ ,", rest.data[i]))
			return false;
	}
	origin_r->port = default_port(origin_r->scheme);
	return parse_authority(rest, &origin_r->host, &origin_r->port);
}

static bool
same_origin(const struct origin *a, const struct origin *b)
{
	return same_text(a->scheme, b->scheme) && same_text(a->host, b->host) &&
	    a->port == b->port;
}

static bool
scheme_agrees(const struct handshake *handshake, const struct origin *origin)
{
	struct view list = handshake->forwarded_proto;
	struct view proto;
	if (!handshake_next_item(&list, ',', &proto))
		return true;
	if (handshake_same_word(proto, "https") ||
	    handshake_same_word(proto, "wss"))
		return handshake_same_word(origin->scheme, "https");
	if (handshake_same_word(proto, "http") ||
	    handshake_same_word(proto, "ws"))
		return handshake_same_word(origin->scheme, "http");
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
	uint32_t port = default_port(origin->scheme);
	if (port == 0 || !scheme_agrees(handshake, origin))
		return false;
	struct view own = handshake->forwarded_host.len > 0
	    ? handshake->forwarded_host
	    : handshake->host;
	return own.len > 0 && parse_authority(own, &host, &port) &&
	    same_text(host, origin->host) && port == origin->port;
}

static bool
is_listed(const struct origin *origin, const struct view *origins, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct origin known;
		if (parse_origin(origins[i], &known) &&
		    same_origin(&known, origin))
			return true;
	}
	return false;
}

bool
handshake_origin_listed(
    const struct handshake *handshake, const struct view *origins, size_t count)
{
	struct origin origin;
	return parse_origin(handshake->origin, &origin) &&
	    is_listed(&origin, origins, count);
}

bool
handshake_origin_allowed(
    const struct handshake *handshake, const struct view *origins, size_t count)
{
	struct origin origin;
	if (!handshake->origin.data)
		return true;
	return parse_origin(handshake->origin, &origin) &&
	    (is_listed(&origin, origins, count) ||
		is_own_host(handshake, &origin));
}
