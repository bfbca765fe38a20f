/* SPDX-License-Identifier: MIT */
#include "origin.h"

#include <string.h>
#include <strings.h>

static bool
same_text(struct view a, struct view b)
{
	return a.len == b.len && strncasecmp(a.data, b.data, a.len) == 0;
}

uint32_t
origin_default_port(struct view scheme)
{
	if (same_text(scheme, view_of("http")))
		return 80;
	return same_text(scheme, view_of("https")) ? 443 : 0;
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

bool
origin_parse_authority(struct view text, struct view *host_r, uint32_t *port_r)
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

bool
origin_parse(struct view text, struct origin *origin_r)
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
	origin_r->port = origin_default_port(origin_r->scheme);
	return origin_parse_authority(rest, &origin_r->host, &origin_r->port);
}

bool
origin_has_scheme(const struct origin *origin, const char *scheme)
{
	return same_text(origin->scheme, view_of(scheme));
}

bool
origin_has_host(const struct origin *origin, struct view host, uint32_t port)
{
	return same_text(host, origin->host) && port == origin->port;
}

bool
origin_is_same(const struct origin *a, const struct origin *b)
{
	return same_text(a->scheme, b->scheme) &&
	    origin_has_host(a, b->host, b->port);
}
