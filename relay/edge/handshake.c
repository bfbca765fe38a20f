/* SPDX-License-Identifier: MIT */

/*
 * Reads the head line by line and stops at the first byte that is wrong. What
 * each header field means stands in one table; a field that is not in it is
 * checked for form and forgotten.
 */

#include "handshake.h"

#include "handshake_parts.h"

#define METHOD_MAX    32
#define TARGET_MAX    4800
#define FIELDS_MAX    100
#define PROTOCOLS_MAX 127

struct parse {
	const uint8_t *at;
	const uint8_t *end;
	struct handshake *result;
	int status;
	const char *reason;
	unsigned fields;
	unsigned versions;       /* Sec-WebSocket-Version fields */
	size_t protocols_length; /* over all Sec-WebSocket-Protocol fields */
	bool has_length;
	bool has_encoding;
};

struct field {
	const char *name;
	/* -1: parse->status and reason are set. */
	int (*take)(
	    struct parse *parse, const struct field *field, struct view value);
	size_t offset; /* of the view in struct handshake */
};

static int
fail(struct parse *parse, int status, const char *reason)
{
	parse->status = status;
	parse->reason = reason;
	return -1;
}

/* --- header fields --- */

static struct view *
slot(struct parse *parse, const struct field *field)
{
	return (struct view *)((char *)parse->result + field->offset);
}

static int
take_first(struct parse *parse, const struct field *field, struct view value)
{
	struct view *view = slot(parse, field);
	if (!view->data)
		*view = value;
	return 0;
}

static int
take_last(struct parse *parse, const struct field *field, struct view value)
{
	*slot(parse, field) = value;
	return 0;
}

/* Of too many the first ones go, which say least. */
static int
take_forwarded_for(
    struct parse *parse, const struct field *field, struct view value)
{
	struct handshake *result = parse->result;
	(void)field;
	if (result->forwarded_for_count == HANDSHAKE_FORWARDED_MAX) {
		memmove(result->forwarded_for, result->forwarded_for + 1,
		    (HANDSHAKE_FORWARDED_MAX - 1) * sizeof(struct view));
		result->forwarded_for_count--;
	}
	result->forwarded_for[result->forwarded_for_count++] = value;
	return 0;
}

static int
take_only(struct parse *parse, const struct field *field, struct view value)
{
	if (slot(parse, field)->data)
		return fail(parse, 400, "a header field appears twice");
	return take_first(parse, field, value);
}

static bool
lists_word(struct view list, const char *word)
{
	struct view item;
	while (handshake_next_item(&list, ',', &item)) {
		if (handshake_same_word(item, word))
			return true;
	}
	return false;
}

static int
take_upgrade(struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	parse->result->has_upgrade = true;
	if (lists_word(value, "websocket"))
		parse->result->wants_upgrade = true;
	return 0;
}

static int
take_connection(
    struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	if (lists_word(value, "upgrade"))
		parse->result->connection_upgrade = true;
	return 0;
}

static int
take_version(struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	parse->versions++;
	parse->result->version_13 =
	    parse->versions == 1 && view_is(value, "13");
	return 0;
}

static void
take_protocol(struct handshake *result, struct view item)
{
	static const char ticket[] = "ticket.";
	size_t prefix = sizeof(ticket) - 1;
	if (view_is(item, "relay.v1"))
		result->offers_relay_v1 = true;
	if (item.len > prefix && memcmp(item.data, ticket, prefix) == 0 &&
	    !result->ticket.data)
		result->ticket =
		    view_make(item.data + prefix, item.len - prefix);
}

static int
take_protocols(
    struct parse *parse, const struct field *field, struct view value)
{
	struct view list = value;
	struct view item;
	parse->result->offers_protocols = true;
	parse->protocols_length += value.len;
	if (parse->protocols_length > PROTOCOLS_MAX)
		return fail(parse, 400, "sub-protocol list too long");
	while (handshake_next_item(&list, ',', &item)) {
		if (item.len && !handshake_is_token(item))
			return fail(parse, 400, "malformed sub-protocol");
		take_protocol(parse->result, item);
	}
	return take_first(parse, field, value);
}

/* Of several fields the first that offers something counts. */
static int
take_extensions(
    struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	if (!parse->result->deflate.is_agreed)
		deflate_choose(value, &parse->result->deflate);
	return 0;
}

static int
take_length(struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	if (parse->has_length)
		return fail(parse, 400, "two Content-Length");
	if (value.len == 0 || value.len > 18)
		return fail(parse, 400, "malformed Content-Length");
	for (size_t i = 0; i < value.len; i++) {
		if (value.data[i] < '0' || value.data[i] > '9')
			return fail(parse, 400, "malformed Content-Length");
		if (value.data[i] != '0')
			parse->result->has_body = true;
	}
	parse->has_length = true;
	return 0;
}

static int
take_encoding(struct parse *parse, const struct field *field, struct view value)
{
	(void)field;
	(void)value;
	parse->has_encoding = true;
	parse->result->has_body = true;
	return 0;
}

#define SLOT(member) offsetof(struct handshake, member)

static const struct field fields[] = {
	{ "Host", take_only, SLOT(host) },
	{ "Origin", take_only, SLOT(origin) },
	{ "Authorization", take_only, SLOT(authorization) },
	{ "Sec-WebSocket-Key", take_only, SLOT(key) },
	{ "Sec-WebSocket-Version", take_version, 0 },
	{ "Sec-WebSocket-Protocol", take_protocols, SLOT(protocols) },
	{ "Sec-WebSocket-Extensions", take_extensions, 0 },
	{ "Upgrade", take_upgrade, 0 },
	{ "Connection", take_connection, 0 },
	{ "Content-Length", take_length, 0 },
	{ "Transfer-Encoding", take_encoding, 0 },
	{ "traceparent", take_first, SLOT(traceparent) },
	{ "X-Forwarded-For", take_forwarded_for, 0 },
	{ "X-Forwarded-Proto", take_last, SLOT(forwarded_proto) },
	{ "X-Forwarded-Host", take_last, SLOT(forwarded_host) },
	{ "Accept", take_first, SLOT(accept) },
};

static int
take_field(struct parse *parse, struct view line)
{
	if (line.data[0] == ' ' || line.data[0] == '\t')
		return fail(parse, 400, "folded header field");
	if (++parse->fields > FIELDS_MAX)
		return fail(parse, 431, "too many header fields");
	const char *colon = memchr(line.data, ':', line.len);
	size_t length = colon ? (size_t)(colon - line.data) : 0;
	struct view name = view_make(line.data, length);
	if (!handshake_is_token(name))
		return fail(parse, 400, "malformed header field");
	struct view value =
	    handshake_trim(view_make(colon + 1, line.len - name.len - 1));
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (handshake_same_word(name, fields[i].name))
			return fields[i].take(parse, &fields[i], value);
	}
	return 0;
}

/* --- request line --- */

/* Status 0: these are no bytes of HTTP, and an answer in HTTP helps nobody. */
static int
check_start(struct parse *parse)
{
	static const char *const foreign[] = { "PRI * HTTP/2.0", "PROXY " };
	size_t size = (size_t)(parse->end - parse->at);
	size_t length = 0;
	while (length < size && handshake_token_byte(parse->at[length]))
		length++;
	if (length > METHOD_MAX ||
	    (length < size && (length == 0 || parse->at[length] != ' ')))
		return fail(parse, 0, "not HTTP");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		size_t wanted = strlen(foreign[i]);
		if (size >= wanted &&
		    memcmp(parse->at, foreign[i], wanted) == 0)
			return fail(parse, 0, "another protocol");
	}
	return 0;
}

static int
take_target(struct parse *parse)
{
	struct handshake *result = parse->result;
	struct view target = result->target;
	if (view_is(result->method, "CONNECT") ||
	    view_is(result->method, "TRACE") ||
	    (view_is(result->method, "OPTIONS") && view_is(target, "*")))
		return fail(parse, 405, "method not allowed");
	if (target.len > TARGET_MAX)
		return fail(parse, 431, "request target too long");
	if (target.len == 0 || target.data[0] != '/')
		return fail(parse, 400, "request target is not a path");
	for (size_t i = 0; i < target.len; i++) {
		uint8_t byte = (uint8_t)target.data[i];
		if (byte <= ' ' || byte >= 0x7f)
			return fail(parse, 400, "malformed request target");
	}
	const char *mark = memchr(target.data, '?', target.len);
	size_t length = mark ? (size_t)(mark - target.data) : target.len;
	result->path = view_make(target.data, length);
	if (mark)
		result->query = view_make(mark + 1, target.len - length - 1);
	if (!handshake_is_clean_path(result->path))
		return fail(parse, 400, "malformed path");
	return 0;
}

static int
take_request_line(struct parse *parse, struct view line)
{
	struct handshake *result = parse->result;
	const char *end = line.data + line.len;
	const char *first = memchr(line.data, ' ', line.len);
	if (!first)
		return fail(parse, 0, "not HTTP");
	const char *second = memchr(first + 1, ' ', (size_t)(end - first - 1));
	if (!second)
		return fail(parse, 400, "no HTTP version");
	result->method = view_make(line.data, (size_t)(first - line.data));
	result->target = view_make(first + 1, (size_t)(second - first - 1));
	result->version = view_make(second + 1, (size_t)(end - second - 1));
	if (!view_is(result->version, "HTTP/1.1") &&
	    !view_is(result->version, "HTTP/1.0"))
		return fail(parse, 400, "HTTP/1.1 is spoken here");
	return take_target(parse);
}

/* --- the head as a whole --- */

/* The next line, without its CRLF. MORE when it has not ended yet. */
static enum handshake_state
next_line(struct parse *parse, struct view *line_r)
{
	const uint8_t *at = parse->at;
	while (at < parse->end && *at != '\r') {
		if (*at == '\n') {
			fail(parse, 400, "line ends without CR");
			return HANDSHAKE_BAD;
		}
		if ((*at < 0x20 && *at != '\t') || *at == 0x7f) {
			fail(parse, 400, "control byte");
			return HANDSHAKE_BAD;
		}
		at++;
	}
	if (parse->end - at < 2)
		return HANDSHAKE_MORE;
	if (at[1] != '\n') {
		fail(parse, 400, "CR without LF");
		return HANDSHAKE_BAD;
	}
	*line_r = view_make(parse->at, (size_t)(at - parse->at));
	parse->at = at + 2;
	return HANDSHAKE_COMPLETE;
}

static bool
is_key(struct view key)
{
	if (key.len != 24 || key.data[22] != '=' || key.data[23] != '=')
		return false;
	for (size_t i = 0; i < 22; i++) {
		uint8_t byte = (uint8_t)key.data[i];
		if (!(byte >= '0' && byte <= '9') &&
		    !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') &&
		    byte != '+' && byte != '/')
			return false;
	}
	return true;
}

static bool
is_host(struct view host)
{
	for (size_t i = 0; i < host.len; i++) {
		uint8_t byte = (uint8_t)host.data[i];
		if (!(byte >= '0' && byte <= '9') &&
		    !((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') &&
		    !strchr("-._~:[]%", byte))
			return false;
	}
	return host.len > 0;
}

static int
check_whole(struct parse *parse)
{
	struct handshake *result = parse->result;
	bool is_1_1 = view_is(result->version, "HTTP/1.1");
	if (parse->has_length && parse->has_encoding)
		return fail(parse, 400, "Content-Length and Transfer-Encoding");
	if (!result->host.data && is_1_1)
		return fail(parse, 400, "no Host");
	if (result->host.data && !is_host(result->host))
		return fail(parse, 400, "malformed Host");
	result->key_valid = is_key(result->key);
	return 0;
}

static enum handshake_state
parse_lines(struct parse *parse)
{
	for (bool is_first = true;; is_first = false) {
		struct view line;
		enum handshake_state state = next_line(parse, &line);
		if (state != HANDSHAKE_COMPLETE)
			return state;
		if (is_first) {
			if (take_request_line(parse, line) < 0)
				return HANDSHAKE_BAD;
			continue;
		}
		if (line.len == 0)
			return check_whole(parse) < 0 ? HANDSHAKE_BAD
						      : HANDSHAKE_COMPLETE;
		if (take_field(parse, line) < 0)
			return HANDSHAKE_BAD;
	}
}

enum handshake_state
handshake_parse_within(struct view head, size_t max,
    struct handshake *handshake_r, int *status_r, const char **reason_r)
{
	size_t size = head.len < max ? head.len : max;
	const uint8_t *start = (const uint8_t *)(size ? head.data : "");
	struct parse parse = {
		.at = start,
		.end = start + size,
		.result = handshake_r,
	};
	*handshake_r = (struct handshake){ 0 };
	enum handshake_state state =
	    check_start(&parse) < 0 ? HANDSHAKE_BAD : parse_lines(&parse);
	if (state == HANDSHAKE_MORE && size == max) {
		fail(&parse, 431, "request head too long");
		state = HANDSHAKE_BAD;
	}
	handshake_r->head_length = (size_t)(parse.at - start);
	*status_r = parse.status;
	*reason_r = parse.reason;
	return state;
}

enum handshake_state
handshake_parse(struct view head, struct handshake *handshake_r, int *status_r,
    const char **reason_r)
{
	return handshake_parse_within(
	    head, HANDSHAKE_HEAD_MAX, handshake_r, status_r, reason_r);
}
