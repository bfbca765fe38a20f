/* SPDX-License-Identifier: MIT */
#include "proxy_header.h"

#include <stdint.h>

#define LINE_MAX_V1   107
#define HEAD_V2       16
#define COMMAND_LOCAL 0x20
#define COMMAND_PROXY 0x21
#define FAMILY_UNSPEC 0x0
#define FAMILY_INET   0x1
#define FAMILY_INET6  0x2
#define FAMILY_UNIX   0x3
#define DATAGRAM      0x2

static const char begin_v1[] = "PROXY ";
static const char begin_v2[] = "\r\n\r\n\0\r\nQUIT\n";

/* --- version 1: PROXY TCP4 192.0.2.1 192.0.2.2 1111 443 --- */

static bool
next_word(struct view *line, struct view *word_r)
{
	const char *space =
	    line->len ? memchr(line->data, ' ', line->len) : NULL;
	size_t len = space ? (size_t)(space - line->data) : line->len;

	*word_r = view_make(line->data, len);
	*line = view_make(line->data + len + (space ? 1 : 0),
	    line->len - len - (space ? 1 : 0));
	return len > 0;
}

static bool
is_port(struct view word)
{
	uint64_t port;

	return view_decimal(word, 5, &port) && port <= 65535;
}

/* An address of this family and nothing around it. */
static bool
is_address(struct view word, bool is_ip6, struct address *address_r)
{
	bool has_colon =
	    word.len > 0 && memchr(word.data, ':', word.len) != NULL;

	return has_colon == is_ip6 && word.len > 0 && word.data[0] != '[' &&
	    address_parse(word, address_r) == 0;
}

static bool
parse_addresses(struct view line, bool is_ip6, struct address *client_r)
{
	struct address own;
	struct view words[4];

	if (line.len == 0 || line.data[line.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < 4; i++) {
		if (!next_word(&line, &words[i]))
			return false;
	}
	return line.len == 0 && is_address(words[0], is_ip6, client_r) &&
	    is_address(words[1], is_ip6, &own) && is_port(words[2]) &&
	    is_port(words[3]);
}

static bool
parse_line(struct view line, struct address *client_r)
{
	struct view family;

	*client_r = (struct address){ .kind = ADDRESS_UNKNOWN };
	if (!next_word(&line, &family))
		return false;
	if (view_is(family, "UNKNOWN"))
		return true; /* whatever follows is to be ignored */
	if (view_is(family, "TCP4"))
		return parse_addresses(line, false, client_r);
	return view_is(family, "TCP6") && parse_addresses(line, true, client_r);
}

static enum proxy_header_state
parse_v1(struct view bytes, struct proxy_header *header_r)
{
	size_t begin = sizeof(begin_v1) - 1;
	size_t end = 0;

	while (
	    end < bytes.len && bytes.data[end] >= ' ' && bytes.data[end] <= '~')
		end++;
	if (end + 2 > LINE_MAX_V1 ||
	    (end < bytes.len && bytes.data[end] != '\r') ||
	    (end + 1 < bytes.len && bytes.data[end + 1] != '\n'))
		return PROXY_BAD;
	if (end + 1 >= bytes.len)
		return PROXY_MORE;
	header_r->length = end + 2;
	return parse_line(view_make(bytes.data + begin, end - begin),
		   &header_r->client)
	    ? PROXY_COMPLETE
	    : PROXY_BAD;
}

/* --- version 2 --- */

/* Two addresses and two ports. */
static const size_t needed[] = {
	[FAMILY_UNSPEC] = 0,
	[FAMILY_INET] = 12,
	[FAMILY_INET6] = 36,
	[FAMILY_UNIX] = 216,
};

static void
take_client(const uint8_t *bytes, unsigned family, struct address *client_r)
{
	switch (family) {
	case FAMILY_INET:
		address_of_ip4(bytes, client_r);
		break;
	case FAMILY_INET6:
		address_of_ip6(bytes, client_r);
		break;
	case FAMILY_UNIX:
		client_r->kind = ADDRESS_UNIX;
		break;
	default:
		break;
	}
}

/* Command and family, as far as they have come. */
static bool
is_head_fine(const uint8_t *bytes, size_t len)
{
	if (len > 12 && bytes[12] != COMMAND_LOCAL &&
	    bytes[12] != COMMAND_PROXY)
		return false;
	return len <= 13 ||
	    (bytes[13] >> 4 <= FAMILY_UNIX && (bytes[13] & 0xf) <= DATAGRAM);
}

static enum proxy_header_state
parse_v2(struct view text, struct proxy_header *header_r)
{
	const uint8_t *bytes = (const uint8_t *)text.data;
	size_t announced;
	unsigned family;

	if (!is_head_fine(bytes, text.len))
		return PROXY_BAD;
	if (text.len < HEAD_V2)
		return PROXY_MORE;
	announced = (size_t)(bytes[14] << 8 | bytes[15]);
	family = bytes[12] == COMMAND_PROXY ? bytes[13] >> 4 : FAMILY_UNSPEC;
	if (announced > PROXY_HEADER_MAX - HEAD_V2 ||
	    announced < needed[family])
		return PROXY_BAD;
	if (text.len < HEAD_V2 + announced)
		return PROXY_MORE;
	header_r->length = HEAD_V2 + announced;
	take_client(bytes + HEAD_V2, family, &header_r->client);
	return PROXY_COMPLETE;
}

static bool
begins_with(struct view bytes, const char *text, size_t len)
{
	return memcmp(bytes.data, text, bytes.len < len ? bytes.len : len) == 0;
}

enum proxy_header_state
proxy_header_parse(struct view bytes, struct proxy_header *header_r)
{
	*header_r = (struct proxy_header){ .length = 0 };
	if (bytes.len == 0)
		return PROXY_MORE;
	if (begins_with(bytes, begin_v2, sizeof(begin_v2) - 1))
		return bytes.len < sizeof(begin_v2) - 1
		    ? PROXY_MORE
		    : parse_v2(bytes, header_r);
	if (begins_with(bytes, begin_v1, sizeof(begin_v1) - 1))
		return bytes.len < sizeof(begin_v1) - 1
		    ? PROXY_MORE
		    : parse_v1(bytes, header_r);
	return PROXY_BAD;
}
