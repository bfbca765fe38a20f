/* SPDX-License-Identifier: MIT */

/*
 * Duplicate keys, looked for when an object closes. Few members: every pair of
 * hashes. Many: an open-addressing set in the scratch, at most half full, so
 * that the work stays linear in the members.
 */

#include "json_parts.h"
#include "xmalloc.h"

#define PAIRS_MAX 8 /* members up to which comparing all pairs is cheaper */

static bool
same_key(struct json_scan *scan, uint32_t a, uint32_t b)
{
	const struct json_doc *doc = scan->doc;
	if (doc->nodes[a].hash != doc->nodes[b].hash)
		return false;
	return view_equal(json_string(doc, a, &scan->scratch->decoded),
	    json_string(doc, b, &scan->scratch->other));
}

static int
refuse(struct json_scan *scan, uint32_t key)
{
	return json_fail(scan, scan->text + scan->doc->nodes[key].start,
	    "duplicate member name");
}

static uint32_t
next_key(const struct json_doc *doc, uint32_t key)
{
	return (uint32_t)(json_behind(doc, &doc->nodes[key + 1]) - doc->nodes);
}

static int
check_pairs(struct json_scan *scan, uint32_t object)
{
	const struct json_doc *doc = scan->doc;
	uint32_t end = doc->nodes[object].next;
	uint32_t keys[PAIRS_MAX];
	uint32_t hashes[PAIRS_MAX];
	uint32_t count = 0;
	for (uint32_t key = object + 1; key < end; key = next_key(doc, key)) {
		uint32_t hash = doc->nodes[key].hash;
		for (uint32_t i = 0; i < count; i++) {
			if (hashes[i] == hash && same_key(scan, keys[i], key))
				return refuse(scan, key);
		}
		hashes[count] = hash;
		keys[count++] = key;
	}
	return 0;
}

/* An emptied table with room for twice the members; returns its mask. */
static uint32_t
prepare_table(struct json_scratch *scratch, uint32_t members)
{
	uint32_t size = 32;
	while (size / 2 < members)
		size *= 2;
	if (size > scratch->table_capacity) {
		scratch->table =
		    xrealloc(scratch->table, size * sizeof(*scratch->table));
		scratch->table_capacity = size;
	}
	memset(scratch->table, 0, size * sizeof(*scratch->table));
	return size - 1;
}

static int
check_set(struct json_scan *scan, uint32_t object)
{
	const struct json_doc *doc = scan->doc;
	uint32_t end = doc->nodes[object].next;
	uint32_t mask = prepare_table(scan->scratch, doc->nodes[object].count);
	uint32_t *table = scan->scratch->table;
	for (uint32_t key = object + 1; key < end; key = next_key(doc, key)) {
		uint32_t slot = doc->nodes[key].hash & mask;
		for (; table[slot]; slot = (slot + 1) & mask) {
			if (same_key(scan, table[slot], key))
				return refuse(scan, key);
		}
		table[slot] = key;
	}
	return 0;
}

int
json_check_keys(struct json_scan *scan, uint32_t object)
{
	if (scan->doc->nodes[object].count <= PAIRS_MAX)
		return check_pairs(scan, object);
	return check_set(scan, object);
}
