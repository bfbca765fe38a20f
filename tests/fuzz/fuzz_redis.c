/* SPDX-License-Identifier: MIT */

/* Any bytes as what Redis answers: each complete reply goes through every
 * parser of answers. The first byte sets where the bytes are cut in two. */

#include "fuzz.h"
#include "redis_wire.h"
#include "source_parse.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void
walk(const struct redis_value *value, unsigned depth)
{
	struct view text = redis_value_text(value);
	unsigned sum = 0;
	for (size_t i = 0; i < text.len; i++)
		sum += (unsigned char)text.data[i];
	must(sum <= text.len * 255);
	redis_value_integer(value);
	redis_error_reason(value);
	for (size_t i = 0; i < redis_value_count(value) && depth < 16; i++)
		walk(redis_value_at(value, i), depth + 1);
	must(redis_value_at(value, redis_value_count(value)) == NULL);
}

static void
parse(const struct redis_value *value)
{
	static struct source_entries entries;
	struct source_info info;
	uint64_t unix_ms;
	char run_id[SOURCE_RUN_ID_MAX];
	struct entry_id after = ENTRY_ID_ZERO;
	walk(value, 0);
	redis_wire_message(value);
	if (source_parse_entries(value, after, &entries) == 0)
		for (size_t i = 0; i < entries.count; i++) {
			must(entry_id_compare(after, entries.items[i].id) < 0);
			after = entries.items[i].id;
		}
	source_parse_info(value, &info);
	source_parse_time(value, &unix_ms);
	source_parse_run_id(value, run_id);
	source_parse_is_wrong_type(value);
	source_parse_reason(value);
}

/* false: the connection is to be dropped. */
static bool
read_all(struct redis_wire *wire)
{
	struct redis_value *value;
	int got = 0;
	if (redis_wire_read(wire) == REDIS_WIRE_LOST)
		return false;
	while ((got = redis_wire_next(wire, &value)) == 1) {
		parse(value);
		redis_wire_free_value(value);
	}
	return got == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pair[2];
	if (size == 0)
		return 0;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) == 0);
	struct redis_wire *wire = redis_wire_new(pair[0]);
	const uint8_t *at = data + 1;
	size_t cut = data[0] < size ? data[0] : size - 1;
	must(wire);
	must(write(pair[1], at, cut) == (ssize_t)cut);
	if (read_all(wire)) {
		ssize_t rest = (ssize_t)(size - 1 - cut);
		must(write(pair[1], at + cut, (size_t)rest) == rest);
		read_all(wire);
	}
	redis_wire_free(&wire);
	close(pair[1]);
	return 0;
}
