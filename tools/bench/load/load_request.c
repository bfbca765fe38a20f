/* SPDX-License-Identifier: MIT */
#include "load_request.h"

#include "load_template.h"

void
load_request_build(struct buf *out, const struct load_plan *plan,
    const struct load_url *url, unsigned stream)
{
	buf_clear(out);
	buf_add_text(out, "GET ");
	load_template(out, url->path, plan->place.run, stream, view_of(""));
	buf_addf(out,
	    " HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
	    url->authority);
	if (plan->protocol)
		buf_addf(out, "Sec-WebSocket-Protocol: %s\r\n", plan->protocol);
	if (plan->deflate)
		buf_add_text(out,
		    "Sec-WebSocket-Extensions: permessage-deflate; "
		    "server_no_context_takeover; "
		    "client_no_context_takeover\r\n");
	buf_add_text(out, "\r\n");
	buf_add_char(out, '\0');
}
