/* SPDX-License-Identifier: MIT */
#include "discreet.h"

#include <stdio.h>

#define DIGITS_MAX     8  /* in all */
#define RUN_MAX        15 /* letters and digits in a row … */
#define RUN_DIGITS_MAX 2  /* … with more digits than this */

/* Letters and digits up to the next other byte. */
struct run {
	size_t length;
	size_t digits;
};

static bool
is_token(const struct run *run)
{
	return run->length > RUN_MAX && run->digits > RUN_DIGITS_MAX;
}

/* {" in base64: how each JSON Web Token begins. */
static bool
is_web_token(struct view text)
{
	return text.len > RUN_MAX && memcmp(text.data, "eyJ", 3) == 0;
}

bool
discreet_is_name(struct view text)
{
	struct run run = { 0 };
	size_t digits = 0;
	if (text.len > DISCREET_NAME_MAX || is_web_token(text))
		return false;
	for (size_t i = 0; i < text.len; i++) {
		char byte = text.data[i];
		char lower = (char)(byte | 0x20);
		bool is_digit = byte >= '0' && byte <= '9';
		bool is_letter = lower >= 'a' && lower <= 'z';
		if (byte == '@')
			return false;
		digits += is_digit;
		run.length++;
		run.digits += is_digit;
		if (is_token(&run))
			return false;
		if (!is_digit && !is_letter)
			run = (struct run){ 0 };
	}
	return digits <= DIGITS_MAX;
}

void
discreet_pointer(const char *pointer, char *out, size_t size)
{
	size_t length = 0;
	while (*pointer == '/') {
		size_t token = strcspn(pointer + 1, "/");
		struct view name = view_make(pointer + 1, token);
		bool is_shown = discreet_is_name(name);
		int added = snprintf(out + length, size - length, "/%.*s",
		    is_shown ? (int)token : 1, is_shown ? pointer + 1 : "*");
		if (added < 0 || (size_t)added >= size - length)
			break; /* snprintf has cut and ended it */
		length += (size_t)added;
		pointer += 1 + token;
	}
	if (length == 0 && *pointer != '/')
		out[0] = '\0';
}
