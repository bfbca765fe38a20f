/* SPDX-License-Identifier: MIT */
#include "source_parse.h"

#include "xmalloc.h"

#include <stdlib.h>

/* What an entry costs besides its fields' bytes; keeps the mean above 0. */
#define ENTRY_OVERHEAD_BYTES 64

void
source_entries_fini(struct source_entries *entries)
{
	free(entries->items);
	free(entries->first_values);
	memset(entries, 0, sizeof(*entries));
}

size_t
source_entries_behind(
    const struct source_entries *entries, struct entry_id position)
{
	size_t first = 0;

	while (first < entries->count &&
	    entry_id_compare(entries->items[first].id, position) <= 0)
		first++;
	return first;
}

static void
reserve(struct source_entries *entries, size_t count)
{
	if (count <= entries->capacity)
		return;
	entries->capacity = count;
	entries->items =
	    xrealloc(entries->items, count * sizeof(entries->items[0]));
	entries->first_values = xrealloc(
	    entries->first_values, count * sizeof(entries->first_values[0]));
}

/* The first of several fields of the same name counts. */
static void
take_field(struct batch_entry *entry, struct view name, struct view value)
{
	if (view_is(name, "event") && !entry->has_event) {
		entry->has_event = true;
		entry->event = value;
	} else if (view_is(name, "producer") && entry->producer.len == 0) {
		entry->producer = value;
	} else if (view_is(name, "traceparent") &&
	    entry->traceparent.len == 0) {
		entry->traceparent = value;
	} else if (view_is(name, "command") &&
	    entry_id_is_zero(entry->command)) {
		if (entry_id_parse(value, &entry->command) != 0)
			entry->command = ENTRY_ID_ZERO;
	}
}

static int
take_entry(const struct redis_value *value, struct source_entries *entries)
{
	const struct redis_value *fields = redis_value_at(value, 1);
	size_t count = redis_value_count(fields);
	struct batch_entry entry = { 0 };

	if (redis_value_count(value) != 2 || count % 2 != 0 ||
	    redis_value_type(fields) != REDIS_ARRAY ||
	    entry_id_parse(
		redis_value_text(redis_value_at(value, 0)), &entry.id) != 0)
		return -1;
	entries->bytes += ENTRY_OVERHEAD_BYTES;
	for (size_t i = 0; i < count; i += 2) {
		struct view name = redis_value_text(redis_value_at(fields, i));
		struct view text =
		    redis_value_text(redis_value_at(fields, i + 1));

		entries->bytes += name.len + text.len;
		take_field(&entry, name, text);
	}
	entries->first_values[entries->count] =
	    redis_value_text(redis_value_at(fields, 1));
	entries->items[entries->count++] = entry;
	return 0;
}

/* [[key, [entry, …]]], or nil when there is nothing. */
int
source_parse_entries(const struct redis_value *answer, struct entry_id after,
    struct source_entries *entries_r)
{
	const struct redis_value *stream = redis_value_at(answer, 0);
	const struct redis_value *list = redis_value_at(stream, 1);
	size_t count = redis_value_count(list);

	entries_r->count = 0;
	entries_r->bytes = 0;
	if (redis_value_type(answer) == REDIS_NIL)
		return 0;
	if (redis_value_count(answer) != 1 || redis_value_count(stream) != 2 ||
	    redis_value_type(list) != REDIS_ARRAY)
		return -1;
	reserve(entries_r, count);
	for (size_t i = 0; i < count; i++) {
		if (take_entry(redis_value_at(list, i), entries_r) != 0)
			return -1;
		if (entry_id_compare(entries_r->items[i].id, after) <= 0)
			return -1;
		after = entries_r->items[i].id;
	}
	return 0;
}

static bool
begins(struct view text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

bool
source_parse_is_wrong_type(const struct redis_value *answer)
{
	return redis_value_type(answer) == REDIS_ERROR &&
	    begins(redis_value_text(answer), "WRONGTYPE");
}

static bool
is_forbidden(const struct redis_value *answer)
{
	return redis_value_type(answer) == REDIS_ERROR &&
	    begins(redis_value_text(answer), "EXECABORT");
}

const char *
source_parse_reason(const struct redis_value *answer)
{
	const char *reason = redis_error_reason(answer);

	if (reason != NULL)
		return reason;
	return is_forbidden(answer) ? "noperm" : "protocol";
}

static int
take_id(const struct redis_value *value, struct entry_id *id_r)
{
	return entry_id_parse(redis_value_text(value), id_r);
}

static int
take_count(const struct redis_value *value, uint64_t *count_r)
{
	int64_t number = redis_value_integer(value);

	if (redis_value_type(value) != REDIS_INTEGER || number < 0)
		return -1;
	*count_r = (uint64_t)number;
	return 0;
}

/* How large the entries are, as far as two of them tell: then the first read
 * already asks for the right number. */
static void
note_entry_bytes(const struct redis_value *entry, struct source_info *info)
{
	const struct redis_value *fields = redis_value_at(entry, 1);
	size_t bytes = ENTRY_OVERHEAD_BYTES;

	for (size_t i = 0; i < redis_value_count(fields); i++)
		bytes += redis_value_text(redis_value_at(fields, i)).len;
	if (bytes > info->entry_bytes)
		info->entry_bytes =
		    bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX;
}

static int
take_info(
    struct view name, const struct redis_value *value, struct source_info *info)
{
	if (view_is(name, "length"))
		return take_count(value, &info->length);
	if (view_is(name, "last-generated-id"))
		return take_id(value, &info->newest);
	if (view_is(name, "max-deleted-entry-id")) {
		info->knows_deleted = true;
		return take_id(value, &info->max_deleted);
	}
	if (view_is(name, "entries-added")) {
		info->knows_added = true;
		return take_count(value, &info->added);
	}
	if (redis_value_type(value) != REDIS_ARRAY)
		return 0;
	if (view_is(name, "first-entry") || view_is(name, "last-entry"))
		note_entry_bytes(value, info);
	if (view_is(name, "first-entry"))
		return take_id(redis_value_at(value, 0), &info->oldest);
	return 0;
}

int
source_parse_info(const struct redis_value *answer, struct source_info *info_r)
{
	size_t count = redis_value_count(answer);

	memset(info_r, 0, sizeof(*info_r));
	if (source_parse_is_wrong_type(answer)) {
		info_r->exists = true;
		info_r->wrong_type = true;
		return 0;
	}
	if (redis_value_type(answer) == REDIS_ERROR)
		return begins(redis_value_text(answer), "ERR no such key") ? 0
									   : -1;
	if (count == 0 || count % 2 != 0)
		return -1;
	info_r->exists = true;
	for (size_t i = 0; i < count; i += 2)
		if (take_info(redis_value_text(redis_value_at(answer, i)),
			redis_value_at(answer, i + 1), info_r) != 0)
			return -1;
	return 0;
}

/* [seconds, microseconds] */
int
source_parse_time(const struct redis_value *answer, uint64_t *unix_ms_r)
{
	uint64_t seconds = 0;
	uint64_t micros = 0;

	if (redis_value_count(answer) != 2 ||
	    !view_decimal(
		redis_value_text(redis_value_at(answer, 0)), 18, &seconds) ||
	    !view_decimal(
		redis_value_text(redis_value_at(answer, 1)), 18, &micros) ||
	    seconds > UINT64_MAX / 2000)
		return -1;
	*unix_ms_r = seconds * 1000 + micros / 1000;
	return 0;
}

int
source_parse_run_id(
    const struct redis_value *answer, char run_id_r[SOURCE_RUN_ID_MAX])
{
	static const char name[] = "run_id:";
	struct view text = redis_value_text(answer);
	const char *found = NULL;
	const char *end;
	size_t len;

	run_id_r[0] = '\0';
	if (redis_value_type(answer) == REDIS_TEXT && text.len > 0)
		found = memmem(text.data, text.len, name, sizeof(name) - 1);
	if (found == NULL)
		return -1;
	found += sizeof(name) - 1;
	end = memchr(found, '\r', (size_t)(text.data + text.len - found));
	len = end != NULL ? (size_t)(end - found) : 0;
	if (len == 0 || len >= SOURCE_RUN_ID_MAX)
		return -1;
	memcpy(run_id_r, found, len);
	run_id_r[len] = '\0';
	return 0;
}
