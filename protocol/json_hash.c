/* SPDX-License-Identifier: MIT */

/*
 * The hash of keys and strings: 64 x 64 -> 128 bit multiplications folded, 16
 * bytes a round. Two secrets drawn at start keep outsiders from choosing keys
 * that collide; they are the only state, written before main() and then only
 * read. So hashes may be stored in a process, but never outside it.
 */

#include "json.h"

#include <sys/random.h>
#include <time.h>

static uint64_t secrets[2] = { 0x9e3779b97f4a7c15u, 0xd1b54a32d192ed03u };

__attribute__((constructor)) static void
draw_secrets(void)
{
	uint64_t drawn[2] = { (uint64_t)time(NULL), (uint64_t)clock() };
	ssize_t got = getrandom(drawn, sizeof(drawn), GRND_NONBLOCK);
	(void)got; /* early in boot: the time must do */
	secrets[0] ^= drawn[0];
	secrets[1] ^= drawn[1];
}

static uint64_t
fold(uint64_t a, uint64_t b)
{
	__extension__ typedef unsigned __int128 wide;
	wide product = (wide)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
load(const char *at, size_t size)
{
	uint64_t word = 0;
	memcpy(&word, at, size);
	return word;
}

uint32_t
json_hash(struct view decoded)
{
	const char *at = decoded.data;
	size_t left = decoded.len;
	uint64_t hash = secrets[0] + left;
	while (left > 16) {
		hash = fold(load(at, 8) ^ secrets[1], load(at + 8, 8) ^ hash);
		at += 16;
		left -= 16;
	}
	uint64_t low = 0;
	uint64_t high = 0;
	if (left >= 8) {
		low = load(at, 8);
		high = load(at + left - 8, 8);
	} else if (left >= 4) {
		low = load(at, 4);
		high = load(at + left - 4, 4);
	} else if (left > 0) {
		low = (uint8_t)at[0] | (uint64_t)(uint8_t)at[left / 2] << 8 |
		    (uint64_t)(uint8_t)at[left - 1] << 16;
	}
	hash = fold(low ^ secrets[1], high ^ hash);
	hash = fold(hash ^ secrets[0], secrets[1]);
	return (uint32_t)(hash ^ hash >> 32);
}
