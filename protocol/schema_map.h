/* SPDX-License-Identifier: MIT */
#ifndef SCHEMA_MAP_H
#define SCHEMA_MAP_H

/* A small hash map from 64-bit keys to 32-bit numbers, for the compiler. */

#include <stdbool.h>
#include <stdint.h>

struct schema_map {
	uint64_t *keys; /* key + 1; 0 = free */
	uint32_t *values;
	uint32_t count;
	uint32_t size;
};

bool schema_map_get(
    const struct schema_map *map, uint64_t key, uint32_t *value_r);
void schema_map_put(struct schema_map *map, uint64_t key, uint32_t value);
void schema_map_fini(struct schema_map *map);

#endif
