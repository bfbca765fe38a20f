/* SPDX-License-Identifier: MIT */
#ifndef SOURCE_PARSE_H
#define SOURCE_PARSE_H

/*
 * Redis' answers to XREAD, XINFO STREAM, TIME, ROLE and INFO turned into
 * values. Whatever does not have the expected shape is -1: the caller drops
 * the connection.
 */

#include "redis_link.h"
#include "source_proof.h"

/* Entries of one XREAD; reused, so that reading allocates nothing after
 * warm-up. The views live as long as the answer. */
struct source_entries {
	struct batch_entry *items;
	struct view *first_values; /* of each entry's first field */
	size_t count, capacity;
	size_t bytes; /* of all fields, with a rough overhead */
};

void source_entries_fini(struct source_entries *entries);
/* Index of the first entry behind `position`, count when there is none: up to
 * there it is the position's own, and no news. */
size_t source_entries_behind(
    const struct source_entries *entries, struct entry_id position);

/* One key's XREAD. Ids must rise strictly, above `after`. */
int source_parse_entries(const struct redis_value *answer,
    struct entry_id after, struct source_entries *entries_r);
/* An absent key and one of another type are no failure. */
int source_parse_info(
    const struct redis_value *answer, struct source_info *info_r);
int source_parse_time(const struct redis_value *answer, uint64_t *unix_ms_r);
#define SOURCE_RUN_ID_MAX 41
/* run_id of INFO server; empty when -1. */
int source_parse_run_id(
    const struct redis_value *answer, char run_id_r[SOURCE_RUN_ID_MAX]);
bool source_parse_is_wrong_type(const struct redis_value *answer);
/* Why an answer is not what was asked for, of redis_link's reasons: it may be
 * a transaction that was not run because one of its commands was refused. */
const char *source_parse_reason(const struct redis_value *answer);

#endif
