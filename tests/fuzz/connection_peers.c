/* SPDX-License-Identifier: MIT */

/* Clients come, speak, read and go. */

#include "connection_play.h"

#include "stream_key.h"
#include "ws_frame.h"

#define ENDPOINT_CHAT  0
#define ENDPOINT_STEPS 1

/* --- a client comes --- */

enum come_bit {
	COME_STEPS = 1,   /* else to the chat endpoint */
	COME_NOTICES = 2, /* knows relay.v1 */
	COME_DEFLATE = 4,
	COME_CURSOR = 8, /* resumes from an entry that there is or was */
	COME_FIRST = 16, /* from the beginning */
	COME_QUERY = 32, /* and these bytes in the query */
	COME_TOKEN = 64, /* which ends some time */
	COME_SLOW = 128  /* has room for little */
};

static void
add_start(struct play *play, unsigned bits, struct wire *wire, struct buf *out)
{
	struct client *client = &wire->client;
	const struct model_stream *model = &client->stream->model;
	char text[ENTRY_ID_TEXT_MAX];
	if (bits & COME_FIRST) {
		client->has_last = true; /* of whatever life it has */
	} else if (bits & COME_CURSOR && model->count > 0) {
		const struct model_entry *entry =
		    &model->entries[play_next_byte(play) % model->count];
		client->has_last = true;
		client->last = entry->id;
		client->generation = entry->generation;
	} else {
		return;
	}
	entry_id_print(client->last, text);
	buf_addf(out, "&after=%s", text);
}

static void
add_query(struct play *play, unsigned bits, struct wire *wire, struct buf *out)
{
	char session[2] = { (char)('a' + play_next_byte(play) % 3), '\0' };
	struct buf key;
	if (bits & COME_STEPS) {
		buf_init(&key, 0);
		stream_key_events(&key, view_of("r:"), view_of("t"),
		    view_of("u"), view_of(session));
		wire->client.stream =
		    fake_redis_find(&play->redis, buf_view(&key));
		buf_fini(&key);
		buf_addf(out, "?session_id=%s", session);
		add_start(play, bits, wire, out);
	}
	if (!(bits & COME_QUERY))
		return;
	/* What is in there may say another session and start. */
	buf_add_char(out, bits & COME_STEPS ? '&' : '?');
	buf_add(out, play_next_bytes(play));
	wire->client.stream = NULL;
	wire->client.has_last = false;
}

static void
add_head(struct play *play, unsigned bits, struct wire *wire, struct buf *out)
{
	size_t endpoint = bits & COME_STEPS ? ENDPOINT_STEPS : ENDPOINT_CHAT;
	buf_addf(out, "GET %s", play->contract->endpoints[endpoint].path);
	add_query(play, bits, wire, out);
	buf_add_text(out,
	    " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
	if (bits & COME_NOTICES)
		buf_add_text(out, "Sec-WebSocket-Protocol: relay.v1\r\n");
	if (bits & COME_DEFLATE)
		buf_add_text(out,
		    "Sec-WebSocket-Extensions: permessage-deflate; "
		    "server_max_window_bits=10\r\n");
	buf_add_text(out, "\r\n");
}

void
play_come(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned bits = play_next_byte(play);
	struct buf head;
	if (wire->is_open)
		return;
	wire_open(wire, bits & COME_SLOW ? 600 : SIZE_MAX);
	if (bits & COME_TOKEN)
		wire->expires_ms =
		    FAKE_REDIS_MS + play->now_ms + 1000u * play_next_byte(play);
	buf_init(&head, 0);
	add_head(play, bits, wire, &head);
	wire_say(wire, buf_view(&head), 1000);
	buf_fini(&head);
}

/* Its own bytes from the very first: any request. */
void
play_come_raw(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned bits = play_next_byte(play);
	struct view bytes = play_next_bytes(play);
	if (!wire->is_open) {
		wire_open(wire, SIZE_MAX);
		wire->has_proxy_header = bits & 1;
		wire->is_admin = bits & 2;
	}
	wire_say(wire, bytes, 1 + bits / 4);
}

/* --- a client says something --- */

static const char *const said[] = {
	"{\"type\":\"message\",\"content\":\"hi\",\"session_id\":\"a\"}",
	"{\"type\":\"message\",\"content\":\"hi\"}",
	"{\"type\":\"message\",\"content\":\"hi\",\"session_id\":\"b\"}",
	"{\"type\":\"cancel\",\"session_id\":\"a\"}",
	"{\"type\":\"cancel\"}",
	"{\"type\":\"message\",\"content\":\"\\u0000\"}",
	"{\"type\":\"cancel\",\"session_id\":\"c\\n\"}",
	"{\"content\":\"no type\"}",
};
#define SAID_COUNT (sizeof(said) / sizeof(said[0]))

/* `first`: the frame's first byte. */
static void
add_frame(struct buf *out, unsigned first, uint8_t mask, struct view payload)
{
	char header[WS_FRAME_HEADER_MAX];
	size_t size = ws_frame_header(header, WS_TEXT, payload.len);
	header[0] = (char)first;
	header[1] = (char)(header[1] | 0x80);
	buf_add(out, view_make(header, size));
	for (int i = 0; i < 4; i++)
		buf_add_char(out, (char)mask);
	for (size_t i = 0; i < payload.len; i++)
		buf_add_char(out, (char)(payload.data[i] ^ mask));
}

void
play_say_message(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned which = play_next_byte(play);
	struct buf frames;
	buf_init(&frames, 0);
	for (unsigned i = 0; i <= which / SAID_COUNT % 8; i++)
		add_frame(&frames, 0x81, 0, view_of(said[which % SAID_COUNT]));
	wire_say(wire, buf_view(&frames), which & 64 ? 7 : SIZE_MAX);
	buf_fini(&frames);
}

void
play_say_frame(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned first = play_next_byte(play);
	uint8_t mask = play_next_byte(play);
	struct buf frame;
	buf_init(&frame, 0);
	add_frame(&frame, first, mask, play_next_bytes(play));
	wire_say(wire, buf_view(&frame), SIZE_MAX);
	buf_fini(&frame);
}

void
play_say_bytes(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	wire_say(wire, play_next_bytes(play), 1 + play_next_byte(play));
}

/* One message, in as many fragments as the script says, too long perhaps. */
void
play_say_much(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned count = play_next_byte(play);
	static const char zeros[64];
	struct buf frames;
	buf_init(&frames, 0);
	for (unsigned i = 0; i < count; i++)
		add_frame(&frames, i ? WS_CONTINUATION : WS_TEXT, 'x',
		    view_make(zeros, sizeof(zeros)));
	wire_say(wire, buf_view(&frames), 100);
	buf_fini(&frames);
}

void
play_read_some(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	unsigned room = play_next_byte(play);
	wire_read(wire, room == 255 ? SIZE_MAX : 16u * room);
}

void
play_go(struct play *play)
{
	struct wire *wire = play_next_wire(play);
	if (play_next_byte(play) & 1)
		wire_drop(wire);
	else
		wire_leave(wire);
}
