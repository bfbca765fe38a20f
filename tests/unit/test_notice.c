/* SPDX-License-Identifier: MIT */
#include "notice.h"

#include "schema_helper.h"

#include <stdlib.h>

static struct schema *schema;
static struct buf out;

static struct buf
read_file(const char *path)
{
	struct buf text;
	FILE *file = fopen(path, "rb");
	size_t got;
	assert_non_null(file);
	buf_init(&text, 0);
	do {
		char *room = buf_reserve(&text, 4096);
		got = fread(room, 1, 4096, file);
		text.len += got;
	} while (got > 0);
	fclose(file);
	return text;
}

static int
compile_notices(void **state)
{
	struct error err;
	struct buf text =
	    read_file(RELAY_SOURCE_DIR "/schemas/relay/notices.schema.json");
	(void)state;
	buf_add_char(&text, '\0');
	schema = compile_text(text.data, NULL, &err);
	buf_fini(&text);
	buf_init(&out, 0);
	return schema == NULL;
}

static int
forget_notices(void **state)
{
	(void)state;
	schema_free(&schema);
	buf_fini(&out);
	return 0;
}

/* The notice in `out` is a frame, and what it holds is by the schema. */
static void
check_notice(void)
{
	struct violation violations[4];
	struct view frame = notice_finish(&out);
	size_t header = (unsigned char)frame.data[1] < 126 ? 2 : 4;
	assert_int_equal((unsigned char)frame.data[0], 0x81);
	char *text = strndup(frame.data + header, frame.len - header);
	if (explain_text(schema, text, violations, 4) > 0)
		fail_msg("%s: %s %s", text, violations[0].rule,
		    violations[0].pointer);
	free(text);
}

static void
every_notice_is_by_the_published_schema(void **state)
{
	static char hash[] =
	    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
	struct contract contract = { .name = "a\"b", .version = "3" };
	struct entry_id id = { 1700000000000, 18446744073709551615u };
	(void)state;
	memcpy(contract.hash, hash, sizeof hash);
	struct notice_hello hello = {
		.contract = &contract,
		.endpoint = "chat",
		.connection = view_of("n-1"),
		.ping_interval_ms = 20000,
	};
	notice_begin(&out);
	notice_hello(&out, &hello);
	check_notice();
	hello.session = view_of("\xc3\xa9\"\\");
	hello.has_ids = hello.has_entries = hello.is_degraded = true;
	notice_begin(&out);
	notice_hello(&out, &hello);
	check_notice();
	notice_begin(&out);
	notice_live(&out, id, 7);
	check_notice();
	notice_begin(&out);
	notice_cursor(&out, id);
	check_notice();
	notice_begin(&out);
	notice_degraded(&out, "timeout", true, 1700000000000);
	check_notice();
	notice_begin(&out);
	notice_recovered(&out, 12);
	check_notice();
	notice_begin(&out);
	notice_drain(&out, 500, NULL);
	check_notice();
	notice_begin(&out);
	notice_drain(&out, 500, &id);
	check_notice();
}

static void
every_gap_reason_is_by_the_published_schema(void **state)
{
	static const enum gap_reason reasons[] = { GAP_TRIMMED, GAP_DELETED,
		GAP_RECREATED, GAP_REWOUND, GAP_DEAD_LETTERED };
	(void)state;
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		const struct gap gap = {
			.reason = reasons[i],
			.resumes_known = i % 2 == 0,
		};
		notice_begin(&out);
		notice_gap(&out, &gap);
		check_notice();
	}
}

static void
an_ack_is_by_the_published_schema(void **state)
{
	static const char *const request_ids[] = { "", "\"r\"", "17" };
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct notice_ack ack = {
			.command = { 1, 2 },
			.session = view_of("s"),
			.type = "message",
			.request_id = view_of(request_ids[i]),
			.deduplicated = i == 1,
		};
		notice_begin(&out);
		notice_ack(&out, &ack);
		check_notice();
	}
}

static void
the_header_fits_the_length_of_the_text(void **state)
{
	static char message[70000];
	static const struct {
		size_t payload;
		size_t header;
	} rows[] = { { 125, 2 }, { 126, 4 }, { 65535, 4 }, { 65536, 10 } };
	size_t around = strlen("{\"type\":\"error\",\"message\":\"\"}");
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		memset(message, 'm', sizeof message);
		message[rows[i].payload - around] = '\0';
		notice_begin(&out);
		notice_error(&out, NULL, message, view_of(""));
		struct view frame = notice_finish(&out);
		assert_int_equal(frame.len, rows[i].header + rows[i].payload);
		assert_int_equal((unsigned char)frame.data[0], 0x81);
		assert_int_equal(frame.data[rows[i].header], '{');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_notice_is_by_the_published_schema),
		cmocka_unit_test(every_gap_reason_is_by_the_published_schema),
		cmocka_unit_test(an_ack_is_by_the_published_schema),
		cmocka_unit_test(the_header_fits_the_length_of_the_text),
	};
	return cmocka_run_group_tests(tests, compile_notices, forget_notices);
}
