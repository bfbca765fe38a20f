/* SPDX-License-Identifier: MIT */

/*
 * What Redis says of itself, and how long the relay's streams are. Bodies are
 * never asked for (XINFO STREAM would send two); keys of sessions name tenants
 * and users, so they are only counted.
 */

#include "bundle.h"
#include "redis_client.h"
#include "redis_link.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_MS  5000
#define SCANS_MAX   200  /* of 1000 keys each */
#define STREAMS_MAX 2000 /* whose length is asked for */

/* One look at one Redis. */
struct look {
	struct redis_client *client;
	struct bundle_part *part;
	uint64_t streams;
	uint64_t entries;
	uint64_t longest;
};

/* NULL: Redis refused or is gone; the part says so. */
static const struct redis_value *
ask(struct look *look, const char *verb, const char *one, const char *two)
{
	struct view argv[] = { view_of(verb), view_of(one),
		view_of(two ? two : "") };
	struct error err = { "", "" };
	const struct redis_value *value =
	    redis_client_command(look->client, argv, two ? 3 : 2, &err);
	if (!value)
		bundle_error(
		    look->part, "%s: %s: %s", verb, err.where, err.message);
	return value;
}

static void
print_info(struct look *look)
{
	static const char *const sections[] = { "server", "clients", "memory",
		"persistence", "stats", "replication", "keyspace" };
	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const struct redis_value *value =
		    ask(look, "INFO", sections[i], NULL);
		struct view text =
		    value ? redis_value_text(value) : view_of("");
		for (size_t k = 0; k < text.len; k++)
			if (text.data[k] != '\r')
				buf_add_char(&look->part->text, text.data[k]);
	}
}

/* name, consumers, pending, … of each group, as pairs. */
static void
print_group(struct look *look, const struct redis_value *group)
{
	struct buf *out = &look->part->text;
	buf_add_text(out, "  group");
	for (size_t i = 0; i + 1 < redis_value_count(group); i += 2) {
		const struct redis_value *value = redis_value_at(group, i + 1);
		struct view name = redis_value_text(redis_value_at(group, i));
		struct view text = redis_value_text(value);
		buf_addf(out, " %.*s=", (int)name.len, name.data);
		if (redis_value_type(value) == REDIS_INTEGER)
			buf_addf(out, "%" PRId64, redis_value_integer(value));
		else
			buf_addf(out, "%.*s", (int)text.len,
			    text.len ? text.data : "");
	}
	buf_add_char(out, '\n');
}

static void
print_stream(struct look *look, const char *what, const char *key)
{
	const struct redis_value *value = ask(look, "XLEN", key, NULL);
	if (!value)
		return;
	int64_t length = redis_value_integer(value);
	buf_addf(&look->part->text, "%s %s: %" PRId64 " entries\n", what, key,
	    length);
	if (length == 0)
		return; /* without a stream Redis refuses to name groups */
	value = ask(look, "XINFO", "GROUPS", key);
	for (size_t i = 0; value && i < redis_value_count(value); i++)
		print_group(look, redis_value_at(value, i));
}

/* The keys of one SCAN answer, kept apart from the answer: the next command
 * overwrites it. */
static void
add_keys(const struct redis_value *keys, struct buf *list)
{
	for (size_t i = 0; i < redis_value_count(keys); i++) {
		buf_add(list, redis_value_text(redis_value_at(keys, i)));
		buf_add_char(list, '\0');
	}
}

static void
measure(struct look *look, const struct buf *list)
{
	for (size_t at = 0; at < list->len; at += strlen(list->data + at) + 1) {
		if (look->streams++ >= STREAMS_MAX)
			continue;
		const struct redis_value *value =
		    ask(look, "XLEN", list->data + at, NULL);
		int64_t length = value ? redis_value_integer(value) : 0;
		look->entries += (uint64_t)length;
		if ((uint64_t)length > look->longest)
			look->longest = (uint64_t)length;
	}
}

/* One step of SCAN; the cursor is "0" again at the end. false: refused. */
static bool
scan(struct look *look, const char *pattern, char *cursor, size_t size)
{
	struct view argv[] = { view_of("SCAN"), view_of(cursor),
		view_of("MATCH"), view_of(pattern), view_of("COUNT"),
		view_of("1000") };
	struct error err = { "", "" };
	struct buf list;
	const struct redis_value *value =
	    redis_client_command(look->client, argv, 6, &err);
	if (!value || redis_value_count(value) != 2) {
		bundle_error(
		    look->part, "SCAN: %s: %s", err.where, err.message);
		return false;
	}
	struct view next = redis_value_text(redis_value_at(value, 0));
	snprintf(cursor, size, "%.*s", (int)next.len, next.data);
	buf_init(&list, 0);
	add_keys(redis_value_at(value, 1), &list);
	measure(look, &list);
	buf_fini(&list);
	return true;
}

static void
print_events(struct look *look, const char *prefix)
{
	char pattern[128];
	char cursor[32] = "0";
	int scans = 0;
	bool goes_on = true;
	snprintf(pattern, sizeof(pattern), "%sevents:*", prefix);
	while (goes_on && scans++ < SCANS_MAX)
		goes_on = scan(look, pattern, cursor, sizeof(cursor)) &&
		    strcmp(cursor, "0") != 0;
	buf_addf(&look->part->text,
	    "streams of sessions (%s): %" PRIu64 "%s, of the first %d: "
	    "%" PRIu64 " entries, the longest has %" PRIu64 "\n",
	    pattern, look->streams, goes_on ? " and more" : "", STREAMS_MAX,
	    look->entries, look->longest);
}

static void
print_streams(const struct bundle *bundle, struct look *look)
{
	const char *prefix =
	    bundle->has_config ? bundle->config.redis_prefix : "relay:";
	const char *commands =
	    bundle->has_config ? bundle->config.commands_stream : "";
	char key[512];
	buf_add_text(&look->part->text, "# Relay\n");
	snprintf(key, sizeof(key), "%scommands", prefix);
	print_stream(look, "commands", *commands ? commands : key);
	snprintf(key, sizeof(key), "%sdead-letters", prefix);
	print_stream(look, "dead letters", key);
	print_events(look, prefix);
}

int
bundle_gather_redis(struct bundle *bundle, struct bundle_part *part)
{
	struct error err = { "", "" };
	struct look look = { .part = part };
	if (!bundle->redis[0])
		return bundle_error(part,
		    "no Redis is named (--redis, --config), and no relay that "
		    "answers tells of its own");
	look.client = redis_client_open(bundle->redis, TIMEOUT_MS, &err);
	if (!look.client)
		return bundle_error(part, "%s: %s", err.where, err.message);
	bundle->has_redis = true;
	print_info(&look);
	print_streams(bundle, &look);
	redis_client_close(&look.client);
	return part->error[0] ? -1 : 0;
}
