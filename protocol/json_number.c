/* SPDX-License-Identifier: MIT */

/* RFC 8259 section 6. The digits stay text: what they are worth, and whether
 * that fits anywhere, is for the reader to say. */

#include "json_parts.h"

static bool
is_digit(const struct json_scan *scan, const uint8_t *at)
{
	return at < scan->end && *at >= '0' && *at <= '9';
}

static const uint8_t *
skip_digits(const struct json_scan *scan, const uint8_t *at)
{
	while (is_digit(scan, at))
		at++;
	return at;
}

static bool
is_one_of(const struct json_scan *scan, const uint8_t *at, char a, char b)
{
	return at < scan->end && (*at == (uint8_t)a || *at == (uint8_t)b);
}

/* `at` is behind the integer part. NULL: fault filled. */
static const uint8_t *
skip_fraction(struct json_scan *scan, const uint8_t *at)
{
	if (!is_one_of(scan, at, '.', '.'))
		return at;
	if (!is_digit(scan, ++at)) {
		json_fail(scan, at, "expected a digit behind '.'");
		return NULL;
	}
	return skip_digits(scan, at);
}

static const uint8_t *
skip_exponent(struct json_scan *scan, const uint8_t *at)
{
	if (!is_one_of(scan, at, 'e', 'E'))
		return at;
	at++;
	if (is_one_of(scan, at, '+', '-'))
		at++;
	if (!is_digit(scan, at)) {
		json_fail(scan, at, "expected a digit in the exponent");
		return NULL;
	}
	return skip_digits(scan, at);
}

int
json_scan_number(struct json_scan *scan)
{
	const uint8_t *start = scan->at;
	const uint8_t *at = start;
	if (*at == '-')
		at++;
	if (!is_digit(scan, at))
		return json_fail(scan, at,
		    at == start ? "unexpected character" : "expected a digit");
	if (*at == '0' && is_digit(scan, at + 1))
		return json_fail(scan, at + 1, "leading zero");
	const uint8_t *integer_end = skip_digits(scan, at);
	at = skip_fraction(scan, integer_end);
	if (at)
		at = skip_exponent(scan, at);
	if (!at)
		return -1;
	struct json_node *node = json_push(scan, start, JSON_NUMBER);
	node->length = (uint32_t)(at - start);
	if (at == integer_end) {
		node->flags = JSON_IS_PLAIN_INTEGER;
		node->mask |= JSON_PLAIN_INTEGER_BIT;
	}
	scan->at = at;
	return 0;
}
