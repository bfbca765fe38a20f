/* SPDX-License-Identifier: MIT */

/* What proxies say of their clients. The first byte chooses: the PROXY header
 * (a verdict never changes as more bytes come, and what it names can be read
 * again), or lists of X-Forwarded-For (the client is the peer or stands in
 * them). */

#include "proxy_header.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(fact)               \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

static void
check_readable(const struct address *address)
{
	char text[ADDRESS_TEXT];
	struct address again;

	address_print(address, text);
	if (address->kind != ADDRESS_IP)
		return;
	must(address_parse(view_of(text), &again) == 0);
	must(address_is_equal(address, &again));
}

static void
check_header(struct view bytes)
{
	struct proxy_header whole;
	struct proxy_header part;
	enum proxy_header_state state = proxy_header_parse(bytes, &whole);

	if (state == PROXY_COMPLETE) {
		must(whole.length > 0 && whole.length <= bytes.len);
		must(whole.length <= PROXY_HEADER_MAX);
		check_readable(&whole.client);
	}
	must(state != PROXY_MORE || bytes.len < PROXY_HEADER_MAX);
	for (size_t len = 0; len < bytes.len; len += bytes.len / 64 + 1) {
		enum proxy_header_state before =
		    proxy_header_parse(view_make(bytes.data, len), &part);
		must(before == PROXY_MORE || before == state);
		if (before == PROXY_COMPLETE)
			must(part.length == whole.length);
		if (state == PROXY_COMPLETE && len < whole.length)
			must(before == PROXY_MORE);
	}
}

static void
check_lists(struct view bytes)
{
	struct network trusted[2];
	struct error err;
	struct address peer;
	struct view lists[2];
	const char *cut =
	    bytes.len ? memchr(bytes.data, '\n', bytes.len) : NULL;
	size_t first = cut ? (size_t)(cut - bytes.data) : bytes.len;

	must(network_parse("10.0.0.0/8", &trusted[0], &err) == 0);
	must(network_parse("unix", &trusted[1], &err) == 0);
	must(address_parse(view_of("10.0.0.1"), &peer) == 0);
	lists[0] = view_make(bytes.data, first);
	lists[1] =
	    view_make(cut ? cut + 1 : NULL, cut ? bytes.len - first - 1 : 0);
	struct address client =
	    address_behind(trusted, 2, &peer, lists, cut ? 2 : 1);
	must(client.kind == ADDRESS_IP);
	check_readable(&client);
	client = address_behind(trusted, 0, &peer, lists, cut ? 2 : 1);
	must(address_is_equal(&client, &peer));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] & 1)
		check_lists(view_make(data + 1, size - 1));
	else
		check_header(view_make(data + 1, size - 1));
	return 0;
}
