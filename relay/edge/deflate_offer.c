/* SPDX-License-Identifier: MIT */
#include "deflate_offer.h"

#include "handshake_parts.h"

#define BITS_MIN      8
#define BITS_MAX      15
#define BITS_OURS_MIN 9

/* Longer values are no good, whatever they are. */
struct value {
	bool is_there;
	size_t length;
	char text[3];
};

struct offer {
	bool is_kept;
	unsigned seen; /* bit i: parameters[i] */
	uint8_t server_bits;
};

struct parameter {
	const char *name;
	/* False: the offer cannot be kept. */
	bool (*take)(struct offer *offer, const struct value *value);
};

/* --- what parameters mean --- */

static bool
take_flag(struct offer *offer, const struct value *value)
{
	(void)offer;
	return !value->is_there;
}

/* Decimal without leading zeros; 0: no good. */
static uint8_t
window_bits(const struct value *value)
{
	uint64_t bits;
	struct view text = view_make(value->text, value->length);
	if (!view_decimal(text, 2, &bits) || value->text[0] == '0')
		return 0;
	return bits >= BITS_MIN && bits <= BITS_MAX ? (uint8_t)bits : 0;
}

static bool
take_server_bits(struct offer *offer, const struct value *value)
{
	offer->server_bits = window_bits(value);
	return offer->server_bits >= BITS_OURS_MIN;
}

/* What the client may use is no limit for us: we can read all. */
static bool
take_client_bits(struct offer *offer, const struct value *value)
{
	(void)offer;
	return !value->is_there || window_bits(value) != 0;
}

static const struct parameter parameters[] = {
	{ "server_no_context_takeover", take_flag },
	{ "client_no_context_takeover", take_flag },
	{ "server_max_window_bits", take_server_bits },
	{ "client_max_window_bits", take_client_bits },
};

static bool
take_parameter(struct offer *offer, struct view name, const struct value *value)
{
	for (size_t i = 0; i < sizeof(parameters) / sizeof(parameters[0]);
	     i++) {
		if (!handshake_same_word(name, parameters[i].name))
			continue;
		bool is_repeated = (offer->seen & 1u << i) != 0;
		offer->seen |= 1u << i;
		return !is_repeated && parameters[i].take(offer, value);
	}
	return false;
}

/* --- the grammar, RFC 6455 section 9.1 --- */

static void
skip(struct view *rest, size_t length)
{
	rest->data += length;
	rest->len -= length;
}

/* Spaces, then `byte` if it is there, then spaces. */
static bool
take_byte(struct view *rest, char byte)
{
	*rest = handshake_trim(*rest);
	if (rest->len == 0 || rest->data[0] != byte)
		return false;
	skip(rest, 1);
	*rest = handshake_trim(*rest);
	return true;
}

static struct view
take_token(struct view *rest)
{
	struct view token = view_make(rest->data, 0);
	while (token.len < rest->len &&
	    handshake_token_byte((uint8_t)rest->data[token.len]))
		token.len++;
	skip(rest, token.len);
	return token;
}

static void
add_to_value(struct value *value, char byte)
{
	if (value->length < sizeof(value->text))
		value->text[value->length] = byte;
	value->length++;
}

/* Behind the opening quote. What is quoted must be a token too. */
static bool
take_quoted(struct view *rest, struct value *value)
{
	while (rest->len > 0) {
		char byte = rest->data[0];
		skip(rest, 1);
		if (byte == '"')
			return value->length > 0;
		if (byte == '\\' && rest->len > 0) {
			byte = rest->data[0];
			skip(rest, 1);
		}
		if (!handshake_token_byte((uint8_t)byte))
			return false;
		add_to_value(value, byte);
	}
	return false;
}

static bool
take_value(struct view *rest, struct value *value)
{
	value->is_there = true;
	if (take_byte(rest, '"'))
		return take_quoted(rest, value);
	struct view token = take_token(rest);
	for (size_t i = 0; i < token.len; i++)
		add_to_value(value, token.data[i]);
	return token.len > 0;
}

/* False: malformed. */
static bool
take_offer(struct view *rest, struct offer *offer)
{
	struct view name = take_token(rest);
	*offer = (struct offer){
		.is_kept = handshake_same_word(name, "permessage-deflate"),
	};
	if (name.len == 0)
		return false;
	while (take_byte(rest, ';')) {
		struct value value = { 0 };
		struct view parameter = take_token(rest);
		if (parameter.len == 0)
			return false;
		if (take_byte(rest, '=') && !take_value(rest, &value))
			return false;
		offer->is_kept =
		    offer->is_kept && take_parameter(offer, parameter, &value);
	}
	return true;
}

void
deflate_choose(struct view field, struct deflate_terms *terms)
{
	struct deflate_terms chosen = { 0 };
	struct view rest = field;
	do {
		struct offer offer;
		while (take_byte(&rest, ','))
			continue; /* empty elements of a list say nothing */
		if (rest.len == 0)
			break;
		if (!take_offer(&rest, &offer))
			return;
		if (offer.is_kept && !chosen.is_agreed)
			chosen = (struct deflate_terms){ .is_agreed = true,
				.server_bits = offer.server_bits };
	} while (take_byte(&rest, ','));
	if (rest.len == 0 && chosen.is_agreed)
		*terms = chosen;
}

uint8_t
deflate_window_bits(const struct deflate_terms *terms)
{
	if (!terms->is_agreed)
		return 0;
	return terms->server_bits > 0 ? terms->server_bits : BITS_MAX;
}

void
deflate_answer(const struct deflate_terms *terms, struct buf *out)
{
	buf_add_text(
	    out, "; server_no_context_takeover; client_no_context_takeover");
	if (terms->server_bits > 0)
		buf_addf(out, "; server_max_window_bits=%u",
		    (unsigned)terms->server_bits);
}
