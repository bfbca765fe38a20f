/* SPDX-License-Identifier: MIT */
#include "connection_client.h"

#include "fuzz.h"
#include "json.h"
#include "stream_key.h"
#include "utf8.h"
#include "ws_deflate.h"
#include "ws_frame.h"

#define MESSAGE_MAX ((size_t)8 << 20)
#define NO_END      ((struct entry_id){ UINT64_MAX, UINT64_MAX })

static bool
is_less(struct entry_id a, struct entry_id b)
{
	return entry_id_compare(a, b) < 0;
}

/* --- text --- */

static const struct json_doc *
scan(struct view text)
{
	static struct json_doc doc;
	const struct json_limits limits = { .max_depth = 512 };
	struct json_fault fault;
	if (doc.nodes == NULL)
		json_doc_init(&doc);
	must(json_scan(&doc, text, &limits, &fault) == 0);
	must(doc.nodes[0].type == JSON_OBJECT);
	return &doc;
}

void
must_be_object(struct view text)
{
	scan(text);
}

static struct entry_id
member_id(const struct json_doc *doc, const char *name)
{
	struct entry_id id;
	uint32_t node = json_member(doc, 0, view_of(name));
	must(node != 0);
	struct view text = json_text(doc, node);
	must(text.len > 2 && text.data[0] == '"');
	must(entry_id_parse(view_make(text.data + 1, text.len - 2), &id) == 0);
	return id;
}

/* --- what must have come --- */

/* Nothing of its view may lie in (last, end) that it did not get. */
static void
check_missing(const struct client *client, struct entry_id end)
{
	if (!client->has_last || client->stream == NULL)
		return;
	const struct model_stream *model = &client->stream->model;
	for (size_t i = 0; i < model->count; i++) {
		const struct model_entry *entry = &model->entries[i];
		if (entry->generation != client->generation ||
		    !is_less(client->last, entry->id) ||
		    !is_less(entry->id, end) ||
		    !(entry->kind & 1 << client->endpoint))
			continue;
		/* No reader of Redis can know of what was deleted. */
		must(entry->is_deleted ||
		    (entry->is_trimmed && !client->notices));
	}
}

/* A life of the stream that is over must have been announced to those who can
 * be told; of one that nobody got anything of, there is nothing to know. */
void
client_check_complete(struct client *client)
{
	if (client->is_closed || client->stream == NULL ||
	    client->stream->model.wrong_type)
		return;
	unsigned now = client->stream->model.generation;
	if (client->generation == 0 && entry_id_is_zero(client->last))
		client->generation = now;
	if (client->notices || client->generation == now)
		check_missing(client, NO_END);
}

/* The latest of that id. */
static const struct model_entry *
find_entry(const struct client *client, struct entry_id id)
{
	const struct model_stream *model = &client->stream->model;
	for (size_t i = model->count; i > 0; i--)
		if (entry_id_compare(model->entries[i - 1].id, id) == 0)
			return &model->entries[i - 1];
	return NULL;
}

/* The producer's own bytes behind our member, but for white space round them. */
static void
check_bytes(const struct model_entry *entry, struct view rest)
{
	const char *object = strchr(entry->text, '{');
	must(object != NULL);
	object++;
	if (view_is(rest, "}")) {
		object += strspn(object, " \t\r\n");
		must(*object == '}');
		return;
	}
	must(rest.len > 1 && rest.data[0] == ',');
	must(strlen(object) >= rest.len - 1);
	must(memcmp(object, rest.data + 1, rest.len - 1) == 0);
	must(object[rest.len - 1 + strspn(object + rest.len - 1, " \t\r\n")] ==
	    '\0');
}

static void
take_event(struct client *client, struct entry_id id, struct view rest)
{
	client->is_switched = false;
	if (client->stream == NULL)
		return;
	const struct model_entry *entry = find_entry(client, id);
	must(entry != NULL);
	check_bytes(entry, rest);
	if (entry->generation == client->generation && client->has_last)
		must(is_less(client->last, id));
	else if (!client->notices)
		client->has_last = false;
	client->generation = entry->generation;
	check_missing(client, id);
	client->has_last = true;
	client->last = id;
}

/* --- notices --- */

static void
take_gap(struct client *client, const struct json_doc *doc)
{
	struct entry_id after = member_id(doc, "after");
	struct entry_id through = member_id(doc, "through");
	uint32_t reason = json_member(doc, 0, view_of("reason"));
	must(client->notices && reason != 0);
	if (json_string_is(doc, reason, view_of("recreated")) ||
	    json_string_is(doc, reason, view_of("rewound"))) {
		client->has_last = true;
		client->last = ENTRY_ID_ZERO;
		client->generation = 0;
		return;
	}
	check_missing(client, entry_id_after(after));
	if (!client->has_last || is_less(client->last, through))
		client->last = through;
	client->has_last = true;
}

/* Everything up to there was delivered. */
static void
take_position(struct client *client, struct entry_id cursor)
{
	must(client->notices);
	if (client->has_last)
		must(!is_less(cursor, client->last));
	check_missing(client, entry_id_after(cursor));
	client->last = cursor;
	client->has_last = true;
}

static void
take_live(struct client *client, struct entry_id cursor)
{
	if (!client->is_chat) {
		take_position(client, cursor);
		return;
	}
	/* Perhaps of a session whose ack comes behind this. */
	client->is_switched = true;
	client->has_last = true;
	client->last = cursor;
	client->generation = 0;
}

static struct fake_stream *
stream_of(struct fake_redis *redis, struct view session)
{
	struct buf key;
	buf_init(&key, 0);
	stream_key_events(
	    &key, view_of("r:"), view_of("t"), view_of("u"), session);
	struct fake_stream *stream = fake_redis_find(redis, buf_view(&key));
	buf_fini(&key);
	return stream;
}

static void
take_ack(struct client *client, const struct json_doc *doc)
{
	struct buf scratch;
	uint32_t node = json_member(doc, 0, view_of("session_id"));
	uint32_t repeat = json_member(doc, 0, view_of("deduplicated"));
	member_id(doc, "command_id");
	must(client->is_chat && node != 0 && repeat != 0);
	buf_init(&scratch, 0);
	struct fake_stream *stream =
	    stream_of(client->redis, json_string(doc, node, &scratch));
	buf_fini(&scratch);
	bool is_repeat = doc->nodes[repeat].type == JSON_TRUE;
	if (is_repeat || (client->stream != stream && !client->is_switched))
		client->has_last = false;
	client->stream = stream;
	client->is_switched = false;
}

static void
take_notice(struct client *client, const struct json_doc *doc)
{
	uint32_t type = json_member(doc, 0, view_of("type"));
	must(type != 0);
	if (json_string_is(doc, type, view_of("relay.gap")))
		take_gap(client, doc);
	else if (json_string_is(doc, type, view_of("relay.cursor")))
		take_position(client, member_id(doc, "cursor"));
	else if (json_string_is(doc, type, view_of("relay.live")))
		take_live(client, member_id(doc, "cursor"));
	else if (json_string_is(doc, type, view_of("relay.ack")))
		take_ack(client, doc);
	else if (json_string_is(doc, type, view_of("relay.hello")))
		must(client->frames == 1);
}

static void
take_text(struct client *client, struct view text)
{
	static const char member[] = "{\"cursor\":\"";
	size_t size = sizeof(member) - 1;
	struct entry_id id;
	const struct json_doc *doc = scan(text);
	client->frames++;
	if (text.len < size || memcmp(text.data, member, size) != 0) {
		take_notice(client, doc);
		return;
	}
	const char *end = memchr(text.data + size, '"', text.len - size);
	struct view cursor =
	    view_make(text.data + size, (size_t)(end - text.data) - size);
	must(entry_id_parse(cursor, &id) == 0);
	take_event(client, id,
	    view_make(end + 1, text.len - (size_t)(end + 1 - text.data)));
}

/* --- frames --- */

static void
take_close(struct client *client, struct view payload)
{
	client->is_closed = true;
	if (payload.len == 0)
		return;
	must(payload.len >= 2);
	unsigned code = (unsigned)(unsigned char)payload.data[0] << 8 |
	    (unsigned char)payload.data[1];
	must(code >= 1000 && code < 5000 && code != 1005 && code != 1006);
	must(utf8_is_valid(view_make(payload.data + 2, payload.len - 2)));
}

static void
take_frame(struct client *client, unsigned char first, struct view payload)
{
	unsigned opcode = first & 0x0f;
	bool is_deflated = first & 0x40;
	must(!client->is_closed);
	must((first & 0xb0) == 0x80); /* FIN and nothing reserved */
	must(!is_deflated || (client->deflates && opcode == WS_TEXT));
	must(opcode < 8 || payload.len <= 125);
	if (opcode == WS_CLOSE) {
		take_close(client, payload);
	} else if (opcode == WS_TEXT) {
		if (is_deflated)
			must(ws_inflate(client->inflater, payload, MESSAGE_MAX,
				 &payload) == WS_INFLATE_OK);
		take_text(client, payload);
	} else {
		must(opcode == WS_PING || opcode == WS_PONG);
	}
}

/* Bytes of the frame at the front; 0: not all of it is there. */
static size_t
read_frame(struct client *client, const unsigned char *at, size_t len)
{
	uint64_t size = len > 1 ? at[1] & 0x7f : 0;
	size_t header = size < 126 ? 2 : size == 126 ? 4 : 10;
	if (len < header)
		return 0;
	must(!(at[1] & 0x80)); /* servers do not mask */
	if (header > 2)
		size = 0;
	for (size_t i = 2; i < header; i++)
		size = size << 8 | at[i];
	must(header == 2 || size > (header == 4 ? 125u : 65535u));
	if (len - header < size)
		return 0;
	take_frame(client, at[0], view_make(at + header, (size_t)size));
	return header + (size_t)size;
}

static size_t
read_head(struct client *client, struct view bytes)
{
	const char *end = memmem(bytes.data, bytes.len, "\r\n\r\n", 4);
	if (end == NULL)
		return 0;
	client->has_head = true;
	return (size_t)(end - bytes.data) + 4;
}

void
client_read(struct client *client, struct view bytes)
{
	struct buf *buf = &client->bytes;
	size_t used = 0;
	size_t one = 0;
	buf_add(buf, bytes);
	do {
		const char *at = buf->data + used;
		size_t len = buf->len - used;
		if (len == 0)
			break;
		one = client->has_head
		    ? read_frame(client, (const unsigned char *)at, len)
		    : read_head(client, view_make(at, len));
		used += one;
	} while (one > 0);
	must(!client->is_closed || used == buf->len);
	if (used > 0)
		memmove(buf->data, buf->data + used, buf->len - used);
	buf->len -= used;
}

void
client_fini(struct client *client)
{
	buf_fini(&client->bytes);
}
