/* SPDX-License-Identifier: MIT */
#ifndef ORIGIN_H
#define ORIGIN_H

/* Origins (RFC 6454): SCHEME://HOST[:PORT] and nothing behind it. Pure. */

#include "view.h"

struct origin {
	struct view scheme; /* borrowed, like host, from the text */
	struct view host;
	uint32_t port; /* 0: none known */
};

/* false: no origin, or an opaque one ("null"). */
bool origin_parse(struct view text, struct origin *origin_r);

/* host[:port]; *port_r stays when there is none. false: it is neither. */
bool origin_parse_authority(
    struct view text, struct view *host_r, uint32_t *port_r);

/* Of http and https; else 0. */
uint32_t origin_default_port(struct view scheme);

/* Without regard to upper and lower case. */
bool origin_has_scheme(const struct origin *origin, const char *scheme);
bool origin_has_host(
    const struct origin *origin, struct view host, uint32_t port);
bool origin_is_same(const struct origin *a, const struct origin *b);

#endif
