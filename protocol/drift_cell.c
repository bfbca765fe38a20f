/* SPDX-License-Identifier: MIT */

/* The table of cells, and the bounds that keep one place, one rule or one
 * careless producer from filling it. */

#include "drift_parts.h"

#include "xmalloc.h"

#include <stdlib.h>

#define GROUP_PROBES 16

/* --- hashes --- */

static uint32_t
hash_text(uint32_t hash, const char *text)
{
	return (hash ^ json_hash(view_of(text))) * UINT32_C(0x9e3779b1);
}

/* Of the place and rule alone: what names are counted for. */
static uint32_t
hash_group(const struct drift_key *key)
{
	uint32_t hash =
	    key->message * 31u + key->endpoint * 7u + key->direction;
	hash = hash_text(hash, key->rule);
	return hash_text(hash, key->pointer);
}

static uint32_t
hash_key(const struct drift_key *key)
{
	uint32_t hash = hash_text(hash_group(key), key->seen.text);
	hash = hash_text(hash, key->missing.text);
	return hash_text(hash, key->producer.text);
}

/* --- cells --- */

static struct drift_cell *
find(struct drift *drift, const struct drift_key *key, uint32_t hash,
    uint32_t *slot_r)
{
	uint32_t slot = (hash ^ hash >> 16) & drift->slot_mask;
	for (; drift->slots[slot]; slot = (slot + 1) & drift->slot_mask) {
		struct drift_cell *cell = drift->cells[drift->slots[slot] - 1];
		if (cell->hash == hash &&
		    memcmp(&cell->key, key, sizeof(*key)) == 0)
			return cell;
	}
	*slot_r = slot;
	return NULL;
}

/* Only the owner writes it. */
static uint32_t
get(const _Atomic uint32_t *from)
{
	return atomic_load_explicit(from, memory_order_relaxed);
}

static void
set(_Atomic uint64_t *to, uint64_t value)
{
	atomic_store_explicit(to, value, memory_order_relaxed);
}

static void
touch(const struct drift *drift, struct drift_cell *cell,
    const struct drift_origin *origin)
{
	set(&cell->count,
	    atomic_load_explicit(&cell->count, memory_order_relaxed) + 1);
	set(&cell->last_seen, drift->now_ms);
	set(&cell->id_ms, origin->id.ms);
	set(&cell->id_seq, origin->id.seq);
}

/* Where names of this place and rule are counted; NULL: no room for that. */
static struct drift_group *
group_of(struct drift *drift, const struct drift_key *key)
{
	uint64_t id = (uint64_t)hash_group(key) << 8 | 1;
	uint32_t slot = (uint32_t)(id >> 8) & drift->group_mask;
	for (unsigned i = 0; i < GROUP_PROBES; i++) {
		struct drift_group *group =
		    &drift->groups[(slot + i) & drift->group_mask];
		if (group->key != 0 && group->key != id)
			continue;
		group->key = id;
		return group;
	}
	return NULL;
}

static bool
is_crowded(struct drift *drift, const struct drift_key *key)
{
	const struct drift_group *group = group_of(drift, key);
	return !group || group->names >= DRIFT_NAMES_MAX;
}

static void
take_name(struct drift *drift, const struct drift_key *key)
{
	struct drift_group *group = group_of(drift, key);
	if (group)
		group->names++;
}

static bool
touch_known(struct drift *drift, const struct drift_key *key,
    const struct drift_origin *origin)
{
	uint32_t slot = 0;
	struct drift_cell *cell = find(drift, key, hash_key(key), &slot);
	if (cell)
		touch(drift, cell, origin);
	return cell != NULL;
}

/* Room for one more cell in all drifts together; the caller makes it. */
static bool
take_room(struct drift_bound *bound)
{
	uint32_t cells =
	    atomic_load_explicit(&bound->cells, memory_order_relaxed);
	while (cells < bound->cells_max)
		if (atomic_compare_exchange_weak_explicit(&bound->cells, &cells,
			cells + 1, memory_order_relaxed, memory_order_relaxed))
			return true;
	return false;
}

bool
drift_open(struct drift *drift, struct drift_key *key,
    const struct drift_origin *origin)
{
	if (origin->is_first && !origin->is_first(origin->arg))
		return false;
	if (touch_known(drift, key, origin))
		return false;
	if (key->seen.text[0] && is_crowded(drift, key)) {
		memset(&key->seen, 0, sizeof(key->seen));
		key->is_capped = 1;
		if (touch_known(drift, key, origin))
			return false;
	}
	if (take_room(drift->bound))
		return true;
	set(&drift->other,
	    atomic_load_explicit(&drift->other, memory_order_relaxed) + 1);
	return false;
}

void
drift_make(struct drift *drift, const struct drift_key *key,
    const struct drift_facts *facts, const struct drift_origin *origin,
    const struct json_doc *doc)
{
	uint32_t slot = 0;
	uint32_t count = get(&drift->cell_count);
	struct drift_cell *cell = xcalloc(1, sizeof(*cell));
	memcpy(&cell->key, key, sizeof(*key)); /* padding and all */
	cell->facts = *facts;
	cell->hash = hash_key(key);
	cell->sample = doc ? drift_sample(doc, DRIFT_SAMPLE_MAX) : NULL;
	cell->first_seen = drift->now_ms;
	touch(drift, cell, origin);
	find(drift, key, cell->hash, &slot);
	drift->cells[count] = cell;
	drift->slots[slot] = count + 1;
	if (key->seen.text[0])
		take_name(drift, key);
	atomic_store_explicit(
	    &drift->cell_count, count + 1, memory_order_release);
}

/* --- producers --- */

struct drift_name
drift_producer(struct drift *drift, struct view producer)
{
	struct drift_name name = drift_name_of(producer);
	if (!name.text[0])
		return name;
	for (uint32_t i = 0; i < drift->producer_count; i++)
		if (strcmp(drift->producers[i].text, name.text) == 0)
			return name;
	if (drift->producer_count == DRIFT_PRODUCERS_MAX)
		return drift_name_of(view_of("(others)"));
	drift->producers[drift->producer_count++] = name;
	return name;
}
