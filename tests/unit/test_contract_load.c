/* SPDX-License-Identifier: MIT */

/* What a folder must be to be loaded; each refusal once, with the place that
 * it names. */

#include "contract.h"
#include "contract_files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(rows)   (sizeof(rows) / sizeof((rows)[0]))
#define OTHER         RELAY_SOURCE_DIR "/tests/data/contract-other"
#define BUNDLED       RELAY_SOURCE_DIR "/schemas/fleet-rlm/3"
#define BUNDLED_FIRST RELAY_SOURCE_DIR "/schemas/fleet-rlm/2"

static const char contract_json[] =
    "{\"name\":\"x\",\"version\":\"1\",\"endpoints\":{"
    "\"talk\":{\"path\":\"/talk\",\"direction\":\"both\","
    "\"client\":{\"discriminator\":\"/type\",\"session\":\"/s\","
    "\"messages\":{\"ask\":\"a.schema.json#/$defs/ask\"}},"
    "\"server\":{\"discriminator\":\"/type\","
    "\"messages\":{\"tell\":\"a.schema.json#/$defs/tell\"}}},"
    "\"watch\":{\"path\":\"/watch\",\"direction\":\"server\","
    "\"session_query\":\"s\","
    "\"server\":{\"discriminator\":\"/type\","
    "\"messages\":{\"tell\":\"a.schema.json#/$defs/tell\"}}}}}";
static const char schema_json[] =
    "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
    "\"$defs\":{\"ask\":{\"type\":\"object\"},"
    "\"tell\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":"
    "\"integer\"}},\"examples\":[{\"n\":1},{\"n\":2}]}}}";

static char folder[64];
static struct error err;

/* --- a folder of our own --- */

static void
path_of(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", folder, name);
}

static void
write_file(const char *name, struct view text)
{
	char path[512];
	path_of(name, path, sizeof(path));
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text.data, 1, text.len, file), text.len);
	fclose(file);
}

static void
remove_file(const char *name)
{
	char path[512];
	path_of(name, path, sizeof(path));
	remove(path);
}

/* The text with the first `find` replaced. */
static void
write_changed(
    const char *name, const char *text, const char *find, const char *replace)
{
	struct buf changed;
	const char *place = strstr(text, find);
	if (!place)
		fail_msg("%s is not in %s", find, name);
	buf_init(&changed, 0);
	buf_add(&changed, view_make(text, (size_t)(place - text)));
	buf_add_text(&changed, replace);
	buf_add_text(&changed, place + strlen(find));
	write_file(name, buf_view(&changed));
	buf_fini(&changed);
}

static void
write_good(void)
{
	write_file("contract.json", view_of(contract_json));
	write_file("a.schema.json", view_of(schema_json));
}

static struct contract *
load(const char *directory)
{
	err = (struct error){ "", "" };
	return contract_load(directory, &err);
}

static struct contract *
load_good(const char *directory)
{
	struct contract *contract = load(directory);
	if (!contract)
		fail_msg("%s: %s", err.where, err.message);
	return contract;
}

static void
assert_refused(const char *where, const char *message)
{
	struct contract *contract = load(folder);
	if (contract)
		fail_msg("loaded, although: %s %s", where, message);
	size_t length = strlen(err.where);
	size_t size = strlen(where);
	if (length < size || strcmp(err.where + length - size, where) != 0)
		fail_msg(
		    "at %s (%s), not at %s", err.where, err.message, where);
	if (!strstr(err.message, message))
		fail_msg("\"%s\" is not in \"%s\"", message, err.message);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/relay-contract-XXXXXX");
	assert_non_null(mkdtemp(folder));
	write_good();
	return 0;
}

static int
teardown(void **state)
{
	static const char *const names[] = { "contract.json", "a.schema.json",
		"b.json", "out.json", "in.json", "bad name.json", "notes.txt",
		".hidden.json", "sub/c.json", "sub" };
	(void)state;
	for (size_t i = 0; i < COUNT(names); i++)
		remove_file(names[i]);
	rmdir(folder);
	return 0;
}

/* --- what is refused --- */

struct row {
	const char *find;
	const char *replace;
	const char *where;
	const char *message;
};

#define TERMINAL(items) "\"terminal\":[" items "],\"messages\":{\"tell\""

static const struct row contract_rows[] = {
	{ "{\"name\"", "[\"name\"", "contract.json", "is not JSON" },
	{ "\"name\":\"x\"", "\"name\":\"x\",\"name\":\"y\"", "contract.json",
	    "duplicate" },
	{ "\"name\":\"x\",", "", "contract.json#", "\"name\"" },
	{ "\"x\"", "7", "contract.json#/name", "a string, not number" },
	{ "\"x\"", "\"\"", "contract.json#/name", "1 to 4096" },
	{ "\"x\"", "\"a/b\"", "contract.json#/name", "letters" },
	{ "\"x\"", "\"a\\u0000\"", "contract.json#/name", "U+0000" },
	{ "\"version\"", "\"versoin\"", "contract.json#/versoin",
	    "did you mean \"version\"?" },
	{ "\"version\"", "\"colour\"", "contract.json#/colour",
	    "no member here" },
	{ "\"talk\":{", "\"a b\":{", "contract.json#/endpoints/a b",
	    "letters" },
	{ "\"path\":\"/talk\",", "", "contract.json#/endpoints/talk",
	    "\"path\"" },
	{ "/talk\"", "talk\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/t?x\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/../t\"", "contract.json#/endpoints/talk/path",
	    "wants a path" },
	{ "/talk\"", "/health\"", "contract.json#/endpoints/talk/path",
	    "the relay itself" },
	{ "/talk\"", "/api/v1/contract/x\"",
	    "contract.json#/endpoints/talk/path", "the relay itself" },
	{ "/watch\"", "/talk\"", "contract.json#/endpoints/watch/path",
	    "\"talk\" already: /talk" },
	{ "\"both\"", "\"in\"", "contract.json#/endpoints/talk/direction",
	    "\"both\" or \"server\"" },
	{ "\"both\"", "\"server\"", "contract.json#/endpoints/talk/client",
	    "direction \"both\"" },
	{ "\"direction\":\"server\"", "\"direction\":\"both\"",
	    "contract.json#/endpoints/watch/direction", "\"client\"" },
	{ "\"session_query\":\"s\",", "", "contract.json#/endpoints/watch",
	    "\"session_query\"" },
	{ "\"direction\":\"both\",",
	    "\"direction\":\"both\","
	    "\"session_query\":\"s\",",
	    "contract.json#/endpoints/talk/session_query", "\"server\"" },
	{ "\"direction\":\"both\",",
	    "\"direction\":\"both\",\"refuse_client\":{\"message\":\"m\"},",
	    "contract.json#/endpoints/talk/refuse_client", "\"server\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"no_session\":{\"message\":\"m\"},",
	    "contract.json#/endpoints/watch/no_session", "\"both\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"s\":{\"message\":"
	    "\"m\"}},",
	    "contract.json#/endpoints/watch/refuse_query", "session_query" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"code\":\"c\"}}"
	    ",",
	    "contract.json#/endpoints/watch/refuse_query/q", "\"message\"" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"message\":"
	    "\"m\",\"close\":1000}},",
	    "contract.json#/endpoints/watch/refuse_query/q/close", "1001" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_query\":{\"q\":{\"message\":"
	    "\"m\",\"close\":\"1008\"}},",
	    "contract.json#/endpoints/watch/refuse_query/q/close", "1001" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"refuse_client\":{\"message\":\"m\","
	    "\"allow_blank\":true},",
	    "contract.json#/endpoints/watch/refuse_client/allow_blank",
	    "no member here" },
	{ "\"session_query\":\"s\",",
	    "\"session_query\":\"s\",\"splice_cursor\":1,",
	    "contract.json#/endpoints/watch/splice_cursor", "true or false" },
	{ "\"/type\"", "\"type\"",
	    "contract.json#/endpoints/talk/client/discriminator",
	    "JSON pointer" },
	{ "\"/type\"", "\"/ty~2\"",
	    "contract.json#/endpoints/talk/client/discriminator",
	    "JSON pointer" },
	{ "\"session\":\"/s\"", "\"dedup\":[\"aks\"]",
	    "contract.json#/endpoints/talk/client/dedup",
	    "did you mean \"ask\"?" },
	{ "\"session\":\"/s\"", "\"dedup\":\"ask\"",
	    "contract.json#/endpoints/talk/client/dedup", "list of types" },
	{ "\"session\":\"/s\"", "\"type_text\":\"perl\"",
	    "contract.json#/endpoints/talk/client/type_text", "\"plain\"" },
	{ "\"session\":\"/s\"", "\"terminal\":[\"ask\"]",
	    "contract.json#/endpoints/talk/client/terminal", "no member here" },
	{ "\"session\":\"/s\"", "\"default_type\":\"aks\"",
	    "contract.json#/endpoints/talk/client/default_type",
	    "did you mean \"ask\"?" },
	{ "\"session\":\"/s\"",
	    "\"default_type\":\"ask\",\"missing_type\":{\"message\":\"m\"}",
	    "contract.json#/endpoints/talk/client/missing_type",
	    "without a type it is" },
	{ "\"messages\":{\"tell\"",
	    "\"terminal\":\"tell\",\"messages\":{\"tell\"",
	    "contract.json#/endpoints/talk/server/terminal", "list of types" },
	{ "\"messages\":{\"tell\"", TERMINAL("{}"),
	    "contract.json#/endpoints/talk/server/terminal", "\"type\"" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tel\",\"at\":\"/n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal/type",
	    "did you mean \"tell\"?" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal/at",
	    "JSON pointer" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"/n\",\"values\":[]}"),
	    "contract.json#/endpoints/talk/server/terminal/values",
	    "list of texts" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("{\"type\":\"tell\",\"at\":\"/n\",\"values\":[\"a\",1]}"),
	    "contract.json#/endpoints/talk/server/terminal/values",
	    "a string" },
	{ "\"messages\":{\"tell\"",
	    TERMINAL("\"tell\",{\"type\":\"tell\",\"at\":\"/"
		     "n\",\"values\":[\"1\"]}"),
	    "contract.json#/endpoints/talk/server/terminal", "twice" },
	{ "\"ask\":\"a", "\"relay.ask\":\"a",
	    "contract.json#/endpoints/talk/client/messages/relay.ask",
	    "reserved" },
	{ "{\"ask\":\"a.schema.json#/$defs/ask\"}", "{}",
	    "contract.json#/endpoints/talk/client/messages", "messages" },
	{ "a.schema.json#/$defs/ask", "../a.schema.json",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file of this folder: ../a.schema.json" },
	{ "a.schema.json#/$defs/ask", "/etc/passwd",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file" },
	{ "a.schema.json#/$defs/ask", "contract.json",
	    "contract.json#/endpoints/talk/client/messages/ask",
	    "names no schema file" },
	{ "a.schema.json#/$defs/ask", "a.schema.json#/$defs/asks",
	    "a.schema.json#/$defs/asks", "" },
};

static void
each_mistake_in_the_contract_is_refused_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(contract_rows); i++) {
		const struct row *row = &contract_rows[i];
		write_changed(
		    "contract.json", contract_json, row->find, row->replace);
		assert_refused(row->where, row->message);
	}
	write_good();
	struct contract *contract = load_good(folder);
	contract_free(&contract);
}

static const struct row schema_rows[] = {
	{ "\"type\":\"object\"", "\"typ\":\"object\"",
	    "a.schema.json#/$defs/ask/typ", "" },
	{ "\"type\":\"object\"", "\"type\":\"objekt\"",
	    "a.schema.json#/$defs/ask/type", "" },
	{ "\"type\":\"object\"", "\"$ref\":\"http://e.example/x\"",
	    "a.schema.json#/$defs/ask/$ref", "" },
	{ "\"type\":\"object\"", "\"$ref\":\"file:///etc/passwd\"",
	    "a.schema.json#/$defs/ask/$ref", "" },
	{ "\"type\":\"object\"",
	    "\"x-error\":{\"cod\":\"c\",\"message\":\"m\"}",
	    "a.schema.json#/$defs/ask/x-error", "other members" },
	{ "\"type\":\"object\"", "\"x-error\":{\"code\":\"c\"}",
	    "a.schema.json#/$defs/ask/x-error", "message" },
	{ "{\"n\":2}", "{\"n\":\"2\"}", "a.schema.json#/$defs/tell/examples/1",
	    "/n type" },
};

static void
each_mistake_in_a_schema_is_refused_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(schema_rows); i++) {
		const struct row *row = &schema_rows[i];
		write_changed(
		    "a.schema.json", schema_json, row->find, row->replace);
		assert_refused(row->where, row->message);
	}
	write_good();
}

static void
a_property_that_is_called_examples_is_no_list_of_examples(void **state)
{
	(void)state;
	write_changed("a.schema.json", schema_json, "\"n\":{\"type\":",
	    "\"examples\":{\"type\":\"array\"},\"n\":{\"type\":");
	struct contract *contract = load_good(folder);
	contract_free(&contract);
	write_good();
}

/* --- the folder --- */

static void
a_folder_that_is_not_there_is_named(void **state)
{
	(void)state;
	assert_null(load("/nowhere/at/all"));
	assert_string_equal(err.where, "/nowhere/at/all");
	assert_null(load(OTHER "/contract.json"));
	assert_null(load(OTHER "/shapes"));
	assert_non_null(strstr(err.where, "contract.json"));
	assert_non_null(strstr(err.message, "is missing"));
}

static void
a_link_may_be_used_but_not_to_leave_the_folder(void **state)
{
	(void)state;
	char path[512];
	path_of("in.json", path, sizeof(path));
	assert_int_equal(symlink("a.schema.json", path), 0);
	struct contract *contract = load_good(folder);
	contract_free(&contract);
	remove_file("in.json");
	path_of("out.json", path, sizeof(path));
	assert_int_equal(symlink(OTHER "/work.json", path), 0);
	assert_refused("out.json", "leads out of the contract's folder");
	remove_file("out.json");
}

static void
other_files_are_not_looked_at(void **state)
{
	(void)state;
	write_file("notes.txt", view_of("{"));
	write_file(".hidden.json", view_of("{"));
	struct contract *contract = load_good(folder);
	contract_free(&contract);
	write_file("b.json", view_of("{"));
	assert_refused("b.json", "is not JSON");
	remove_file("b.json");
	write_file("bad name.json", view_of("{}"));
	assert_refused("bad name.json", "has a name with other characters");
	remove_file("bad name.json");
}

static void
a_file_of_4_mib_is_the_largest(void **state)
{
	(void)state;
	size_t size = 4u << 20;
	char *text = malloc(size + 1);
	memset(text, ' ', size + 1);
	memcpy(text, "{}", 2);
	write_file("b.json", view_make(text, size));
	struct contract *contract = load_good(folder);
	contract_free(&contract);
	write_file("b.json", view_make(text, size + 1));
	assert_refused("b.json", "larger than 4 MiB");
	remove_file("b.json");
	free(text);
}

static void
a_file_that_is_too_deep_is_refused(void **state)
{
	(void)state;
	char text[258];
	memset(text, '[', 129);
	memset(text + 129, ']', 129);
	write_file("b.json", view_make(text + 1, 256));
	struct contract *contract = load_good(folder);
	contract_free(&contract);
	write_file("b.json", view_make(text, 258));
	assert_refused("b.json", "nested too deep");
	remove_file("b.json");
}

/* --- the hash --- */

static void
hash_of(char hex[65])
{
	struct contract *contract = load_good(folder);
	memcpy(hex, contract->hash, 65);
	contract_free(&contract);
}

static void
the_hash_is_over_the_canonical_form(void **state)
{
	(void)state;
	char before[65];
	char after[65];
	hash_of(before);
	assert_int_equal(strlen(before), 64);
	write_changed("contract.json", contract_json,
	    "\"name\":\"x\",\"version\":\"1\"",
	    "\"v\\u0065rsion\" : \"\\u0031\",\n\"name\":\"x\"");
	hash_of(after);
	assert_string_equal(before, after);
	write_changed("contract.json", contract_json, "\"1\"", "\"2\"");
	hash_of(after);
	assert_string_not_equal(before, after);
	write_good();
	write_file("b.json", view_of("{}"));
	hash_of(after);
	assert_string_not_equal(before, after);
	remove_file("b.json");
	hash_of(after);
	assert_string_equal(before, after);
}

static void
canonical_json_sorts_members_by_their_bytes(void **state)
{
	(void)state;
	struct json_doc doc;
	struct json_fault fault;
	struct json_limits limits = { .max_depth = 8 };
	struct buf out;
	buf_init(&out, 0);
	json_doc_init(&doc);
	assert_int_equal(
	    json_scan(&doc,
		view_of(
		    " { \"b\" : [ 1.50 , { } ] , \"\\u0061a\" : \"\\/\\u00e9"
		    "\\n\" , \"a\" : null , \"\xc3\xa9\" : true } "),
		&limits, &fault),
	    0);
	contract_canonical(&doc, 0, &out);
	assert_true(view_is(buf_view(&out),
	    "{\"a\":null,\"aa\":\"/\xc3\xa9\\n\",\"b\":[1.50,{}],"
	    "\"\xc3\xa9\":true}"));
	json_doc_fini(&doc);
	buf_fini(&out);
}

/* Computed once by hand from the text that contract_files.h describes. */
static void
the_hash_of_a_known_folder_is_known(void **state)
{
	(void)state;
	struct contract_files files;
	char hex[65];
	write_file("contract.json", view_of("{ \"b\":1, \"a\":[] }"));
	write_file("a.schema.json", view_of("true"));
	assert_int_equal(contract_files_read(&files, folder, &err), 0);
	contract_files_hash(&files, hex);
	contract_files_fini(&files);
	assert_string_equal(hex,
	    "c3eb8024f73e884d97b86ea8540b217e252527c706fc7e97ce2699dc8e84cf51");
	write_good();
}

/* --- what is loaded --- */

static void
endpoints_keep_the_order_of_the_file(void **state)
{
	(void)state;
	struct contract *contract = load_good(BUNDLED);
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
	struct contract *contract = load_good(BUNDLED);
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
	struct contract *contract = load_good(BUNDLED);
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
	struct contract *contract = load_good(folder);
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
	struct contract *contract = load_good(OTHER);
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
	write_changed("contract.json", contract_json, "\"session\":\"/s\"",
	    "\"default_type\":\"ask\"");
	struct contract *contract = load_good(folder);
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
	write_good();
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
	struct contract *contract = load_good(BUNDLED_FIRST);
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
	write_changed("contract.json", contract_json,
	    "\"tell\":\"a.schema.json#/$defs/tell\"", text.data);
	struct contract *contract = load_good(folder);
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
	write_good();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    each_mistake_in_the_contract_is_refused_at_its_place),
		cmocka_unit_test(
		    each_mistake_in_a_schema_is_refused_at_its_place),
		cmocka_unit_test(
		    a_property_that_is_called_examples_is_no_list_of_examples),
		cmocka_unit_test(a_folder_that_is_not_there_is_named),
		cmocka_unit_test(
		    a_link_may_be_used_but_not_to_leave_the_folder),
		cmocka_unit_test(other_files_are_not_looked_at),
		cmocka_unit_test(a_file_of_4_mib_is_the_largest),
		cmocka_unit_test(a_file_that_is_too_deep_is_refused),
		cmocka_unit_test(the_hash_is_over_the_canonical_form),
		cmocka_unit_test(canonical_json_sorts_members_by_their_bytes),
		cmocka_unit_test(the_hash_of_a_known_folder_is_known),
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
	return cmocka_run_group_tests(tests, setup, teardown);
}
