/* SPDX-License-Identifier: MIT */
#include "schema_map.h"

#include "xmalloc.h"

#include <stdlib.h>

static uint32_t
find_slot(const struct schema_map *map, uint64_t key)
{
	uint64_t hash = (key + 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(hash >> 32) & (map->size - 1);
	while (map->keys[slot] != 0 && map->keys[slot] != key + 1)
		slot = (slot + 1) & (map->size - 1);
	return slot;
}

static void
grow(struct schema_map *map)
{
	struct schema_map old = *map;
	map->size = old.size ? 2 * old.size : 64;
	map->keys = xcalloc(map->size, sizeof(*map->keys));
	map->values = xcalloc(map->size, sizeof(*map->values));
	for (uint32_t i = 0; i < old.size; i++) {
		if (old.keys[i] == 0)
			continue;
		uint32_t slot = find_slot(map, old.keys[i] - 1);
		map->keys[slot] = old.keys[i];
		map->values[slot] = old.values[i];
	}
	schema_map_fini(&old);
}

bool
schema_map_get(const struct schema_map *map, uint64_t key, uint32_t *value_r)
{
	if (map->size == 0)
		return false;
	uint32_t slot = find_slot(map, key);
	if (map->keys[slot] == 0)
		return false;
	*value_r = map->values[slot];
	return true;
}

void
schema_map_put(struct schema_map *map, uint64_t key, uint32_t value)
{
	if (2 * (map->count + 1) > map->size)
		grow(map);
	uint32_t slot = find_slot(map, key);
	if (map->keys[slot] == 0)
		map->count++;
	map->keys[slot] = key + 1;
	map->values[slot] = value;
}

void
schema_map_fini(struct schema_map *map)
{
	free(map->keys);
	free(map->values);
	map->keys = NULL;
	map->values = NULL;
}
