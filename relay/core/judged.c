/* SPDX-License-Identifier: MIT */
#include "judged.h"

#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>

static bool
set_has(const struct judged_set *set, struct entry_id id)
{
	for (unsigned i = 0; i < set->count; i++) {
		const struct judged_range *range = &set->ranges[i];
		if (entry_id_compare(range->after, id) < 0 &&
		    entry_id_compare(id, range->through) <= 0)
			return true;
	}
	return false;
}

static void
remove_at(struct judged_set *set, unsigned index)
{
	set->count--;
	memmove(&set->ranges[index], &set->ranges[index + 1],
	    (set->count - index) * sizeof(set->ranges[0]));
}

/* Widens `range` by every range that overlaps or touches it; these go. */
static void
swallow(struct judged_set *set, struct judged_range *range)
{
	unsigned i = 0;
	while (i < set->count) {
		struct judged_range *old = &set->ranges[i];
		if (entry_id_compare(old->through, range->after) < 0 ||
		    entry_id_compare(old->after, range->through) > 0) {
			i++;
			continue;
		}
		if (entry_id_compare(old->after, range->after) < 0)
			range->after = old->after;
		if (entry_id_compare(old->through, range->through) > 0)
			range->through = old->through;
		remove_at(set, i);
	}
}

static void
set_add(struct judged_set *set, struct entry_id after, struct entry_id through)
{
	if (entry_id_compare(after, through) >= 0)
		return;
	struct judged_range range = { after, through };
	swallow(set, &range);
	if (set->count == JUDGED_RANGES) {
		set->ranges[1].after = set->ranges[0].after;
		remove_at(set, 0);
		swallow(set, &range); /* it may lie between those two */
	}
	unsigned at = set->count;
	while (at > 0 &&
	    entry_id_compare(set->ranges[at - 1].after, range.after) > 0) {
		set->ranges[at] = set->ranges[at - 1];
		at--;
	}
	set->ranges[at] = range;
	set->count++;
}

bool
judged_has(const struct judged *judged, struct entry_id id)
{
	return set_has(&judged->now, id);
}

bool
judged_had(const struct judged *judged, struct entry_id id)
{
	return set_has(&judged->before, id);
}

void
judged_add(
    struct judged *judged, struct entry_id after, struct entry_id through)
{
	set_add(&judged->now, after, through);
}

void
judged_age(struct judged *judged)
{
	struct judged_set *now = &judged->now;
	for (unsigned i = 0; i < now->count; i++)
		set_add(&judged->before, now->ranges[i].after,
		    now->ranges[i].through);
	*now = (struct judged_set){ 0 };
}

static struct entry_id
set_last(const struct judged_set *set)
{
	return set->count > 0 ? set->ranges[set->count - 1].through
			      : ENTRY_ID_ZERO;
}

struct entry_id
judged_last(const struct judged *judged)
{
	struct entry_id now = set_last(&judged->now);
	struct entry_id before = set_last(&judged->before);
	return entry_id_compare(now, before) > 0 ? now : before;
}

void
judged_memo_age(struct judged_memo *memo)
{
	for (unsigned i = 0; i < JUDGED_MEMO_PLACES; i++)
		if (memo->notes[i] != NULL)
			judged_age(&memo->notes[i]->judged);
}

void
judged_memo_fini(struct judged_memo *memo)
{
	for (unsigned i = 0; i < JUDGED_MEMO_PLACES; i++)
		free(memo->notes[i]);
}

void
judged_memo_keep(struct judged_memo *memo, uint32_t key_hash, size_t key_length,
    const struct judged *judged)
{
	struct judged_note **place =
	    &memo->notes[key_hash % JUDGED_MEMO_PLACES];
	if (judged->now.count == 0 && judged->before.count == 0)
		return;
	if (*place == NULL)
		*place = xmalloc(sizeof(**place));
	**place = (struct judged_note){ .key_hash = key_hash,
		.key_length = key_length,
		.judged = *judged };
}

struct judged
judged_memo_find(
    const struct judged_memo *memo, uint32_t key_hash, size_t key_length)
{
	const struct judged_note *note =
	    memo->notes[key_hash % JUDGED_MEMO_PLACES];
	if (note == NULL || note->key_hash != key_hash ||
	    note->key_length != key_length)
		return (struct judged){ 0 };
	return note->judged;
}
