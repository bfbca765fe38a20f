/* SPDX-License-Identifier: MIT */
#include "load_stamp.h"

#include "xmalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MARK         "bench="
#define MARK_BYTES   6
#define NUMBER_BYTES 8
#define TIME_BYTES   16
#define STREAM_BYTES 8
#define STAMP_BYTES  (MARK_BYTES + NUMBER_BYTES + TIME_BYTES + STREAM_BYTES)
#define TIME_MODULO  10000000000000000ull

static const char head[] =
    "{\"type\":\"execution_step\",\"run_id\":\"bench:1\","
    "\"workspace_id\":\"default\",\"user_id\":\"anonymous\","
    "\"session_id\":\"bench\",\"step\":{\"id\":\"s1\",\"parent_id\":null,"
    "\"type\":\"llm\",\"label\":\"assistant_token\",\"depth\":null,"
    "\"actor_kind\":null,\"actor_id\":null,\"lane_key\":null,"
    "\"input\":null,\"output\":{\"text\":\"";
static const char tail[] =
    "\"},\"timestamp\":1},\"summary\":null,\"sequence\":1,"
    "\"timestamp\":\"2026-05-30T09:00:03Z\"}";

void
load_event_init(struct load_event *event, size_t bytes)
{
	size_t fixed = sizeof(head) - 1 + sizeof(tail) - 1;
	assert(bytes >= LOAD_EVENT_MIN && bytes >= fixed + STAMP_BYTES);
	event->text = xmalloc(bytes);
	event->len = bytes;
	event->stamp_at = sizeof(head) - 1;
	memset(event->text, 'x', bytes);
	memcpy(event->text, head, sizeof(head) - 1);
	memcpy(event->text + event->stamp_at, MARK, MARK_BYTES);
	memcpy(
	    event->text + bytes - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
}

void
load_event_fini(struct load_event *event)
{
	free(event->text);
	event->text = NULL;
}

static void
write_digits(char *out, unsigned count, uint64_t value)
{
	while (count > 0) {
		out[--count] = (char)('0' + value % 10);
		value /= 10;
	}
}

void
load_event_stamp(struct load_event *event, const struct load_stamp *stamp)
{
	char *at = event->text + event->stamp_at + MARK_BYTES;
	write_digits(at, NUMBER_BYTES, stamp->number);
	write_digits(at + NUMBER_BYTES, TIME_BYTES, stamp->at_ns % TIME_MODULO);
	write_digits(
	    at + NUMBER_BYTES + TIME_BYTES, STREAM_BYTES, stamp->stream);
}

/* Eight digits at once: pairs, then fours, then all (little endian). */
static uint64_t
read_eight(const char *text)
{
	uint64_t word;
	memcpy(&word, text, sizeof(word));
	word = (word & 0x0f0f0f0f0f0f0f0full) * 2561 >> 8;
	word = (word & 0x00ff00ff00ff00ffull) * 6553601 >> 16;
	return (word & 0x0000ffff0000ffffull) * 42949672960001ull >> 32;
}

static void
read_stamp(const char *mark, struct load_stamp *stamp_r)
{
	const char *number = mark + MARK_BYTES;
	stamp_r->number = (uint32_t)read_eight(number);
	stamp_r->at_ns = read_eight(number + NUMBER_BYTES) * 100000000u +
	    read_eight(number + NUMBER_BYTES + 8);
	stamp_r->stream =
	    (uint32_t)read_eight(number + NUMBER_BYTES + TIME_BYTES);
}

static const char *
find_mark(struct view payload, uint32_t *from_end)
{
	const char *end = payload.data + payload.len;
	if (*from_end && *from_end <= payload.len &&
	    memcmp(end - *from_end, MARK, MARK_BYTES) == 0)
		return end - *from_end;
	const char *mark = memmem(payload.data, payload.len, MARK, MARK_BYTES);
	if (!mark || end - mark < STAMP_BYTES)
		return NULL;
	*from_end = (uint32_t)(end - mark);
	return mark;
}

int
load_stamp_read(
    struct view payload, uint32_t *from_end, struct load_stamp *stamp_r)
{
	const char *mark = find_mark(payload, from_end);
	if (!mark)
		return -1;
	read_stamp(mark, stamp_r);
	return 0;
}

uint64_t
load_now_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t
load_stamp_age(const struct load_stamp *stamp, uint64_t now_ns)
{
	return (now_ns + TIME_MODULO - stamp->at_ns) % TIME_MODULO;
}
