/* SPDX-License-Identifier: MIT */
#include "source_ask.h"

#include <stdio.h>

#define FIRST_COUNT 16
#define MAX_COUNT   4096
#define BYTES       (1024 * 1024)
#define BYTES_MANY  (32 * 1024)
#define MANY        64

static int
send_word(struct redis_link *link, const char *word)
{
	struct view argv = view_of(word);

	return redis_link_command(link, &argv, 1, 0, NULL, NULL);
}

int
source_ask_entries(struct redis_link *link, struct view key,
    struct entry_id after, uint32_t count, redis_answer_fn *answer, void *arg)
{
	char number[16];
	char id[ENTRY_ID_TEXT_MAX];
	struct view argv[6] = { view_of("XREAD"), view_of("COUNT"), { 0 },
		view_of("STREAMS"), key, { 0 } };

	snprintf(number, sizeof(number), "%u", (unsigned)count);
	argv[2] = view_of(number);
	argv[5] = view_make(id, entry_id_print(after, id));
	return redis_link_command(link, argv, 6, 0, answer, arg);
}

static int
ask_info(struct redis_link *link, struct view key)
{
	const struct view argv[3] = { view_of("XINFO"), view_of("STREAM"),
		key };

	return redis_link_command(link, argv, 3, 0, NULL, NULL);
}

static int
exec(struct redis_link *link, redis_answer_fn *answer, void *arg)
{
	struct view argv = view_of("EXEC");

	return redis_link_command(link, &argv, 1, 0, answer, arg);
}

/* A link that is up takes every command, so the first one tells. */
int
source_ask_open(struct redis_link *link, struct view key,
    redis_answer_fn *answer, void *arg)
{
	if (send_word(link, "MULTI") != 0)
		return -1;
	send_word(link, "TIME");
	ask_info(link, key);
	return exec(link, answer, arg);
}

int
source_ask_proof(struct redis_link *link, struct view key,
    struct entry_id after, uint32_t count, redis_answer_fn *answer, void *arg)
{
	if (send_word(link, "MULTI") != 0)
		return -1;
	ask_info(link, key);
	source_ask_entries(link, key, after, count, NULL, NULL);
	return exec(link, answer, arg);
}

size_t
source_ask_bytes(size_t in_flight)
{
	return in_flight < MANY ? BYTES : BYTES_MANY;
}

uint32_t
source_ask_count(uint32_t mean_bytes, size_t bytes)
{
	size_t count = mean_bytes > 0 ? bytes / mean_bytes : FIRST_COUNT;

	if (count < 1)
		count = 1;
	if (count > MAX_COUNT)
		count = MAX_COUNT;
	return (uint32_t)count + 1;
}

uint32_t
source_ask_mean(uint32_t mean_bytes, size_t bytes, size_t count)
{
	uint64_t fresh = count > 0 ? bytes / count : 0;

	if (fresh == 0)
		return mean_bytes;
	if (fresh > UINT32_MAX)
		fresh = UINT32_MAX;
	if (mean_bytes == 0)
		return (uint32_t)fresh;
	return (uint32_t)((3 * (uint64_t)mean_bytes + fresh) / 4);
}

uint32_t
source_ask_less(uint32_t mean_bytes)
{
	if (mean_bytes == 0)
		mean_bytes = BYTES / FIRST_COUNT;
	if (mean_bytes < BYTES / MAX_COUNT)
		mean_bytes = BYTES / MAX_COUNT;
	return mean_bytes < BYTES / 4 ? 4 * mean_bytes : BYTES;
}
