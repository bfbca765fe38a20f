/* SPDX-License-Identifier: MIT */
#include "drift_parts.h"

#include "xmalloc.h"

#include <stdlib.h>

static uint64_t
get(const _Atomic uint64_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

const char *
drift_row_type(const struct drift *drift, const struct drift_cell *cell)
{
	if (cell->key.message != DRIFT_NO_MESSAGE)
		return drift->messages[cell->key.message].message->type;
	return strcmp(cell->key.rule, "unknown_type") == 0 ? cell->key.seen.text
							   : "";
}

const char *
drift_cell_seen(const struct drift_cell *cell)
{
	return cell->key.seen.text[0] ? cell->key.seen.text
				      : cell->facts.seen.text;
}

void
drift_add_pointer(struct buf *out, const struct drift_cell *cell)
{
	buf_add_text(out, cell->key.pointer);
	if (!drift_is_about_member(cell->key.rule))
		return;
	buf_add_char(out, '/');
	if (!cell->key.seen.text[0])
		buf_add_char(out, '*');
	buf_add_token(out, view_of(cell->key.seen.text));
}

/* Messages are numbered alike in all drifts of a contract. */
int
drift_compare_message(const struct drift_key *a, const struct drift_key *b)
{
	if (a->direction != b->direction)
		return a->direction < b->direction ? -1 : 1;
	if (a->endpoint != b->endpoint)
		return a->endpoint < b->endpoint ? -1 : 1;
	if (a->message != b->message)
		return a->message < b->message ? -1 : 1;
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct drift_key *a =
	    &((const struct drift_row *)left)->cell->key;
	const struct drift_key *b =
	    &((const struct drift_row *)right)->cell->key;
	int order = drift_compare_message(a, b);
	if (order == 0)
		order = strcmp(a->pointer, b->pointer);
	if (order == 0)
		order = strcmp(a->rule, b->rule);
	if (order == 0)
		order = strcmp(a->seen.text, b->seen.text);
	if (order == 0)
		order = strcmp(a->missing.text, b->missing.text);
	if (order == 0)
		order = a->is_capped - b->is_capped;
	return order ? order : strcmp(a->producer.text, b->producer.text);
}

static struct drift_row
row_of(const struct drift_cell *cell)
{
	return (struct drift_row){ .cell = cell,
		.count = get(&cell->count),
		.first_seen = cell->first_seen,
		.last_seen = get(&cell->last_seen),
		.id = { get(&cell->id_ms), get(&cell->id_seq) } };
}

static void
fold(struct drift_row *into, const struct drift_row *from)
{
	into->count += from->count;
	if (from->first_seen < into->first_seen)
		into->first_seen = from->first_seen;
	if (from->last_seen <= into->last_seen)
		return;
	into->last_seen = from->last_seen;
	into->id = from->id;
}

struct drift_row *
drift_merge(struct drift *const *drifts, size_t count, size_t *row_count_r)
{
	/* All together they make no more cells than the bound says. */
	struct drift_row *rows =
	    xcalloc((size_t)drifts[0]->bound->cells_max + 1, sizeof(*rows));
	size_t all = 0;
	size_t kept = 0;
	for (size_t i = 0; i < count; i++) {
		uint32_t cells = atomic_load_explicit(
		    &drifts[i]->cell_count, memory_order_acquire);
		for (uint32_t n = 0; n < cells; n++)
			rows[all++] = row_of(drifts[i]->cells[n]);
	}
	qsort(rows, all, sizeof(*rows), compare);
	for (size_t i = 0; i < all; i++) {
		if (kept > 0 && compare(&rows[kept - 1], &rows[i]) == 0)
			fold(&rows[kept - 1], &rows[i]);
		else
			rows[kept++] = rows[i];
	}
	*row_count_r = kept;
	return rows;
}

struct drift_totals
drift_totals(struct drift *const *drifts, size_t count)
{
	struct drift_totals totals = { 0 };
	for (size_t i = 0; i < count; i++) {
		uint32_t cells = atomic_load_explicit(
		    &drifts[i]->cell_count, memory_order_acquire);
		totals.cells += cells;
		totals.other += get(&drifts[i]->other);
		for (uint32_t n = 0; n < cells; n++) {
			const struct drift_cell *cell = drifts[i]->cells[n];
			if (cell->facts.level == FINDING_ERROR)
				totals.breaches += get(&cell->count);
			else
				totals.undeclared += get(&cell->count);
		}
	}
	return totals;
}
