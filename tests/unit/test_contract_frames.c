/* SPDX-License-Identifier: MIT */

/* Recorded frames of the bundled contracts with their verdicts and, where the
 * refusal has a code or a text, exactly that answer. One frame a line:
 * {"dir","endpoint","valid","why","frame","expect"?:{"frame","close"}}. */

#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SCHEMAS RELAY_SOURCE_DIR "/schemas/fleet-rlm/"
#define FRAMES  RELAY_SOURCE_DIR "/tests/data/"

static struct contract *contract;
static struct schema_scratch *scratch;
static struct json_doc line;
static struct json_doc frame;
static struct json_doc answer;

static int
setup(void **state)
{
	(void)state;
	scratch = schema_scratch_new();
	json_doc_init(&line);
	json_doc_init(&frame);
	json_doc_init(&answer);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	schema_scratch_free(&scratch);
	json_doc_fini(&line);
	json_doc_fini(&frame);
	json_doc_fini(&answer);
	return 0;
}

static void
scan(struct json_doc *doc, struct view text)
{
	struct json_limits limits = { .max_depth = 64, .strict_keys = true };
	struct json_fault fault;
	assert_int_equal(json_scan(doc, text, &limits, &fault), 0);
}

static uint32_t
member(const char *name)
{
	return json_member(&line, 0, view_of(name));
}

static const struct contract_endpoint *
endpoint_of_line(void)
{
	for (size_t i = 0; i < contract->endpoint_count; i++)
		if (json_string_is(&line, member("endpoint"),
			view_of(contract->endpoints[i].name)))
			return &contract->endpoints[i];
	fail_msg("no such endpoint");
	return NULL;
}

/* Every member that the line expects is in the answer, with the same text. */
static void
check_answer(struct view text, uint16_t close)
{
	uint32_t expected;
	uint32_t expected_close;
	if (!json_pointer_get(&line, view_of("/expect/frame"), &expected))
		return;
	scan(&answer, text);
	uint32_t key = expected + 1;
	for (uint32_t i = 0; i < line.nodes[expected].count; i++) {
		struct buf scratch_text;
		buf_init(&scratch_text, 0);
		uint32_t got = json_member(
		    &answer, 0, json_string(&line, key, &scratch_text));
		assert_int_not_equal(got, 0);
		struct view want = json_text(&line, key + 1);
		if (!view_equal(json_text(&answer, got), want))
			fail_msg("wanted %.*s in %.*s", (int)want.len,
			    want.data, (int)text.len, text.data);
		buf_fini(&scratch_text);
		key = line.nodes[key + 1].next;
	}
	assert_true(
	    json_pointer_get(&line, view_of("/expect/close"), &expected_close));
	struct view want = json_text(&line, expected_close);
	assert_int_equal(
	    close, view_is(want, "null") ? 0 : strtol(want.data, NULL, 10));
}

static void
check_client(const struct contract_endpoint *endpoint, bool is_valid)
{
	const struct contract_message *message;
	struct buf out;
	uint16_t close;
	buf_init(&out, 0);
	if (!endpoint->has_client) {
		assert_false(is_valid);
		contract_error_frame(endpoint->refuse_client->code,
		    endpoint->refuse_client->message, &out);
		check_answer(buf_view(&out), endpoint->refuse_client->close);
		buf_fini(&out);
		return;
	}
	enum contract_verdict verdict =
	    contract_check(&endpoint->client, scratch, &frame, &message);
	assert_int_equal(verdict == CONTRACT_VALID, is_valid);
	if (!is_valid) {
		contract_refuse_frame(
		    &endpoint->client, scratch, &frame, NULL, &out, &close);
		check_answer(buf_view(&out), close);
	}
	buf_fini(&out);
}

static void
check_server(const struct contract_endpoint *endpoint, bool is_valid)
{
	const struct contract_message *message;
	enum contract_verdict verdict =
	    contract_check(&endpoint->server, scratch, &frame, &message);
	assert_int_equal(verdict == CONTRACT_VALID, is_valid);
}

static void
check_line(struct view text)
{
	scan(&line, text);
	print_message("  %.*s\n", (int)json_text(&line, member("why")).len,
	    json_text(&line, member("why")).data);
	scan(&frame, json_text(&line, member("frame")));
	bool is_valid = line.nodes[member("valid")].type == JSON_TRUE;
	if (json_string_is(&line, member("dir"), view_of("c2s")))
		check_client(endpoint_of_line(), is_valid);
	else
		check_server(endpoint_of_line(), is_valid);
}

static size_t
check_lines(const char *path)
{
	char *text = NULL;
	size_t size = 0;
	size_t count = 0;
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	for (ssize_t length; (length = getline(&text, &size, file)) > 0;) {
		check_line(view_make(text, (size_t)length));
		count++;
	}
	free(text);
	fclose(file);
	return count;
}

static void
check_frames(const char *directory, const char *path, size_t least)
{
	struct error err = { "", "" };
	contract = contract_load(directory, &err);
	if (!contract)
		fail_msg("%s: %s", err.where, err.message);
	assert_true(check_lines(path) >= least);
	contract_free(&contract);
}

static void
every_frame_of_the_third_generation_gets_its_verdict_and_answer(void **state)
{
	(void)state;
	check_frames(SCHEMAS "3", FRAMES "frames-g3.jsonl", 40);
}

static void
every_frame_of_the_first_generation_gets_its_verdict_and_answer(void **state)
{
	(void)state;
	check_frames(SCHEMAS "2", FRAMES "frames-g1.jsonl", 48);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    every_frame_of_the_third_generation_gets_its_verdict_and_answer),
		cmocka_unit_test(
		    every_frame_of_the_first_generation_gets_its_verdict_and_answer),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
