/* SPDX-License-Identifier: MIT */
#include "base64url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			       "abcdefghijklmnopqrstuvwxyz0123456789-_";

static void
each_byte_is_a_letter_of_the_alphabet_or_refused(void **state)
{
	(void)state;
	for (int byte = 0; byte < 256; byte++) {
		const char text[] = { 'A', (char)byte, 'A', 'A' };
		const char *at = byte ? strchr(alphabet, byte) : NULL;
		uint8_t bytes[3];
		long length =
		    base64url_decode(view_make(text, 4), bytes, sizeof(bytes));
		assert_int_equal(length, at ? 3 : -1);
		if (at)
			assert_int_equal(
			    bytes[0] << 4 | bytes[1] >> 4, at - alphabet);
	}
}

static void
bytes_have_one_text_and_no_other(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		long length;
	} rows[] = { { "", 0 }, { "_w", 1 }, { "_x", -1 }, { "__8", 2 },
		{ "__9", -1 }, { "____", 3 }, { "_", -1 }, { "_____", -1 },
		{ "_w==", -1 }, { "__8=", -1 }, { "______8", 5 },
		{ "_____w", 4 } };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char bytes[4], again[8];
		long length = base64url_decode(
		    view_of(rows[i].text), bytes, sizeof(bytes));
		bool has_room = rows[i].length <= (long)sizeof(bytes);
		assert_int_equal(length, has_room ? rows[i].length : -1);
		if (length < 0)
			continue;
		base64url_encode(view_make(bytes, (size_t)length), again);
		assert_true(
		    view_is(view_make(again, BASE64URL_SIZE((size_t)length)),
			rows[i].text));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_byte_is_a_letter_of_the_alphabet_or_refused),
		cmocka_unit_test(bytes_have_one_text_and_no_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
