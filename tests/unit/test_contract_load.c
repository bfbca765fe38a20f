/* SPDX-License-Identifier: MIT */

/* What is loaded from a folder: endpoints, flags, words, and messages found by
 * their type. */

#include "contract_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define BUNDLED       RELAY_SOURCE_DIR "/schemas/fleet-rlm/3"
#define BUNDLED_FIRST RELAY_SOURCE_DIR "/schemas/fleet-rlm/2"

static void
endpoints_keep_the_order_of_the_file(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(BUNDLED);
	assert_string_equal(contract->name, "fleet-rlm");
	assert_string_equal(contract->version, "3");
	assert_int_equal(contract->endpoint_count, 2);
	const struct contract_endpoint *chat = &contract->endpoints[0];
	const struct contract_endpoint *execution = &contract->endpoints[1];
	assert_string_equal(chat->name, "chat");
	assert_string_equal(execution->path, "/api/v1/ws/execution/events");
	assert_int_equal(chat->direction, CONTRACT_BOTH);
	assert_true(chat->has_client && chat->splice_cursor);
	assert_null(chat->refuse_client);
	assert_null(chat->missing_session);
	assert_string_equal(execution->session_query, "session_id");
	assert_int_equal(execution->missing_session->close, 1008);
	assert_int_equal(chat->refuse_query_count, 3);
	assert_string_equal(chat->refuse_query[0].name, "workspace_id");
	assert_false(chat->refuse_query[0].allow_blank);
	assert_string_equal(chat->refuse_query[2].name, "session_id");
	assert_true(chat->refuse_query[2].allow_blank);
	contract_free(&contract);
	assert_null(contract);
	contract_free(&contract);
}

static const struct contract_message *
message_of(const struct contract_side *side, const char *type)
{
	for (size_t i = 0; i < side->message_count; i++)
		if (strcmp(side->messages[i].type, type) == 0)
			return &side->messages[i];
	return NULL;
}

static void
flags_are_those_of_the_lists(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(BUNDLED);
	const struct contract_side *client = &contract->endpoints[0].client;
	const struct contract_side *server = &contract->endpoints[0].server;
	const struct contract_side *execution = &contract->endpoints[1].server;
	assert_true(message_of(client, "message")->is_dedup);
	assert_true(message_of(client, "message")->creates_session);
	assert_false(message_of(client, "cancel")->is_dedup);
	assert_false(message_of(client, "command")->creates_session);
	assert_true(message_of(server, "execution_completed")->is_terminal);
	assert_true(message_of(server, "command_result")->is_direct);
	assert_true(message_of(server, "error")->is_direct);
	assert_false(message_of(server, "execution_step")->is_direct);
	assert_null(message_of(execution, "event"));
	assert_int_equal(execution->message_count, 3);
	contract_free(&contract);
}

static void
equal_references_share_one_schema(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(BUNDLED);
	const struct contract_message *one =
	    message_of(&contract->endpoints[0].server, "execution_step");
	const struct contract_message *other =
	    message_of(&contract->endpoints[1].server, "execution_step");
	assert_ptr_equal(one->schema, other->schema);
	assert_int_equal(contract->schema_count, 9);
	contract_free(&contract);
}

static void
what_the_contract_does_not_word_is_worded_for_it(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(folder);
	const struct contract_endpoint *talk = &contract->endpoints[0];
	const struct contract_endpoint *watch = &contract->endpoints[1];
	assert_string_equal(talk->no_session->code, "initial_message_required");
	assert_int_equal(talk->no_session->close, 1008);
	assert_string_equal(
	    watch->missing_session->message, "Missing required query param: s");
	assert_string_equal(
	    watch->refuse_client->code, "passive_subscription_only");
	assert_int_equal(watch->refuse_client->close, 1008);
	contract_free(&contract);
}

static void
a_contract_of_another_kind_loads_as_well(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(OTHER);
	const struct contract_endpoint *talk = &contract->endpoints[0];
	assert_string_equal(talk->client.discriminator, "/meta/kind");
	assert_string_equal(talk->client.session, "/meta/room");
	assert_string_equal(talk->client.request_id, "/meta/request");
	assert_false(talk->client.python_type_text);
	assert_int_equal(talk->refuse_query[0].close, 4400);
	assert_string_equal(contract->endpoints[1].session_query, "room");
	contract_free(&contract);
}

static void
without_a_type_a_frame_may_have_a_default(void **state)
{
	(void)state;
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 8 };
	struct schema_scratch *scratch = schema_scratch_new();
	const struct contract_message *message;
	json_doc_init(&doc);
	folder_write_changed("contract.json", folder_contract,
	    "\"session\":\"/s\"", "\"default_type\":\"ask\"");
	struct contract *contract = folder_load_good(folder);
	const struct contract_side *side = &contract->endpoints[0].client;
	json_scan(&doc, view_of("{}"), &limits, &fault);
	assert_ptr_equal(contract_select(side, &doc), &side->messages[0]);
	assert_int_equal(
	    contract_check(side, scratch, &doc, &message), CONTRACT_VALID);
	assert_ptr_equal(message, &side->messages[0]);
	json_scan(&doc, view_of("{\"type\":null}"), &limits, &fault);
	assert_int_equal(contract_check(side, scratch, &doc, &message),
	    CONTRACT_UNKNOWN_TYPE);
	contract_free(&contract);
	schema_scratch_free(&scratch);
	json_doc_fini(&doc);
	folder_write_good();
}

static bool
ends_run(const struct contract_side *side, const char *frame)
{
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 8 };
	json_doc_init(&doc);
	assert_int_equal(json_scan(&doc, view_of(frame), &limits, &fault), 0);
	const struct contract_message *message = contract_select(side, &doc);
	assert_non_null(message);
	bool ends = contract_ends_run(message, &doc);
	json_doc_fini(&doc);
	return ends;
}

static void
a_run_may_end_with_some_values_of_a_message_only(void **state)
{
	(void)state;
	struct contract *contract = folder_load_good(BUNDLED_FIRST);
	const struct contract_side *chat = &contract->endpoints[0].server;
	const struct contract_side *execution = &contract->endpoints[1].server;
	static const char *const ends[] = { "final", "cancelled", "error" };
	char frame[100];
	for (size_t i = 0; i < COUNT(ends); i++) {
		snprintf(frame, sizeof(frame),
		    "{\"type\":\"event\",\"data\":{\"kind\":\"%s\"}}", ends[i]);
		assert_true(ends_run(chat, frame));
	}
	assert_false(ends_run(
	    chat, "{\"type\":\"event\",\"data\":{\"kind\":\"status\"}}"));
	assert_false(
	    ends_run(chat, "{\"type\":\"event\",\"data\":{\"kind\":1}}"));
	assert_false(ends_run(chat, "{\"type\":\"event\"}"));
	assert_false(ends_run(chat, "{\"type\":\"error\"}"));
	assert_true(ends_run(execution, "{\"type\":\"execution_completed\"}"));
	contract_free(&contract);
}

static void
a_message_is_found_among_many(void **state)
{
	(void)state;
	struct buf text;
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 8 };
	char frame[64];
	buf_init(&text, 0);
	json_doc_init(&doc);
	for (unsigned i = 0; i < 500; i++)
		buf_addf(&text, "%s\"t%u\":\"a.schema.json#/$defs/tell\"",
		    i ? "," : "", i);
	buf_add_char(&text, '\0');
	folder_write_changed("contract.json", folder_contract,
	    "\"tell\":\"a.schema.json#/$defs/tell\"", text.data);
	struct contract *contract = folder_load_good(folder);
	const struct contract_side *side = &contract->endpoints[0].server;
	for (unsigned i = 0; i < 501; i++) {
		snprintf(frame, sizeof(frame), "{\"type\":\"\\u0074%u\"}", i);
		json_scan(&doc, view_of(frame), &limits, &fault);
		const struct contract_message *found =
		    contract_select(side, &doc);
		if (i == 500)
			assert_null(found);
		else
			assert_ptr_equal(found, &side->messages[i]);
	}
	contract_free(&contract);
	json_doc_fini(&doc);
	buf_fini(&text);
	folder_write_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(endpoints_keep_the_order_of_the_file),
		cmocka_unit_test(flags_are_those_of_the_lists),
		cmocka_unit_test(equal_references_share_one_schema),
		cmocka_unit_test(
		    what_the_contract_does_not_word_is_worded_for_it),
		cmocka_unit_test(a_contract_of_another_kind_loads_as_well),
		cmocka_unit_test(without_a_type_a_frame_may_have_a_default),
		cmocka_unit_test(
		    a_run_may_end_with_some_values_of_a_message_only),
		cmocka_unit_test(a_message_is_found_among_many),
	};
	return cmocka_run_group_tests(tests, folder_setup, folder_teardown);
}
