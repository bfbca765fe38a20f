/* SPDX-License-Identifier: MIT */
#include "notice.h"

#include "ws_frame.h"

#include <assert.h>

void
notice_begin(struct buf *out)
{
	buf_clear(out);
	char *header = buf_reserve(out, WS_FRAME_HEADER_MAX);
	assert(header != NULL);
	memset(header, 0, WS_FRAME_HEADER_MAX);
	out->len += WS_FRAME_HEADER_MAX;
}

/* The header's size is known only now: it goes right before the payload. */
struct view
notice_finish(struct buf *out)
{
	size_t length = out->len - WS_FRAME_HEADER_MAX;
	char header[WS_FRAME_HEADER_MAX];
	size_t size = ws_frame_header(header, WS_TEXT, length);
	char *start = out->data + WS_FRAME_HEADER_MAX - size;
	memcpy(start, header, size);
	return view_make(start, size + length);
}

static void
add_id(struct buf *out, struct entry_id id)
{
	char text[ENTRY_ID_TEXT_MAX];
	size_t length = entry_id_print(id, text);
	buf_add_char(out, '"');
	buf_add(out, view_make(text, length));
	buf_add_char(out, '"');
}

static void
add_id_or_null(struct buf *out, bool is_known, struct entry_id id)
{
	if (is_known)
		add_id(out, id);
	else
		buf_add_text(out, "null");
}

static void
add_text(struct buf *out, const char *text)
{
	buf_add_json_string(out, view_of(text));
}

static void
add_request_id(struct buf *out, struct view request_id)
{
	if (request_id.len == 0)
		return;
	buf_add_text(out, ",\"request_id\":");
	buf_add(out, request_id);
}

static void
add_contract(struct buf *out, const struct contract *contract)
{
	buf_add_text(out, ",\"contract\":{\"name\":");
	add_text(out, contract->name);
	buf_add_text(out, ",\"version\":");
	add_text(out, contract->version);
	buf_add_text(out, ",\"hash\":");
	add_text(out, contract->hash);
	buf_add_char(out, '}');
}

void
notice_hello(struct buf *out, const struct notice_hello *hello)
{
	buf_add_text(
	    out, "{\"type\":\"relay.hello\",\"protocol\":\"relay.v1\"");
	add_contract(out, hello->contract);
	buf_add_text(out, ",\"endpoint\":");
	add_text(out, hello->endpoint);
	buf_add_text(out, ",\"session_id\":");
	if (hello->session.data != NULL)
		buf_add_json_string(out, hello->session);
	else
		buf_add_text(out, "null");
	buf_add_text(out, ",\"connection\":");
	buf_add_json_string(out, hello->connection);
	buf_add_text(out, ",\"oldest\":");
	add_id_or_null(
	    out, hello->has_ids && hello->has_entries, hello->oldest);
	buf_add_text(out, ",\"newest\":");
	add_id_or_null(out, hello->has_ids, hello->newest);
	buf_add_text(out, ",\"mode\":");
	add_text(out, hello->is_degraded ? "degraded" : "live");
	buf_addf(out, ",\"ping_interval_ms\":%u}", hello->ping_interval_ms);
}

void
notice_live(struct buf *out, struct entry_id cursor, uint64_t replayed)
{
	buf_add_text(out, "{\"type\":\"relay.live\",\"cursor\":");
	add_id(out, cursor);
	buf_add_text(out, ",\"replayed\":");
	buf_add_u64(out, replayed);
	buf_add_char(out, '}');
}

void
notice_cursor(struct buf *out, struct entry_id cursor)
{
	buf_add_text(out, "{\"type\":\"relay.cursor\",\"cursor\":");
	add_id(out, cursor);
	buf_add_char(out, '}');
}

void
notice_gap(struct buf *out, const struct gap *gap)
{
	buf_add_text(out, "{\"type\":\"relay.gap\",\"reason\":");
	add_text(out, gap_reason_name(gap->reason));
	buf_add_text(out, ",\"after\":");
	add_id(out, gap->after);
	buf_add_text(out, ",\"through\":");
	add_id(out, gap->through);
	buf_add_text(out, ",\"resumes_at\":");
	add_id_or_null(out, gap->resumes_known, gap->resumes_at);
	buf_add_char(out, '}');
}

static void
add_capability(struct buf *out, const char *key, const char *reason)
{
	buf_add_text(out, "{\"key\":");
	add_text(out, key);
	buf_add_text(out, ",\"reason\":");
	add_text(out, reason);
	buf_add_char(out, '}');
}

void
notice_degraded(
    struct buf *out, const char *reason, bool commands, uint64_t since_unix_ms)
{
	buf_add_text(out, "{\"type\":\"relay.degraded\",\"capabilities\":[");
	add_capability(out, "events", reason);
	if (commands) {
		buf_add_char(out, ',');
		add_capability(out, "commands", reason);
	}
	buf_add_text(out, "],\"since\":");
	buf_add_u64(out, since_unix_ms);
	buf_add_char(out, '}');
}

void
notice_recovered(struct buf *out, uint64_t duration_ms)
{
	buf_add_text(out, "{\"type\":\"relay.recovered\",\"duration_ms\":");
	buf_add_u64(out, duration_ms);
	buf_add_char(out, '}');
}

/* The notice's own `type` is taken, so the frame's type is `command_type`. */
void
notice_ack(struct buf *out, const struct notice_ack *ack)
{
	buf_add_text(out, "{\"type\":\"relay.ack\",\"command_id\":");
	add_id(out, ack->command);
	buf_add_text(out, ",\"session_id\":");
	buf_add_json_string(out, ack->session);
	buf_add_text(out, ",\"command_type\":");
	add_text(out, ack->type);
	add_request_id(out, ack->request_id);
	buf_addf(
	    out, ",\"deduplicated\":%s}", ack->deduplicated ? "true" : "false");
}

void
notice_expiring(struct buf *out, uint64_t expires_in_ms)
{
	buf_add_text(out, "{\"type\":\"relay.expiring\",\"expires_in_ms\":");
	buf_add_u64(out, expires_in_ms);
	buf_add_char(out, '}');
}

void
notice_drain(
    struct buf *out, uint64_t retry_after_ms, const struct entry_id *cursor)
{
	buf_add_text(out, "{\"type\":\"relay.drain\",\"retry_after_ms\":");
	buf_add_u64(out, retry_after_ms);
	buf_add_text(out, ",\"cursor\":");
	add_id_or_null(
	    out, cursor != NULL, cursor != NULL ? *cursor : ENTRY_ID_ZERO);
	buf_add_char(out, '}');
}

void
notice_error(struct buf *out, const char *code, const char *message,
    struct view request_id)
{
	buf_add_text(out, "{\"type\":\"error\"");
	if (code != NULL) {
		buf_add_text(out, ",\"code\":");
		add_text(out, code);
	}
	buf_add_text(out, ",\"message\":");
	add_text(out, message);
	add_request_id(out, request_id);
	buf_add_char(out, '}');
}
