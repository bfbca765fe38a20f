/* SPDX-License-Identifier: MIT */

/* The frames with which client frames are refused: every code, the order in
 * which they win, and what the violations name. */

#include "contract.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static struct contract *bundled;
static struct contract *other;
static struct schema_scratch *scratch;
static struct json_doc doc;
static struct json_doc answer;
static struct buf out;
static struct buf text;

static struct contract *
load(const char *directory)
{
	struct error err = { "", "" };
	struct contract *contract = contract_load(directory, &err);
	if (!contract)
		print_error("%s: %s\n", err.where, err.message);
	return contract;
}

static int
setup(void **state)
{
	(void)state;
	bundled = load(RELAY_SOURCE_DIR "/schemas/fleet-rlm/3");
	other = load(RELAY_SOURCE_DIR "/tests/data/contract-other");
	scratch = schema_scratch_new();
	json_doc_init(&doc);
	json_doc_init(&answer);
	buf_init(&out, 0);
	buf_init(&text, 0);
	return bundled && other ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	contract_free(&bundled);
	contract_free(&other);
	schema_scratch_free(&scratch);
	json_doc_fini(&doc);
	json_doc_fini(&answer);
	buf_fini(&out);
	buf_fini(&text);
	return 0;
}

/* True when the frame is valid; else `answer` is laid out. */
static bool
ask(const struct contract *contract, const char *frame, uint16_t *close_r)
{
	const struct contract_side *side = &contract->endpoints[0].client;
	const struct json_limits limits = { .max_depth = 8,
		.strict_keys = true };
	const struct contract_message *message;
	struct json_fault fault;
	bool is_json = json_scan(&doc, view_of(frame), &limits, &fault) == 0;
	*close_r = 1;
	if (is_json &&
	    contract_check(side, scratch, &doc, &message) == CONTRACT_VALID)
		return true;
	buf_clear(&out);
	contract_refuse_frame(
	    side, scratch, &doc, is_json ? NULL : &fault, &out, close_r);
	assert_int_equal(
	    json_scan(&answer, buf_view(&out), &limits, &fault), 0);
	return false;
}

/* The text at a pointer into the answer; "" when there is nothing. */
static const char *
said(const char *pointer)
{
	uint32_t node;
	buf_clear(&text);
	if (json_pointer_get(&answer, view_of(pointer), &node)) {
		struct buf decoded;
		buf_init(&decoded, 0);
		bool is_string = answer.nodes[node].type == JSON_STRING;
		buf_add(&text,
		    is_string ? json_string(&answer, node, &decoded)
			      : json_text(&answer, node));
		buf_fini(&decoded);
	}
	buf_add_char(&text, '\0');
	return text.data;
}

static void
assert_said(const char *pointer, const char *expected)
{
	if (strcmp(said(pointer), expected) != 0)
		fail_msg("%s is \"%s\", not \"%s\", in %.*s", pointer,
		    said(pointer), expected, (int)out.len, out.data);
}

/* --- which refusal it is --- */

#define IDENTITY                                           \
	"WebSocket identity is derived from auth. Remove " \
	"workspace_id/user_id and use session_id only."
#define CONTENT "Canonical websocket message frames require non-empty content."
#define DEPTH                                                             \
	"Daytona websocket requests no longer accept max_depth; use the " \
	"server-configured recursion depth."
#define REPO "Daytona repo_ref requires repo_url."
#define TYPE "WebSocket frames must include an explicit canonical type."

static const struct {
	const char *frame;
	const char *code;
	const char *message;
} rows[] = {
	/* type comes before everything */
	{ "{}", "websocket_type_required", TYPE },
	{ "{\"user_id\":1,\"max_depth\":1}", "websocket_type_required", TYPE },
	{ "{\"type\":\"x\",\"user_id\":1}", "unknown_type",
	    "Unknown message type: x" },
	/* then identity, content, max_depth, repo_ref, each before the next */
	{ "{\"type\":\"message\",\"user_id\":null,\"max_depth\":1}",
	    "unsupported_identity_fields", IDENTITY },
	{ "{\"type\":\"message\",\"workspace_id\":\"w\",\"content\":\"x\"}",
	    "unsupported_identity_fields", IDENTITY },
	{ "{\"type\":\"cancel\",\"workspace_id\":null}",
	    "unsupported_identity_fields", IDENTITY },
	{ "{\"type\":\"message\",\"max_depth\":1,\"repo_ref\":\"r\"}",
	    "websocket_message_content_required", CONTENT },
	{ "{\"type\":\"message\",\"content\":\"\"}",
	    "websocket_message_content_required", CONTENT },
	{ "{\"type\":\"message\",\"content\":\" \\t\\u00a0\\u3000\\u001c\"}",
	    "websocket_message_content_required", CONTENT },
	{ "{\"type\":\"message\",\"content\":\"x\",\"max_depth\":0,"
	  "\"repo_ref\":\"r\",\"trace\":7}",
	    "daytona_max_depth_removed", DEPTH },
	{ "{\"type\":\"message\",\"content\":\"x\",\"max_depth\":false}",
	    "daytona_max_depth_removed", DEPTH },
	{ "{\"type\":\"message\",\"content\":\"x\",\"repo_ref\":\"r\","
	  "\"trace\":7}",
	    "daytona_repo_ref_requires_repo", REPO },
	{ "{\"type\":\"message\",\"content\":\"x\",\"repo_ref\":\"r\","
	  "\"repo_url\":\" \"}",
	    "daytona_repo_ref_requires_repo", REPO },
	{ "{\"type\":\"message\",\"content\":\"x\",\"repo_ref\":\"r\","
	  "\"repo_url\":null}",
	    "daytona_repo_ref_requires_repo", REPO },
	/* then the members, then the empty command */
	{ "{\"type\":\"command\",\"command\":\"\",\"trace\":\"yes\"}",
	    "invalid_payload",
	    "Invalid payload: /trace: expected boolean, got string; "
	    "/command: expected at least 1 character, got 0" },
	{ "{\"type\":\"command\",\"command\":\"\"}", "empty_command",
	    "Command name cannot be empty" },
	{ "{\"type\":\"command\"}", "empty_command",
	    "Command name cannot be empty" },
	/* no coercion of any kind */
	{ "{\"type\":\"message\",\"content\":null}", "invalid_payload",
	    "Invalid payload: /content: expected string, got null" },
	{ "{\"type\":\"message\",\"content\":\"x\",\"trace\":1}",
	    "invalid_payload",
	    "Invalid payload: /trace: expected boolean, got number" },
	{ "{\"type\":\"message\",\"content\":\"x\",\"trace\":null}",
	    "invalid_payload",
	    "Invalid payload: /trace: expected boolean, got null" },
	{ "{\"type\":\"message\",\"content\":\"x\","
	  "\"batch_concurrency\":\"5\"}",
	    "invalid_payload",
	    "Invalid payload: /batch_concurrency: expected integer or null, "
	    "got string" },
	{ "{\"type\":\"command\",\"command\":\"x\",\"args\":null}",
	    "invalid_payload",
	    "Invalid payload: /args: expected object, got null" },
	{ "{\"type\":\"message\",\"content\":\"x\",\"max_depth\":null}",
	    "invalid_payload", "Invalid payload: /max_depth is unknown" },
	{ "{\"type\":\"cancel\",\"max_depth\":3}", "invalid_payload",
	    "Invalid payload: /max_depth is unknown" },
	{ "{\"type\":\"message\",\"content\":\"x\",\"repoUrl\":\"u\"}",
	    "invalid_payload",
	    "Invalid payload: /repoUrl is unknown, did you mean "
	    "\"repo_url\"?" },
	/* what is no frame at all */
	{ "[]", "invalid_payload",
	    "Invalid payload: the frame: expected object, got array" },
	{ "5", "invalid_payload",
	    "Invalid payload: the frame: expected object, got number" },
	{ "{\"type\":", "invalid_json",
	    "Invalid JSON: unexpected end at byte 8" },
	{ "{\"type\":\"cancel\",\"type\":\"cancel\"}", "invalid_json",
	    "Invalid JSON: duplicate member name at byte 17" },
	{ "[[[[[[[[[]]]]]]]]]", "too_deep",
	    "Invalid JSON: nested too deep at byte 8" },
};

static void
each_refusal_has_its_code_and_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint16_t close;
		if (ask(bundled, rows[i].frame, &close))
			fail_msg("valid: %s", rows[i].frame);
		assert_said("/type", "error");
		assert_said("/code", rows[i].code);
		assert_said("/message", rows[i].message);
		assert_said("/details/error_type", "contract_violation");
		assert_string_not_equal(said("/details/violations/0"), "");
		assert_int_equal(close, 0);
	}
}

static const char *const valid[] = {
	"{\"type\":\"message\",\"content\":\"\\ufeff\"}",
	"{\"type\":\"message\",\"content\":\"x\",\"repo_ref\":\" \"}",
	"{\"type\":\"message\",\"content\":\"x\",\"repo_ref\":null}",
	"{\"type\":\"message\",\"content\":\"x\",\"batch_concurrency\":5.0}",
	"{\"type\":\"message\",\"content\":\"x\",\"batch_concurrency\":1e40}",
	"{\"t\\u0079pe\":\"c\\u0061ncel\"}",
	"{\"type\":\"command\",\"command\":\" \"}",
	"{\"type\":\"command\",\"command\":\"x\",\"content\":\"\"}",
};

static void
what_only_looks_wrong_is_valid(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(valid); i++) {
		uint16_t close;
		if (!ask(bundled, valid[i], &close))
			fail_msg("%s: %.*s", valid[i], (int)out.len, out.data);
	}
}

/* --- the type as Python prints it --- */

static const struct {
	const char *type;
	const char *printed; /* NULL: invalid payload */
} types[] = {
	{ "null", "None" },
	{ "true", "True" },
	{ "false", "False" },
	{ "5", "5" },
	{ "-0", "0" },
	{ "123456789012345678901234567890", "123456789012345678901234567890" },
	{ "5.0", "5.0" },
	{ "-0.0", "-0.0" },
	{ "0.1", "0.1" },
	{ "12.50", "12.5" },
	{ "1e3", "1000.0" },
	{ "1E15", "1000000000000000.0" },
	{ "1e16", "1e+16" },
	{ "1.5e300", "1.5e+300" },
	{ "0.0001", "0.0001" },
	{ "0.00001", "1e-05" },
	{ "1e400", "inf" },
	{ "[]", "[]" },
	{ "[\"x\"]", "['x']" },
	{ "[\"it's\", \"say \\\"hi\\\"\", \"'\\\"\"]",
	    "[\"it's\", 'say \"hi\"', '\\'\"']" },
	{ "[\"a\\n\\\\\\u0001\\u00e9\"]", "['a\\n\\\\\\x01\xc3\xa9']" },
	{ "{\"a\":[null,1.5,{\"b\":\"\"}]}", "{'a': [None, 1.5, {'b': ''}]}" },
	{ "\"ping\"", "ping" },
	{ "\" \\u2003ping\\u001f\\u0085 \"", "ping" },
	{ "\"it's\"", "it's" },
	{ "\"MESSAGE\"", "MESSAGE" },
	{ "\"\"", NULL },
	{ "\" \\u3000\\u2029\"", NULL },
	{ "\" message \"", NULL },
	{ "\"cancel\\n\"", NULL },
};

static void
an_unknown_type_is_printed_as_python_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		char frame[128];
		char message[128];
		uint16_t close;
		snprintf(frame, sizeof(frame), "{\"type\":%s}", types[i].type);
		assert_false(ask(bundled, frame, &close));
		if (!types[i].printed) {
			assert_said("/code", "invalid_payload");
			assert_non_null(strstr(said("/message"),
			    "Invalid payload: /type: expected message, cancel "
			    "or command"));
			continue;
		}
		snprintf(message, sizeof(message), "Unknown message type: %s",
		    types[i].printed);
		assert_said("/code", "unknown_type");
		assert_said("/message", message);
	}
}

static void
a_long_type_is_cut_between_characters(void **state)
{
	(void)state;
	char frame[640] = "{\"type\":\"x";
	uint16_t close;
	for (int i = 0; i < 150; i++)
		strcat(frame, "\xc3\xa9");
	strcat(frame, "\"}");
	assert_false(ask(bundled, frame, &close));
	const char *message = said("/message");
	assert_int_equal(
	    strlen(message), strlen("Unknown message type: ") + 1 + 2 * 99 + 3);
	assert_string_equal(
	    message + strlen(message) - 5, "\xc3\xa9\xe2\x80\xa6");
}

/* --- violations --- */

static void
a_misspelt_member_is_named_with_the_nearest(void **state)
{
	(void)state;
	uint16_t close;
	assert_false(ask(bundled,
	    "{\"type\":\"message\",\"Content\":\"x\",\"tracemode\":1}",
	    &close));
	assert_said("/code", "websocket_message_content_required");
	assert_said("/details/violations/0/rule", "required");
	assert_said("/details/violations/0/expected", "content");
	assert_said("/details/violations/1/pointer", "/Content");
	assert_said("/details/violations/1/hint", "did you mean \"content\"?");
	assert_said(
	    "/details/violations/2/hint", "did you mean \"trace_mode\"?");
	assert_said("/details/violations/3", "");
}

static void
a_member_that_is_there_twice_is_named_as_well(void **state)
{
	(void)state;
	uint16_t close;
	assert_false(ask(bundled,
	    "{\"type\":\"message\",\"content\":\"x\",\"repo_url\":\"u\","
	    "\"repoUrl\":\"u\"}",
	    &close));
	assert_said("/details/violations/0/hint", "did you mean \"repo_url\"?");
}

static void
a_misspelt_type_is_named_with_the_nearest(void **state)
{
	(void)state;
	uint16_t close;
	assert_false(ask(bundled, "{\"type\":\"mesage\"}", &close));
	assert_said("/details/violations/0/pointer", "/type");
	assert_said("/details/violations/0/rule", "enum");
	assert_said("/details/violations/0/hint", "did you mean \"message\"?");
	assert_false(ask(bundled, "{\"Type\":\"message\"}", &close));
	assert_said("/details/violations/0/rule", "required");
	assert_said(
	    "/details/violations/0/hint", "is it \"Type\" that is meant?");
	assert_false(ask(bundled, "{\"kind\":\"message\"}", &close));
	assert_said("/details/violations/0/hint", "null");
}

static void
a_member_with_a_refusal_of_its_own_is_listed_once(void **state)
{
	(void)state;
	uint16_t close;
	assert_false(ask(bundled,
	    "{\"type\":\"cancel\",\"user_id\":1,\"workspace_id\":2,\"x\":3}",
	    &close));
	assert_said("/details/violations/2/pointer", "/x");
	assert_said("/details/violations/3", "");
}

static void
at_most_ten_violations_are_listed(void **state)
{
	(void)state;
	char frame[256] = "{\"type\":\"cancel\"";
	uint16_t close;
	for (int i = 0; i < 12; i++)
		sprintf(frame + strlen(frame), ",\"x%d\":0", i);
	strcat(frame, "}");
	assert_false(ask(bundled, frame, &close));
	assert_said("/details/violations/9/pointer", "/x9");
	assert_said("/details/violations/10", "");
	assert_non_null(strstr(said("/message"), "; and more"));
}

static void
no_value_of_the_frame_is_repeated(void **state)
{
	(void)state;
	uint16_t close;
	assert_false(ask(bundled,
	    "{\"type\":\"message\",\"content\":\"x\",\"trace\":\"hunter2\","
	    "\"execution_mode\":\"hunter2\",\"max_depth\":\"hunter2\"}",
	    &close));
	buf_add_char(&out, '\0');
	assert_null(strstr(out.data, "hunter2"));
}

/* --- other contracts --- */

static const struct {
	const char *frame;
	const char *code;
	const char *message;
} other_rows[] = {
	{ "{\"meta\":{\"kind\":\"asks\"}}", "what", "Nobody here does asks." },
	{ "{\"meta\":{\"kind\":\" ask\"}}", "what", "Nobody here does  ask." },
	{ "{\"meta\":{\"kind\":null}}", "invalid_payload",
	    "Invalid payload: /meta/kind: expected ask or stop, got null" },
	{ "{\"meta\":5}", "invalid_payload",
	    "Invalid payload: /meta/kind is missing" },
	{ "{}", "invalid_payload", "Invalid payload: /meta/kind is missing" },
	{ "{\"meta\":{\"kind\":\"ask\"},\"what\":\"x\",\"copies\":13}",
	    "too_many_copies", "At most a dozen." },
	{ "{\"meta\":{\"kind\":\"ask\"},\"copies\":13}", "invalid_payload",
	    "Invalid payload: /what is missing; /copies: expected at most 12, "
	    "got a greater number" },
};

static void
another_contract_words_its_own_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(other_rows); i++) {
		uint16_t close;
		assert_false(ask(other, other_rows[i].frame, &close));
		assert_said("/code", other_rows[i].code);
		assert_said("/message", other_rows[i].message);
	}
}

static void
a_plain_error_frame_has_a_code_or_none(void **state)
{
	(void)state;
	buf_clear(&out);
	contract_error_frame("a", "say \"b\"", &out);
	assert_true(view_is(buf_view(&out),
	    "{\"type\":\"error\",\"code\":\"a\",\"message\":\"say "
	    "\\\"b\\\"\"}"));
	buf_clear(&out);
	contract_error_frame(NULL, "b", &out);
	assert_true(
	    view_is(buf_view(&out), "{\"type\":\"error\",\"message\":\"b\"}"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_refusal_has_its_code_and_its_text),
		cmocka_unit_test(what_only_looks_wrong_is_valid),
		cmocka_unit_test(an_unknown_type_is_printed_as_python_does),
		cmocka_unit_test(a_long_type_is_cut_between_characters),
		cmocka_unit_test(a_misspelt_member_is_named_with_the_nearest),
		cmocka_unit_test(a_member_that_is_there_twice_is_named_as_well),
		cmocka_unit_test(a_misspelt_type_is_named_with_the_nearest),
		cmocka_unit_test(
		    a_member_with_a_refusal_of_its_own_is_listed_once),
		cmocka_unit_test(at_most_ten_violations_are_listed),
		cmocka_unit_test(no_value_of_the_frame_is_repeated),
		cmocka_unit_test(another_contract_words_its_own_refusals),
		cmocka_unit_test(a_plain_error_frame_has_a_code_or_none),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
