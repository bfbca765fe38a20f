/* SPDX-License-Identifier: MIT */
#include "judged.h"

#include "xmalloc.h"

#include <stdlib.h>
#include <string.h>

bool
judged_has(const struct judged *judged, struct entry_id id)
{
	for (unsigned i = 0; i < judged->count; i++) {
		const struct judged_range *range = &judged->ranges[i];
		if (entry_id_compare(range->after, id) < 0 &&
		    entry_id_compare(id, range->through) <= 0)
			return true;
	}
	return false;
}

static void
remove_at(struct judged *judged, unsigned index)
{
	judged->count--;
	memmove(&judged->ranges[index], &judged->ranges[index + 1],
	    (judged->count - index) * sizeof(judged->ranges[0]));
}

/* Widens `range` by every range that overlaps or touches it; these go. */
static void
swallow(struct judged *judged, struct judged_range *range)
{
	unsigned i = 0;
	while (i < judged->count) {
		struct judged_range *old = &judged->ranges[i];
		if (entry_id_compare(old->through, range->after) < 0 ||
		    entry_id_compare(old->after, range->through) > 0) {
			i++;
			continue;
		}
		if (entry_id_compare(old->after, range->after) < 0)
			range->after = old->after;
		if (entry_id_compare(old->through, range->through) > 0)
			range->through = old->through;
		remove_at(judged, i);
	}
}

void
judged_add(
    struct judged *judged, struct entry_id after, struct entry_id through)
{
	if (entry_id_compare(after, through) >= 0)
		return;
	struct judged_range range = { after, through };
	swallow(judged, &range);
	if (judged->count == JUDGED_RANGES) {
		judged->ranges[1].after = judged->ranges[0].after;
		remove_at(judged, 0);
		swallow(judged, &range); /* it may lie between those two */
	}
	unsigned at = judged->count;
	while (at > 0 &&
	    entry_id_compare(judged->ranges[at - 1].after, range.after) > 0) {
		judged->ranges[at] = judged->ranges[at - 1];
		at--;
	}
	judged->ranges[at] = range;
	judged->count++;
}

struct entry_id
judged_last(const struct judged *judged)
{
	if (judged->count == 0)
		return ENTRY_ID_ZERO;
	return judged->ranges[judged->count - 1].through;
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
	if (judged->count == 0)
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
