/* SPDX-License-Identifier: MIT */

/* contract.json into structs: the tables of what may stand where. */

#include "contract_parts.h"
#include "contract_reader.h"
#include "nearest.h"
#include "xmalloc.h"

#include <stdlib.h>

#define MESSAGES_MAX 1024 /* of one side */
#define NAMES_MAX    64   /* most types that "did you mean" looks at */
#define COUNT(rows)  (sizeof(rows) / sizeof((rows)[0]))

static int
read_direction(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	enum contract_direction *direction = target;
	(void)member;
	if (json_string_is(reader->doc, value, view_of("both")))
		*direction = CONTRACT_BOTH;
	else if (json_string_is(reader->doc, value, view_of("server")))
		*direction = CONTRACT_SERVER_ONLY;
	else
		return reader_refuse(reader, "wants \"both\" or \"server\"");
	return 0;
}

static int
read_type_text(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	bool *is_python = target;
	(void)member;
	*is_python = json_string_is(reader->doc, value, view_of("python"));
	if (!*is_python &&
	    !json_string_is(reader->doc, value, view_of("plain")))
		return reader_refuse(reader, "wants \"plain\" or \"python\"");
	return 0;
}

/* --- refusals --- */

#define REFUSAL(field) offsetof(struct contract_refusal, field)

static const struct member refusal_members[] = {
	{ "code", false, reader_name, REFUSAL(code), 0 },
	{ "message", true, reader_text, REFUSAL(message), 0 },
	{ "close", false, reader_close, REFUSAL(close), 0 },
	{ "allow_blank", false, reader_flag, REFUSAL(allow_blank), 0 },
};

/* allow_blank, the last one, only speaks of query parameters. */
static int
read_refusal(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract_refusal **refusal = target;
	(void)member;
	*refusal = xcalloc(1, sizeof(**refusal));
	return reader_object(reader, value, *refusal, refusal_members,
	    COUNT(refusal_members) - 1);
}

static int
read_refuse_query(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract_endpoint *endpoint = target;
	(void)member;
	if (reader_expect(
		reader, value, JSON_OBJECT, "an object of parameters") == -1)
		return -1;
	uint32_t count = reader->doc->nodes[value].count;
	endpoint->refuse_query =
	    xcalloc(count + 1, sizeof(*endpoint->refuse_query));
	uint32_t key = value + 1;
	for (uint32_t i = 0; i < count; i++) {
		struct contract_refusal *refusal = &endpoint->refuse_query[i];
		endpoint->refuse_query_count++;
		if (reader_copy_text(reader, key, &refusal->name) == -1)
			return -1;
		size_t before = reader_enter(reader, view_of(refusal->name));
		if (reader_object(reader, key + 1, refusal, refusal_members,
			COUNT(refusal_members)) == -1)
			return -1;
		reader_leave(reader, before);
		key = reader->doc->nodes[key + 1].next;
	}
	return 0;
}

/* --- messages --- */

static int
read_message(
    struct reader *reader, uint32_t key, struct contract_message *message)
{
	if (reader_copy_text(reader, key, &message->type) == -1)
		return -1;
	size_t before = reader_enter(reader, view_of(message->type));
	if (strncmp(message->type, "relay.", 6) == 0)
		return reader_refuse(reader,
		    "is a type of the relay's own: relay.* is reserved");
	if (reader_copy_text(reader, key + 1, &message->reference) == -1)
		return -1;
	const char *hash = strchr(message->reference, '#');
	size_t length = hash ? (size_t)(hash - message->reference)
			     : strlen(message->reference);
	struct view path = view_make(message->reference, length);
	if (!contract_files_find(reader->files, path) ||
	    view_is(path, CONTRACT_FILE))
		return reader_refuse(reader,
		    "names no schema file of this folder: %s",
		    message->reference);
	reader_leave(reader, before);
	return 0;
}

static int
read_messages(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract_side *side = target;
	(void)member;
	if (reader_expect(
		reader, value, JSON_OBJECT, "an object of messages") == -1)
		return -1;
	uint32_t count = reader->doc->nodes[value].count;
	if (count == 0 || count > MESSAGES_MAX)
		return reader_refuse(
		    reader, "wants 1 to %d messages", MESSAGES_MAX);
	side->messages = xcalloc(count, sizeof(*side->messages));
	uint32_t key = value + 1;
	for (uint32_t i = 0; i < count; i++) {
		side->message_count++;
		if (read_message(reader, key, &side->messages[i]) == -1)
			return -1;
		key = reader->doc->nodes[key + 1].next;
	}
	contract_index(side);
	return 0;
}

static int
refuse_type(
    struct reader *reader, const struct contract_side *side, const char *type)
{
	const char *names[NAMES_MAX];
	size_t count = 0;
	for (; count < side->message_count && count < NAMES_MAX; count++)
		names[count] = side->messages[count].type;
	const char *near = nearest_name(view_of(type), names, count);
	return reader_refuse(reader,
	    "names \"%.64s\", which is no message here%s%s%s", type,
	    near ? "; did you mean \"" : "", near ? near : "",
	    near ? "\"?" : "");
}

/* The message of a type that stands at `value`; NULL: refused. */
static struct contract_message *
find_type(
    struct reader *reader, const struct contract_side *side, uint32_t value)
{
	char *type = NULL;
	if (reader_copy_text(reader, value, &type) == -1)
		return NULL;
	const struct contract_message *found =
	    contract_find(side, view_of(type));
	if (!found)
		refuse_type(reader, side, type);
	free(type);
	return found ? &side->messages[found - side->messages] : NULL;
}

/* A list of types, each of which gets the flag that the table names. */
static int
read_types(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	if (reader_expect(reader, value, JSON_ARRAY, "a list of types") == -1)
		return -1;
	uint32_t item = value + 1;
	for (uint32_t i = 0; i < reader->doc->nodes[value].count; i++) {
		struct contract_message *message =
		    find_type(reader, target, item);
		if (!message)
			return -1;
		*(bool *)((char *)message + member->flag) = true;
		item = reader->doc->nodes[item].next;
	}
	return 0;
}

static int
read_default_type(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract_side *side = target;
	(void)member;
	side->default_message = find_type(reader, side, value);
	return side->default_message ? 0 : -1;
}

/* --- what ends a run --- */

/* {"type","at","values"}: only with one of these values there. */
struct terminal {
	struct contract_side *side;
	struct contract_message *message;
	char *at;
	char **values;
	size_t count;
};

static int
read_terminal_type(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct terminal *terminal = target;
	(void)member;
	terminal->message = find_type(reader, terminal->side, value);
	return terminal->message ? 0 : -1;
}

static int
read_terminal_values(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct terminal *terminal = target;
	(void)member;
	uint32_t count = reader->doc->nodes[value].count;
	if (reader_type(reader, value) != JSON_ARRAY || count == 0)
		return reader_refuse(reader, "wants a list of texts");
	terminal->values = xcalloc(count, sizeof(*terminal->values));
	uint32_t item = value + 1;
	for (uint32_t i = 0; i < count; i++) {
		if (reader_copy_text(
			reader, item, &terminal->values[terminal->count]) == -1)
			return -1;
		terminal->count++;
		item = reader->doc->nodes[item].next;
	}
	return 0;
}

#define TERMINAL(field) offsetof(struct terminal, field)

static const struct member terminal_members[] = {
	{ "type", true, read_terminal_type, 0, 0 },
	{ "at", true, reader_pointer, TERMINAL(at), 0 },
	{ "values", true, read_terminal_values, 0, 0 },
};

/* The message takes what was read of it. */
static int
take_terminal(struct reader *reader, struct terminal *terminal)
{
	struct contract_message *message = terminal->message;
	if (message->is_terminal && (message->terminal_at || terminal->at))
		return reader_refuse(
		    reader, "has the type \"%.64s\" twice", message->type);
	message->is_terminal = true;
	message->terminal_at = terminal->at;
	message->terminal_values = terminal->values;
	message->terminal_value_count = terminal->count;
	*terminal = (struct terminal){ .side = NULL };
	return 0;
}

static void
fini_terminal(struct terminal *terminal)
{
	for (size_t i = 0; i < terminal->count; i++)
		free(terminal->values[i]);
	free(terminal->values);
	free(terminal->at);
}

static int
read_terminal(struct reader *reader, struct contract_side *side, uint32_t value)
{
	struct terminal terminal = { .side = side };
	int status;
	if (reader_type(reader, value) == JSON_OBJECT)
		status = reader_object(reader, value, &terminal,
		    terminal_members, COUNT(terminal_members));
	else
		status = read_terminal_type(reader, value, &terminal, NULL);
	if (status == 0)
		status = take_terminal(reader, &terminal);
	fini_terminal(&terminal);
	return status;
}

static int
read_terminals(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	(void)member;
	if (reader_expect(reader, value, JSON_ARRAY, "a list of types") == -1)
		return -1;
	uint32_t item = value + 1;
	for (uint32_t i = 0; i < reader->doc->nodes[value].count; i++) {
		if (read_terminal(reader, target, item) == -1)
			return -1;
		item = reader->doc->nodes[item].next;
	}
	return 0;
}

/* --- sides, endpoints, the whole --- */

#define SIDE(field)    offsetof(struct contract_side, field)
#define MESSAGE(field) offsetof(struct contract_message, field)

static const struct member client_members[] = {
	{ "discriminator", true, reader_pointer, SIDE(discriminator), 0 },
	{ "type_text", false, read_type_text, SIDE(python_type_text), 0 },
	{ "session", false, reader_pointer, SIDE(session), 0 },
	{ "request_id", false, reader_pointer, SIDE(request_id), 0 },
	{ "messages", true, read_messages, 0, 0 },
	{ "dedup", false, read_types, 0, MESSAGE(is_dedup) },
	{ "creates_session", false, read_types, 0, MESSAGE(creates_session) },
	{ "default_type", false, read_default_type, 0, 0 },
	{ "missing_type", false, read_refusal, SIDE(missing_type), 0 },
	{ "unknown_type", false, read_refusal, SIDE(unknown_type), 0 },
};

static const struct member server_members[] = {
	{ "discriminator", true, reader_pointer, SIDE(discriminator), 0 },
	{ "messages", true, read_messages, 0, 0 },
	{ "terminal", false, read_terminals, 0, 0 },
	{ "direct", false, read_types, 0, MESSAGE(is_direct) },
};

static int
read_client(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract_endpoint *endpoint = target;
	(void)member;
	endpoint->has_client = true;
	return reader_object(reader, value, &endpoint->client, client_members,
	    COUNT(client_members));
}

static int
read_server(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	(void)member;
	return reader_object(
	    reader, value, target, server_members, COUNT(server_members));
}

#define ENDPOINT(field) offsetof(struct contract_endpoint, field)

static const struct member endpoint_members[] = {
	{ "path", true, reader_text, ENDPOINT(path), 0 },
	{ "direction", true, read_direction, ENDPOINT(direction), 0 },
	{ "description", false, reader_skip_text, 0, 0 },
	{ "session_query", false, reader_text, ENDPOINT(session_query), 0 },
	{ "missing_session", false, read_refusal, ENDPOINT(missing_session),
	    0 },
	{ "no_session", false, read_refusal, ENDPOINT(no_session), 0 },
	{ "refuse_query", false, read_refuse_query, 0, 0 },
	{ "refuse_client", false, read_refusal, ENDPOINT(refuse_client), 0 },
	{ "splice_cursor", false, reader_flag, ENDPOINT(splice_cursor), 0 },
	{ "client", false, read_client, 0, 0 },
	{ "server", true, read_server, ENDPOINT(server), 0 },
};

static int
read_endpoints(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	struct contract *contract = target;
	if (reader_expect(
		reader, value, JSON_OBJECT, "an object of endpoints") == -1)
		return -1;
	uint32_t count = reader->doc->nodes[value].count;
	if (count == 0 || count > CONTRACT_ENDPOINTS_MAX)
		return reader_refuse(
		    reader, "wants 1 to %d endpoints", CONTRACT_ENDPOINTS_MAX);
	contract->endpoints = xcalloc(count, sizeof(*contract->endpoints));
	uint32_t key = value + 1;
	for (uint32_t i = 0; i < count; i++) {
		struct contract_endpoint *endpoint = &contract->endpoints[i];
		contract->endpoint_count++;
		endpoint->splice_cursor = true;
		size_t before = reader_enter(
		    reader, json_string(reader->doc, key, &reader->scratch));
		if (reader_name(reader, key, &endpoint->name, member) == -1 ||
		    reader_object(reader, key + 1, endpoint, endpoint_members,
			COUNT(endpoint_members)) == -1)
			return -1;
		reader_leave(reader, before);
		key = reader->doc->nodes[key + 1].next;
	}
	return 0;
}

static const struct member contract_members[] = {
	{ "name", true, reader_name, offsetof(struct contract, name), 0 },
	{ "version", true, reader_name, offsetof(struct contract, version), 0 },
	{ "description", false, reader_skip_text, 0, 0 },
	{ "endpoints", true, read_endpoints, 0, 0 },
};

int
contract_read(struct contract *contract, const struct contract_files *files,
    struct error *err)
{
	struct reader reader = { .files = files, .err = err };
	reader.doc = &contract_files_find(files, view_of(CONTRACT_FILE))->doc;
	buf_init(&reader.scratch, 0);
	int status = reader_object(
	    &reader, 0, contract, contract_members, COUNT(contract_members));
	buf_fini(&reader.scratch);
	return status;
}
