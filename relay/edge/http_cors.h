/* SPDX-License-Identifier: MIT */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

/*
 * A route that pages of other origins may call: who is on the list of origins
 * is told so, who is neither there nor at home is refused. The Fetch standard,
 * section 3.2 (CORS protocol).
 */

#include "http_routes.h"

/* Before the route's own answer, which will tell the page that it may be read.
 * True: the request is answered already, as a question for leave or because of
 * its origin. */
bool http_cors_settle(const struct http_routes *routes,
    struct http_exchange *exchange, const struct handshake *handshake);

#endif
