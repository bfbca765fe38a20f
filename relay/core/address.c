/* SPDX-License-Identifier: MIT */
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#define HOPS_MAX    32 /* entries of X-Forwarded-For that are looked at */
#define IP4_OFFSET  12
#define IP4_BITS    96 /* of the prefix ::ffff: */
#define BLOCK_BYTES 8

static const uint8_t ip4_prefix[IP4_OFFSET] = { [10] = 0xff, [11] = 0xff };

static bool
is_ip4(const struct address *address)
{
	return address->kind == ADDRESS_IP &&
	    memcmp(address->bytes, ip4_prefix, IP4_OFFSET) == 0;
}

void
address_of_ip4(const uint8_t bytes[4], struct address *address_r)
{
	*address_r = (struct address){ .kind = ADDRESS_IP };
	memcpy(address_r->bytes, ip4_prefix, IP4_OFFSET);
	memcpy(address_r->bytes + IP4_OFFSET, bytes, 4);
}

void
address_of_ip6(const uint8_t bytes[16], struct address *address_r)
{
	*address_r = (struct address){ .kind = ADDRESS_IP };
	memcpy(address_r->bytes, bytes, sizeof(address_r->bytes));
}

/* --- texts --- */

static int
parse_bare(const char *text, struct address *address_r)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		address_of_ip4(bytes, address_r);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		address_of_ip6(bytes, address_r);
	else
		return -1;
	return 0;
}

static bool
is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits <= 5 && text[digits] == '\0';
}

/* Cuts ":port" behind an IPv4 address or behind brackets, and the brackets. */
static char *
without_port(char *text)
{
	char *colon = strchr(text, ':');
	char *bracket = strchr(text, ']');

	if (text[0] == '[') {
		if (bracket == NULL ||
		    (bracket[1] != '\0' &&
			(bracket[1] != ':' || !is_port(bracket + 2))))
			return NULL;
		*bracket = '\0';
		return strchr(text, ':') != NULL ? text + 1 : NULL;
	}
	if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		if (!is_port(colon + 1))
			return NULL;
		*colon = '\0';
	}
	return text;
}

int
address_parse(struct view text, struct address *address_r)
{
	char copy[64];
	char *bare;

	*address_r = (struct address){ .kind = ADDRESS_UNKNOWN };
	if (text.len == 0 || text.len >= sizeof(copy) ||
	    memchr(text.data, '\0', text.len) != NULL)
		return -1;
	memcpy(copy, text.data, text.len);
	copy[text.len] = '\0';
	bare = without_port(copy);
	return bare == NULL ? -1 : parse_bare(bare, address_r);
}

void
address_print(const struct address *address, char text[ADDRESS_TEXT])
{
	if (address->kind != ADDRESS_IP)
		snprintf(text, ADDRESS_TEXT, "%s",
		    address->kind == ADDRESS_UNIX ? "unix" : "unknown");
	else if (is_ip4(address))
		inet_ntop(
		    AF_INET, address->bytes + IP4_OFFSET, text, ADDRESS_TEXT);
	else
		inet_ntop(AF_INET6, address->bytes, text, ADDRESS_TEXT);
}

bool
address_is_equal(const struct address *one, const struct address *other)
{
	return one->kind == other->kind &&
	    memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

struct address
address_block(const struct address *address)
{
	struct address block = *address;

	if (block.kind == ADDRESS_IP && !is_ip4(address))
		memset(block.bytes + BLOCK_BYTES, 0,
		    sizeof(block.bytes) - BLOCK_BYTES);
	return block;
}

/* --- networks --- */

static int
parse_bits(const char *text, const struct address *first, unsigned *bits_r)
{
	unsigned most = is_ip4(first) ? 32 : 128;
	size_t digits = strspn(text, "0123456789");
	unsigned bits;

	if (digits == 0 || digits > 3 || text[digits] != '\0')
		return -1;
	bits = (unsigned)atoi(text);
	*bits_r = is_ip4(first) ? bits + IP4_BITS : bits;
	return bits <= most ? 0 : -1;
}

static bool
has_bits_behind(const struct network *network)
{
	for (unsigned bit = network->bits; bit < 128; bit++) {
		if (network->first.bytes[bit / 8] & (0x80 >> bit % 8))
			return true;
	}
	return false;
}

int
network_parse(const char *text, struct network *network_r, struct error *err)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	char copy[64] = "";

	*network_r = (struct network){ .bits = 128 };
	network_r->first.kind = ADDRESS_UNIX;
	if (strcmp(text, "unix") == 0)
		return 0;
	if (len < sizeof(copy))
		memcpy(copy, text, len);
	if (parse_bare(copy, &network_r->first) == -1 ||
	    (slash &&
		parse_bits(slash + 1, &network_r->first, &network_r->bits) ==
		    -1))
		return error_set(err, "",
		    "\"%.60s\" is no network: give an address, "
		    "ADDRESS/BITS or unix",
		    text);
	if (has_bits_behind(network_r))
		return error_set(err, "",
		    "\"%.60s\" names an address inside of a network: give the "
		    "network's first address",
		    text);
	return 0;
}

static bool
is_in(const struct network *network, const struct address *address)
{
	unsigned bytes = network->bits / 8;
	unsigned rest = network->bits % 8;
	unsigned mask = 0xffu & ~(0xffu >> rest);

	if (network->first.kind != address->kind)
		return false;
	return memcmp(network->first.bytes, address->bytes, bytes) == 0 &&
	    (rest == 0 ||
		(network->first.bytes[bytes] & mask) ==
		    (address->bytes[bytes] & mask));
}

bool
network_has(
    const struct network *networks, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++) {
		if (is_in(&networks[i], address))
			return true;
	}
	return false;
}

/* --- proxies --- */

static bool
is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* Takes the last item, trimmed, off a list; false when there is none left. */
static bool
take_last(struct view *list, struct view *item_r)
{
	const char *end;
	const char *at;

	if (list->data == NULL)
		return false;
	end = list->data + list->len;
	for (at = end; at > list->data && at[-1] != ',';)
		at--;
	*list = at > list->data
	    ? view_make(list->data, (size_t)(at - list->data - 1))
	    : view_make(NULL, 0);
	while (at < end && is_blank(*at))
		at++;
	while (end > at && is_blank(end[-1]))
		end--;
	*item_r = view_make(at, (size_t)(end - at));
	return true;
}

struct address
address_behind(const struct network *trusted, size_t count,
    const struct address *peer, const struct view *lists, size_t list_count)
{
	struct address client = *peer;
	unsigned hops = 0;

	for (size_t i = list_count; i-- > 0;) {
		struct view list = lists[i];
		struct view item;
		while (take_last(&list, &item)) {
			struct address before;
			if (!network_has(trusted, count, &client) ||
			    ++hops > HOPS_MAX ||
			    address_parse(item, &before) == -1)
				return client;
			client = before;
		}
	}
	return client;
}
