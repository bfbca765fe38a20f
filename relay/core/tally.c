/* SPDX-License-Identifier: MIT */
#include "tally.h"

#include "json.h"
#include "random.h"
#include "xmalloc.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define SLOTS_MIN 64u /* a power of two */

/* One address, as long as it has a connection. */
struct entry {
	struct entry *next;
	struct address block;
	uint64_t count;
};

struct tally {
	pthread_mutex_t lock;
	struct entry **slots;
	size_t slot_count;
	size_t entries;
	uint64_t total;
	uint64_t seed; /* clients choose addresses, but not their slots */
};

struct tally *
tally_new(void)
{
	struct tally *tally = xcalloc(1, sizeof(*tally));

	pthread_mutex_init(&tally->lock, NULL);
	tally->slot_count = SLOTS_MIN;
	tally->slots = xcalloc(SLOTS_MIN, sizeof(struct entry *));
	tally->seed = random_between(1, UINT64_MAX - 1);
	return tally;
}

void
tally_free(struct tally **tally_p)
{
	struct tally *tally = *tally_p;

	if (tally == NULL)
		return;
	for (size_t i = 0; i < tally->slot_count; i++) {
		while (tally->slots[i] != NULL) {
			struct entry *entry = tally->slots[i];
			tally->slots[i] = entry->next;
			free(entry);
		}
	}
	pthread_mutex_destroy(&tally->lock);
	free(tally->slots);
	free(tally);
	*tally_p = NULL;
}

static struct entry **
slot_of(const struct tally *tally, const struct address *block)
{
	struct {
		uint64_t seed;
		struct address block;
	} key;

	memset(&key, 0, sizeof(key));
	key.seed = tally->seed;
	memcpy(key.block.bytes, block->bytes, sizeof(key.block.bytes));
	key.block.kind = block->kind;
	return &tally->slots[json_hash(view_make(&key, sizeof(key))) &
	    (tally->slot_count - 1)];
}

/* Where the entry hangs, or would. */
static struct entry **
place_of(const struct tally *tally, const struct address *block)
{
	struct entry **at = slot_of(tally, block);

	while (*at != NULL && !address_is_equal(&(*at)->block, block))
		at = &(*at)->next;
	return at;
}

static void
grow(struct tally *tally)
{
	struct entry **before = tally->slots;
	size_t count = tally->slot_count;

	tally->slot_count = 2 * count;
	tally->slots = xcalloc(tally->slot_count, sizeof(struct entry *));
	for (size_t i = 0; i < count; i++) {
		while (before[i] != NULL) {
			struct entry *entry = before[i];
			struct entry **slot = slot_of(tally, &entry->block);
			before[i] = entry->next;
			entry->next = *slot;
			*slot = entry;
		}
	}
	free(before);
}

static int
judge(const struct tally *tally, const struct tally_limits *limits,
    const struct address *block)
{
	const struct entry *entry = *place_of(tally, block);

	if (limits->per_address > 0 && block->kind == ADDRESS_IP &&
	    entry != NULL && entry->count >= limits->per_address)
		return 429;
	return tally->total >= limits->total ? 503 : 0;
}

static void
count_one(struct tally *tally, const struct address *block)
{
	struct entry **place;

	if (tally->entries >= tally->slot_count)
		grow(tally);
	place = place_of(tally, block);
	if (*place == NULL) {
		*place = xcalloc(1, sizeof(struct entry));
		(*place)->block = *block;
		tally->entries++;
	}
	(*place)->count++;
	tally->total++;
}

int
tally_ask(struct tally *tally, const struct tally_limits *limits,
    const struct address *client)
{
	struct address block = address_block(client);
	int verdict;

	pthread_mutex_lock(&tally->lock);
	verdict = judge(tally, limits, &block);
	pthread_mutex_unlock(&tally->lock);
	return verdict;
}

int
tally_enter(struct tally *tally, const struct tally_limits *limits,
    const struct address *client)
{
	struct address block = address_block(client);
	int verdict;

	pthread_mutex_lock(&tally->lock);
	verdict = judge(tally, limits, &block);
	if (verdict == 0)
		count_one(tally, &block);
	pthread_mutex_unlock(&tally->lock);
	return verdict;
}

void
tally_leave(struct tally *tally, const struct address *client)
{
	struct address block = address_block(client);
	struct entry **place;

	pthread_mutex_lock(&tally->lock);
	place = place_of(tally, &block);
	assert(*place != NULL && tally->total > 0);
	tally->total--;
	if (--(*place)->count == 0) {
		struct entry *gone = *place;
		*place = gone->next;
		free(gone);
		tally->entries--;
	}
	pthread_mutex_unlock(&tally->lock);
}

uint64_t
tally_total(struct tally *tally)
{
	uint64_t total;

	pthread_mutex_lock(&tally->lock);
	total = tally->total;
	pthread_mutex_unlock(&tally->lock);
	return total;
}

/* Into its place among the rows, of which the last falls out when all are
 * taken. */
static size_t
rank(
    const struct entry *entry, struct tally_row *rows, size_t count, size_t max)
{
	size_t at = count;

	while (at > 0 && rows[at - 1].count < entry->count)
		at--;
	if (at == max)
		return count;
	if (count < max)
		count++;
	memmove(&rows[at + 1], &rows[at], (count - at - 1) * sizeof(*rows));
	rows[at] =
	    (struct tally_row){ .block = entry->block, .count = entry->count };
	return count;
}

size_t
tally_busiest(struct tally *tally, struct tally_row *rows_r, size_t max)
{
	size_t count = 0;

	pthread_mutex_lock(&tally->lock);
	for (size_t i = 0; i < tally->slot_count; i++) {
		for (const struct entry *entry = tally->slots[i]; entry != NULL;
		     entry = entry->next)
			count = rank(entry, rows_r, count, max);
	}
	pthread_mutex_unlock(&tally->lock);
	return count;
}
