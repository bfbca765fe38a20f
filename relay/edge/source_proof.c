/* SPDX-License-Identifier: MIT */
#include "source_proof.h"

static bool
is_before(struct entry_id a, struct entry_id b)
{
	return entry_id_compare(a, b) < 0;
}

/* Everything from the first entry on follows. */
static bool
void_position(const struct source_info *info, struct entry_id position,
    enum gap_reason reason, struct gap *gap_r)
{
	*gap_r = (struct gap){
		.reason = reason,
		.after = position,
		.through = ENTRY_ID_ZERO,
		.resumes_at = info->oldest,
		.resumes_known = !entry_id_is_zero(info->oldest),
	};
	return true;
}

/* What lies before `next` (or the tail, when nothing follows) cannot be had. */
static bool
skip_to(const struct source_info *info, struct entry_id position,
    struct entry_id next, enum gap_reason reason, struct gap *gap_r)
{
	bool has_next = !entry_id_is_zero(next);

	*gap_r = (struct gap){
		.reason = reason,
		.after = position,
		.through = has_next ? entry_id_before(next) : info->newest,
		.resumes_at = next,
		.resumes_known = has_next,
	};
	return true;
}

/* No id fits between the two: `through` of an earlier gap is such a position,
 * and must not bring the same gap again. */
static bool
is_adjacent(struct entry_id position, struct entry_id next)
{
	return entry_id_compare(entry_id_after(position), next) == 0;
}

/* Entries on both sides of the position, its own is missing. */
static bool
judge_hole(const struct source_info *info, struct entry_id position,
    struct entry_id next, struct gap *gap_r)
{
	bool has_deleted =
	    info->knows_deleted && !entry_id_is_zero(info->max_deleted);

	if (has_deleted && is_adjacent(position, next))
		return false;
	if (has_deleted && !is_before(info->max_deleted, position))
		return skip_to(info, position, next, GAP_DELETED, gap_r);
	return void_position(info, position, GAP_REWOUND, gap_r);
}

bool
source_proof_gap(const struct source_info *info, struct entry_id position,
    struct entry_id next, struct gap *gap_r)
{
	bool has_entries = !entry_id_is_zero(info->oldest);
	int newest = entry_id_compare(info->newest, position);

	/* The order of these questions is what makes them right. */
	if (!info->exists)
		return void_position(info, position, GAP_RECREATED, gap_r);
	if (newest == 0)
		return false; /* it was the last one, nothing came since */
	if (newest < 0)
		return void_position(info, position, GAP_REWOUND, gap_r);
	if (has_entries && !is_before(position, info->oldest))
		return judge_hole(info, position, next, gap_r);
	if (info->knows_added && info->added == info->length)
		return void_position(info, position, GAP_RECREATED, gap_r);
	if (is_adjacent(position, next))
		return false;
	return skip_to(info, position, next, GAP_TRIMMED, gap_r);
}

bool
source_proof_start(
    const struct source_info *info, struct entry_id start, struct gap *gap_r)
{
	bool has_entries = !entry_id_is_zero(info->oldest);

	if (!info->exists || !is_before(start, info->newest))
		return false;
	if (has_entries && !is_before(start, info->oldest))
		return false;
	if (info->knows_added && info->added == info->length)
		return false;
	return skip_to(info, start, info->oldest, GAP_TRIMMED, gap_r);
}
