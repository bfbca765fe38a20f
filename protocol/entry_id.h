/* SPDX-License-Identifier: MIT */
#ifndef ENTRY_ID_H
#define ENTRY_ID_H

/*
 * Ids of Redis stream entries, `<ms>-<seq>`, both 64 bits. They are the
 * cursors of the wire: order is by ms, then by seq.
 */

#include "view.h"

#include <stdint.h>

struct entry_id {
	uint64_t ms;
	uint64_t seq;
};

#define ENTRY_ID_TEXT_MAX 42 /* 20 + 1 + 20 digits and a NUL */
#define ENTRY_ID_ZERO     ((struct entry_id){ 0, 0 })

/* Strict: digits, one '-', digits; both parts present, at most 20 digits, at
 * most 2^64-1, no sign, no space, leading zeros allowed as Redis does.
 * 0 and *id_r, or -1. */
int entry_id_parse(struct view text, struct entry_id *id_r);

/* Writes `<ms>-<seq>` and a NUL; returns its length. */
size_t entry_id_print(struct entry_id id, char text[ENTRY_ID_TEXT_MAX]);

/* <0, 0, >0 like memcmp. */
int entry_id_compare(struct entry_id a, struct entry_id b);

/* The id just below: 3-0 -> 2-18446744073709551615; 0-0 stays 0-0. */
struct entry_id entry_id_before(struct entry_id id);

/* The id just above; the greatest id stays. */
struct entry_id entry_id_after(struct entry_id id);

static inline bool
entry_id_is_zero(struct entry_id id)
{
	return id.ms == 0 && id.seq == 0;
}

#endif
