/* SPDX-License-Identifier: MIT */

/* The listeners of hub_world.h: they take frames apart and write down. */

#include "hub_world.h"
#include "ws_frame.h"
#include "xmalloc.h"

#include <assert.h>

#define RSV1 0x40

static void
log_word(struct listener *listener, const char *word)
{
	if (listener->log.len > 0)
		buf_add_char(&listener->log, ' ');
	buf_add_text(&listener->log, word);
}

static void
log_id(struct listener *listener, const char *prefix, struct entry_id id)
{
	char text[ENTRY_ID_TEXT_MAX];
	entry_id_print(id, text);
	log_word(listener, prefix);
	buf_add_text(&listener->log, text);
}

/* Every answer takes a place; the last one says full. */
static enum hub_write
answer(struct listener *listener)
{
	if (listener->room < 0)
		return HUB_WRITE_OK;
	assert(listener->room > 0); /* nothing comes while it is full */
	return --listener->room == 0 ? HUB_WRITE_FULL : HUB_WRITE_OK;
}

/* `{"cursor":"<id>"` in front, then `}` or `,` and the rest. */
static void
take_event(struct listener *listener, struct view payload)
{
	static const char head[] = "{\"cursor\":\"";
	struct entry_id id;
	size_t skip = sizeof(head) - 1;
	assert(payload.len > skip && memcmp(payload.data, head, skip) == 0);
	const char *quote =
	    memchr(payload.data + skip, '"', payload.len - skip);
	assert(quote != NULL);
	size_t length = (size_t)(quote - payload.data) - skip;
	assert(
	    entry_id_parse(view_make(payload.data + skip, length), &id) == 0);
	struct view rest =
	    view_make(quote + 1, payload.len - skip - length - 1);
	listener->events++;
	if (listener->on_event != NULL)
		listener->on_event(listener, id, rest);
	else
		log_id(listener, "", id);
}

static struct view
inflate_payload(struct listener *listener, struct view payload)
{
	struct view text;
	assert(listener->deflate_bits > 0);
	assert(ws_inflate(listener->inflater, payload, 1 << 20, &text) ==
	    WS_INFLATE_OK);
	assert(text.len > payload.len);
	listener->deflated++;
	return text;
}

static struct view
next_frame(struct listener *listener, struct view *frames)
{
	const uint8_t *bytes = (const uint8_t *)frames->data;
	assert(frames->len >= 2 && (bytes[0] & ~RSV1) == (0x80 | WS_TEXT));
	uint64_t length = bytes[1];
	size_t extra = length == 127 ? 8 : length == 126 ? 2 : 0;
	assert((bytes[1] & 0x80) == 0 && frames->len >= 2 + extra);
	if (extra > 0)
		length = 0;
	for (size_t i = 0; i < extra; i++)
		length = length << 8 | bytes[2 + i];
	size_t head = 2 + extra;
	assert(head == ws_frame_header_size(length));
	assert(frames->len >= head + length);
	struct view payload = view_make(frames->data + head, length);
	*frames = view_make(
	    frames->data + head + length, frames->len - head - length);
	return (bytes[0] & RSV1) != 0 ? inflate_payload(listener, payload)
				      : payload;
}

/* How many frames that were. */
static size_t
take_frames(struct listener *listener, struct view frames)
{
	size_t count = 0;
	listener->writes++;
	listener->write_bytes += frames.len;
	for (; frames.len > 0; count++)
		take_event(listener, next_frame(listener, &frames));
	assert(count > 0);
	return count;
}

static enum hub_write
on_straight_write(void *arg, struct view frames)
{
	struct listener *listener = arg;
	listener->told = HUB_WRITE_GONE;
	if (listener->is_gone)
		return HUB_WRITE_GONE;
	take_frames(listener, frames);
	listener->straight_writes++;
	listener->told = answer(listener);
	return listener->told;
}

static void
go_straight(struct listener *listener)
{
	if (listener->is_straight)
		hub_write_straight(
		    listener->subscription, on_straight_write, listener);
}

static void
on_answered(void *arg, enum hub_write answer)
{
	struct listener *listener = arg;
	assert(answer != HUB_WRITE_OK && answer == listener->told);
	listener->answers++;
	hub_write_straight(listener->subscription, NULL, NULL);
}

static enum hub_write
on_write(void *arg, struct view frames, size_t frame_count)
{
	struct listener *listener = arg;
	if (listener->is_gone)
		return HUB_WRITE_GONE;
	size_t frames_seen = take_frames(listener, frames);
	assert(frames_seen == frame_count);
	go_straight(listener);
	return answer(listener);
}

static void
on_opened(void *arg, const struct stream_info *info)
{
	struct listener *listener = arg;
	(void)info;
	if (listener->on_opened != NULL)
		listener->on_opened(listener);
	else if (listener->on_event == NULL)
		log_word(listener, "open");
}

static enum hub_write
on_live(void *arg, struct entry_id cursor, uint64_t replayed)
{
	struct listener *listener = arg;
	if (listener->is_gone)
		return HUB_WRITE_GONE;
	if (listener->on_live != NULL) {
		listener->on_live(listener, cursor, replayed);
		return answer(listener);
	}
	log_id(listener, "live:", cursor);
	buf_addf(&listener->log, "/%llu", (unsigned long long)replayed);
	return answer(listener);
}

static enum hub_write
on_gap(void *arg, const struct gap *gap)
{
	struct listener *listener = arg;
	char text[ENTRY_ID_TEXT_MAX];
	if (listener->is_gone)
		return HUB_WRITE_GONE;
	if (listener->on_gap != NULL) {
		listener->on_gap(listener, gap);
		return answer(listener);
	}
	log_word(listener, "gap:");
	buf_addf(&listener->log, "%s:", gap_reason_name(gap->reason));
	entry_id_print(gap->after, text);
	buf_addf(&listener->log, "%s..", text);
	entry_id_print(gap->through, text);
	buf_add_text(&listener->log, text);
	if (gap->resumes_known) {
		entry_id_print(gap->resumes_at, text);
		buf_addf(&listener->log, ">%s", text);
	}
	return answer(listener);
}

static enum hub_write
on_cursor(void *arg, struct entry_id cursor)
{
	struct listener *listener = arg;
	if (listener->is_gone)
		return HUB_WRITE_GONE;
	if (listener->on_cursor != NULL)
		listener->on_cursor(listener, cursor);
	else
		log_id(listener, "cur:", cursor);
	return answer(listener);
}

static void
on_ended(
    void *arg, struct entry_id id, struct entry_id command, bool is_terminal)
{
	struct listener *listener = arg;
	(void)command;
	if (listener->on_ended != NULL)
		listener->on_ended(listener, id, is_terminal);
	else
		log_id(listener, is_terminal ? "end:" : "ans:", id);
}

static enum hub_owns
on_owns(void *arg, struct entry_id command)
{
	struct listener *listener = arg;
	if (command.ms != listener->owner)
		return OWNS_NO;
	return listener->owns_unknown ? OWNS_UNKNOWN : OWNS_YES;
}

static void
on_unusable(void *arg)
{
	log_word(arg, "unusable");
}

const struct subscriber_ops listener_ops = {
	.write = on_write,
	.answered = on_answered,
	.opened = on_opened,
	.live = on_live,
	.gap = on_gap,
	.cursor = on_cursor,
	.ended = on_ended,
	.owns = on_owns,
	.unusable = on_unusable,
};

void
listener_init(struct listener *listener, struct world *world)
{
	*listener = (struct listener){ .world = world, .room = -1 };
	listener->inflater = ws_inflater_new();
	buf_init(&listener->log, 0);
}

void
listener_fini(struct listener *listener)
{
	hub_unsubscribe(listener->world->hub, &listener->subscription);
	ws_inflater_free(&listener->inflater);
	buf_fini(&listener->log);
}

void
listener_subscribe(struct listener *listener, const struct model_stream *stream,
    size_t endpoint, struct start start, bool notices, bool held)
{
	struct world *world = listener->world;
	assert(listener->subscription == NULL);
	listener->subscription =
	    hub_subscribe(world->hub, view_of(stream->key), endpoint, start,
		notices, held, &listener_ops, listener, world->now_ms);
	hub_deflate(listener->subscription, listener->deflate_bits);
	go_straight(listener);
}

void
listener_read(struct listener *listener, int room)
{
	listener->room = room;
	hub_resume(listener->world->hub, listener->subscription);
}

const char *
listener_log(struct listener *listener)
{
	buf_add_char(&listener->log, '\0');
	listener->log.len = 0;
	return listener->log.data;
}
