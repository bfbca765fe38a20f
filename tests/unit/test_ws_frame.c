/* SPDX-License-Identifier: MIT */
#include "ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
the_shortest_length_form_is_taken(void **state)
{
	(void)state;
	static const struct {
		uint64_t length;
		size_t size;
		const char *header;
	} rows[] = {
		{ 0, 2, "\x81\x00" },
		{ 125, 2, "\x81\x7d" },
		{ 126, 4, "\x81\x7e\x00\x7e" },
		{ 65535, 4, "\x81\x7e\xff\xff" },
		{ 65536, 10, "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00" },
		{ 0x0102030405060708, 10,
		    "\x81\x7f\x01\x02\x03\x04\x05\x06\x07\x08" },
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char header[WS_FRAME_HEADER_MAX];
		assert_int_equal(
		    ws_frame_header_size(rows[i].length), rows[i].size);
		assert_int_equal(
		    ws_frame_header(header, WS_TEXT, rows[i].length),
		    rows[i].size);
		assert_memory_equal(header, rows[i].header, rows[i].size);
	}
}

static void
every_opcode_is_final_and_unmasked(void **state)
{
	(void)state;
	char header[WS_FRAME_HEADER_MAX];
	ws_frame_header(header, WS_CLOSE, 2);
	assert_memory_equal(header, "\x88\x02", 2);
	ws_frame_header(header, WS_PING, 8);
	assert_memory_equal(header, "\x89\x08", 2);
	ws_frame_header(header, WS_PONG, 8);
	assert_memory_equal(header, "\x8a\x08", 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_shortest_length_form_is_taken),
		cmocka_unit_test(every_opcode_is_final_and_unmasked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
