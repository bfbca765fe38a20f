/* SPDX-License-Identifier: MIT */
#include "entry_id.h"

#define DIGITS_MAX 20

/* Reads the digits at *at_r up to `end` and moves it behind them. */
static int
parse_u64(const char **at_r, const char *end, uint64_t *number_r)
{
	const char *at = *at_r;
	uint64_t number = 0;
	while (at < end && *at >= '0' && *at <= '9') {
		uint64_t digit = (uint64_t)(*at - '0');
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, digit, &number))
			return -1;
		at++;
	}
	if (at == *at_r || at - *at_r > DIGITS_MAX)
		return -1;
	*at_r = at;
	*number_r = number;
	return 0;
}

int
entry_id_parse(struct view text, struct entry_id *id_r)
{
	struct entry_id id;
	if (text.len == 0)
		return -1;
	const char *at = text.data;
	const char *end = at + text.len;
	if (parse_u64(&at, end, &id.ms) < 0)
		return -1;
	if (at == end || *at++ != '-')
		return -1;
	if (parse_u64(&at, end, &id.seq) < 0 || at != end)
		return -1;
	*id_r = id;
	return 0;
}

static size_t
print_u64(uint64_t number, char *out)
{
	char digits[DIGITS_MAX];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	memcpy(out, digits + at, sizeof(digits) - at);
	return sizeof(digits) - at;
}

size_t
entry_id_print(struct entry_id id, char text[ENTRY_ID_TEXT_MAX])
{
	size_t length = print_u64(id.ms, text);
	text[length++] = '-';
	length += print_u64(id.seq, text + length);
	text[length] = '\0';
	return length;
}

int
entry_id_compare(struct entry_id a, struct entry_id b)
{
	if (a.ms != b.ms)
		return a.ms < b.ms ? -1 : 1;
	if (a.seq != b.seq)
		return a.seq < b.seq ? -1 : 1;
	return 0;
}

struct entry_id
entry_id_before(struct entry_id id)
{
	if (id.seq > 0)
		return (struct entry_id){ id.ms, id.seq - 1 };
	if (id.ms > 0)
		return (struct entry_id){ id.ms - 1, UINT64_MAX };
	return id;
}

struct entry_id
entry_id_after(struct entry_id id)
{
	if (id.seq < UINT64_MAX)
		return (struct entry_id){ id.ms, id.seq + 1 };
	if (id.ms < UINT64_MAX)
		return (struct entry_id){ id.ms + 1, 0 };
	return id;
}
