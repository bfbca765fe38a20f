/* SPDX-License-Identifier: MIT */

/* Optimal string alignment (Damerau): insert, delete, replace, swap of
 * neighbours, each counts one. O(length^2) on names of at most 64 bytes. */

#include "nearest.h"

#define NAME_MAX_BYTES 64
#define FAR            1000u

/* A name without case, '_' and '-'. Longer ones are cut. */
struct plain {
	char text[NAME_MAX_BYTES];
	size_t len;
};

static struct plain
make_plain(struct view name)
{
	struct plain plain = { .len = 0 };
	for (size_t i = 0; i < name.len && plain.len < NAME_MAX_BYTES; i++) {
		char byte = name.data[i];
		if (byte == '_' || byte == '-')
			continue;
		if (byte >= 'A' && byte <= 'Z')
			byte = (char)(byte | 0x20);
		plain.text[plain.len++] = byte;
	}
	return plain;
}

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;
	return least < c ? least : c;
}

static bool
is_swap(const struct plain *a, const struct plain *b, size_t i, size_t j)
{
	return i > 1 && j > 1 && a->text[i - 1] == b->text[j - 2] &&
	    a->text[i - 2] == b->text[j - 1];
}

static unsigned
distance(const struct plain *a, const struct plain *b)
{
	unsigned rows[3][NAME_MAX_BYTES + 1];
	for (size_t j = 0; j <= b->len; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= a->len; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *before = rows[(i + 1) % 3];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b->len; j++) {
			unsigned cost = a->text[i - 1] != b->text[j - 1];
			row[j] = min3(
			    above[j] + 1, row[j - 1] + 1, above[j - 1] + cost);
			if (is_swap(a, b, i, j) && before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
	}
	return rows[a->len % 3][b->len];
}

/* Slips that a name of this length may have: 1 from 3 bytes, 2 from 5, 3 from
 * 9; none in shorter ones, where everything is near everything. */
static unsigned
slips_allowed(size_t len)
{
	if (len < 3)
		return 0;
	return len < 5 ? 1 : len < 9 ? 2 : 3;
}

const char *
nearest_name(struct view name, const char *const *names, size_t count)
{
	struct plain wanted = make_plain(name);
	const char *best = NULL;
	unsigned best_distance = FAR;
	if (wanted.len == 0 || name.len > 2 * NAME_MAX_BYTES)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		struct plain known = make_plain(view_of(names[i]));
		size_t shorter =
		    known.len < wanted.len ? known.len : wanted.len;
		unsigned slips = distance(&wanted, &known);
		if (slips <= slips_allowed(shorter) && slips < best_distance) {
			best = names[i];
			best_distance = slips;
		}
	}
	return best;
}

const char *
nearest_of_all(struct view name, const char *const *names, size_t count)
{
	struct plain wanted = make_plain(name);
	const char *best = NULL;
	unsigned best_distance = FAR;
	for (size_t i = 0; i < count; i++) {
		struct plain known = make_plain(view_of(names[i]));
		unsigned slips = distance(&wanted, &known);
		if (slips < best_distance) {
			best = names[i];
			best_distance = slips;
		}
	}
	return best;
}
