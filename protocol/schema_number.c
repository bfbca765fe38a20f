/* SPDX-License-Identifier: MIT */
#include "schema_number.h"

#include "xmalloc.h"

#include <stdlib.h>

#define SMALL_DIGITS 18
#define PLAIN_DIGITS 21 /* longer ones are printed with an exponent … */
#define PLAIN_ZEROS  6  /* … as are those with more zeros behind the point */
/* Exponents beyond this are all alike: no text is so long that its digits
 * could bring the value back. */
#define EXPONENT_CAP ((int64_t)1 << 40)

static char
digit_at(const struct decimal *number, size_t i)
{
	if (i < number->head.len)
		return number->head.data[i];
	i -= number->head.len;
	return i < number->tail.len ? number->tail.data[i] : '0';
}

static int64_t
read_exponent(const char *at, const char *end)
{
	bool is_negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	int64_t exponent = 0;
	for (; at < end && exponent < EXPONENT_CAP; at++)
		exponent = exponent * 10 + (*at - '0');
	return is_negative ? -exponent : exponent;
}

static struct view
take_digits(const char **at, const char *end)
{
	const char *start = *at;
	while (*at < end && **at >= '0' && **at <= '9')
		++*at;
	return view_make(start, (size_t)(*at - start));
}

static void
cut_leading_zeros(struct decimal *number)
{
	struct view *part = &number->head;
	while (part->len > 0 && part->data[0] == '0') {
		part->data++;
		part->len--;
	}
	if (part->len > 0)
		return;
	part = &number->tail;
	while (part->len > 0 && part->data[0] == '0') {
		part->data++;
		part->len--;
	}
}

static void
cut_trailing_zeros(struct decimal *number)
{
	struct view *part = &number->tail;
	while (part->len > 0 && part->data[part->len - 1] == '0') {
		part->len--;
		number->scale++;
	}
	if (part->len > 0)
		return;
	part = &number->head;
	while (part->len > 0 && part->data[part->len - 1] == '0') {
		part->len--;
		number->scale++;
	}
}

static void
fill_small(struct decimal *number)
{
	size_t digits = decimal_digits(number);
	if (digits == 0) {
		number->is_small = true;
		number->is_negative = false;
		number->scale = 0;
		return;
	}
	if (number->scale < 0 || number->scale > SMALL_DIGITS ||
	    digits + (size_t)number->scale > SMALL_DIGITS)
		return;
	int64_t value = 0;
	for (size_t i = 0; i < digits + (size_t)number->scale; i++)
		value = value * 10 + (digit_at(number, i) - '0');
	number->small = number->is_negative ? -value : value;
	number->is_small = true;
}

struct decimal
decimal_of(struct view text)
{
	struct decimal number = { 0 };
	const char *at = text.data;
	const char *end = text.data + text.len;
	if (at < end && *at == '-') {
		number.is_negative = true;
		at++;
	}
	number.head = take_digits(&at, end);
	number.tail = view_make(at, 0);
	if (at < end && *at == '.') {
		at++;
		number.tail = take_digits(&at, end);
	}
	if (at < end)
		number.scale = read_exponent(at + 1, end);
	number.scale -= (int64_t)number.tail.len;
	cut_leading_zeros(&number);
	cut_trailing_zeros(&number);
	fill_small(&number);
	return number;
}

static int
compare_digits(const struct decimal *a, const struct decimal *b)
{
	size_t digits_a = decimal_digits(a);
	size_t digits_b = decimal_digits(b);
	size_t longest = digits_a > digits_b ? digits_a : digits_b;
	for (size_t i = 0; i < longest; i++) {
		int difference = digit_at(a, i) - digit_at(b, i);
		if (difference != 0)
			return difference;
	}
	return 0;
}

static int
compare_magnitude(const struct decimal *a, const struct decimal *b)
{
	int64_t size_a = a->scale + (int64_t)decimal_digits(a);
	int64_t size_b = b->scale + (int64_t)decimal_digits(b);
	if (size_a != size_b)
		return size_a < size_b ? -1 : 1;
	return compare_digits(a, b);
}

static int
sign_of(const struct decimal *number)
{
	if (decimal_digits(number) == 0)
		return 0;
	return number->is_negative ? -1 : 1;
}

int
decimal_compare(const struct decimal *a, const struct decimal *b)
{
	if (a->is_small && b->is_small)
		return (a->small > b->small) - (a->small < b->small);
	int sign = sign_of(a);
	if (sign != sign_of(b))
		return sign - sign_of(b);
	return sign == 0 ? 0 : sign * compare_magnitude(a, b);
}

bool
decimal_is_integer(const struct decimal *number)
{
	return number->scale >= 0;
}

/* 10^shift × D mod m by feeding digits; m < 2^59, so ten times fits. */
static bool
divides_small(const struct decimal *number, uint64_t shift, uint64_t divisor)
{
	uint64_t rest = 0;
	size_t digits = decimal_digits(number);
	for (size_t i = 0; i < digits + shift; i++)
		rest = (rest * 10 + (uint64_t)(digit_at(number, i) - '0')) %
		    divisor;
	return rest == 0;
}

/* rest >= divisor? Both are `count` decimal digits, most significant first. */
static bool
is_at_least(const char *rest, const char *divisor, size_t count)
{
	return memcmp(rest, divisor, count) >= 0;
}

static void
subtract(char *rest, const char *divisor, size_t count)
{
	int borrow = 0;
	for (size_t i = count; i-- > 0;) {
		int digit = rest[i] - divisor[i] - borrow;
		borrow = digit < 0;
		rest[i] = (char)(digit + (borrow ? 10 : 0));
	}
}

/* The same with a divisor of any length: school division, digit by digit. */
static bool
divides_large(
    const struct decimal *number, uint64_t shift, const struct decimal *divisor)
{
	size_t count = decimal_digits(divisor) + 1;
	char *rest = xcalloc(2, count);
	char *by = rest + count;
	for (size_t i = 1; i < count; i++)
		by[i] = (char)(digit_at(divisor, i - 1) - '0');
	for (size_t i = 0; i < decimal_digits(number) + shift; i++) {
		memmove(rest, rest + 1, count - 1);
		rest[count - 1] = (char)(digit_at(number, i) - '0');
		while (is_at_least(rest, by, count))
			subtract(rest, by, count);
	}
	bool divides = true;
	for (size_t i = 0; i < count; i++)
		divides = divides && rest[i] == 0;
	free(rest);
	return divides;
}

/*
 * a × 10^k / b with b's digits an integer D: when k < 0 the quotient cannot be
 * an integer, for a ends in no zero. A k beyond log2(D) changes nothing, for
 * by then all twos and fives of D are covered; so huge exponents cost nothing.
 */
bool
decimal_is_multiple(const struct decimal *number, const struct decimal *divisor)
{
	if (decimal_digits(number) == 0)
		return true;
	int64_t shift = number->scale - divisor->scale;
	if (shift < 0)
		return false;
	size_t digits = decimal_digits(divisor);
	int64_t enough = 4 * (int64_t)digits;
	if (shift > enough)
		shift = enough;
	if (digits >= SMALL_DIGITS)
		return divides_large(number, (uint64_t)shift, divisor);
	uint64_t by = 0;
	for (size_t i = 0; i < digits; i++)
		by = by * 10 + (uint64_t)(digit_at(divisor, i) - '0');
	return divides_small(number, (uint64_t)shift, by);
}

uint64_t
decimal_hash(const struct decimal *number, uint64_t seed)
{
	uint64_t hash = (uint64_t)number->scale * 2 + number->is_negative;
	for (size_t i = 0; i < decimal_digits(number); i++)
		hash = hash * seed + (uint64_t)digit_at(number, i);
	return hash;
}

static void
add_digits(
    const struct decimal *number, size_t from, size_t to, struct buf *out)
{
	for (size_t i = from; i < to; i++)
		buf_add_char(out, digit_at(number, i));
}

/* d.ddde±x: `point` is how many digits stand left of the point. */
static void
print_with_exponent(
    const struct decimal *number, int64_t point, struct buf *out)
{
	size_t digits = decimal_digits(number);
	add_digits(number, 0, 1, out);
	if (digits > 1)
		buf_add_char(out, '.');
	add_digits(number, 1, digits, out);
	buf_addf(out, "e%lld", (long long)point - 1);
}

void
decimal_print(const struct decimal *number, struct buf *out)
{
	size_t digits = decimal_digits(number);
	int64_t point = number->scale + (int64_t)digits;
	if (number->is_negative)
		buf_add_char(out, '-');
	if (digits == 0) {
		buf_add_char(out, '0');
	} else if (point > PLAIN_DIGITS || point < -PLAIN_ZEROS) {
		print_with_exponent(number, point, out);
	} else if (point > 0) {
		add_digits(number, 0, (size_t)point, out);
		if (number->scale < 0)
			buf_add_char(out, '.');
		add_digits(number, (size_t)point, digits, out);
	} else {
		buf_add_text(out, "0.");
		for (; point < 0; point++)
			buf_add_char(out, '0');
		add_digits(number, 0, digits, out);
	}
}
