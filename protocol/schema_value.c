/* SPDX-License-Identifier: MIT */
#include "schema_value.h"

#include "xmalloc.h"

/* Objects with more members than this are compared through a sorted index, so
 * that hostile messages do not make us compare all with all. */
#define LINEAR_MEMBERS 16

static bool
equal_strings(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b)
{
	if (a.doc->nodes[a.node].hash != b.doc->nodes[b.node].hash)
		return false;
	struct view text = json_string(a.doc, a.node, &scratch->other);
	return json_string_is(b.doc, b.node, text);
}

static bool
equal_numbers(struct schema_value a, struct schema_value b)
{
	struct decimal number_a = decimal_of(json_text(a.doc, a.node));
	struct decimal number_b = decimal_of(json_text(b.doc, b.node));
	return decimal_compare(&number_a, &number_b) == 0;
}

static bool
equal_arrays(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b)
{
	uint32_t end = a.doc->nodes[a.node].next;
	uint32_t other = b.node + 1;
	for (uint32_t item = a.node + 1; item < end;
	     item = a.doc->nodes[item].next) {
		struct schema_value left = { a.doc, item };
		struct schema_value right = { b.doc, other };
		if (!schema_value_equal(scratch, left, right))
			return false;
		other = b.doc->nodes[other].next;
	}
	return true;
}

static bool
is_before(const struct schema_item_key *a, const struct schema_item_key *b)
{
	return a->hash < b->hash || (a->hash == b->hash && a->node < b->node);
}

static void
sift_down(struct schema_item_key *keys, uint32_t root, uint32_t count)
{
	struct schema_item_key key = keys[root];
	for (uint32_t child = 2 * root + 1; child < count;
	     child = 2 * root + 1) {
		if (child + 1 < count &&
		    is_before(&keys[child], &keys[child + 1]))
			child++;
		if (!is_before(&key, &keys[child]))
			break;
		keys[root] = keys[child];
		root = child;
	}
	keys[root] = key;
}

/* A heap sort, for qsort() allocates. */
static void
sort_keys(struct schema_item_key *keys, uint32_t count)
{
	for (uint32_t i = count / 2; i-- > 0;)
		sift_down(keys, i, count);
	for (uint32_t end = count; end-- > 1;) {
		struct schema_item_key last = keys[end];
		keys[end] = keys[0];
		keys[0] = last;
		sift_down(keys, 0, end);
	}
}

/* Room for `count` keys on the stack; returns where they begin. The stack may
 * move when it grows, so it is always used by index. */
static uint32_t
push_keys(struct schema_scratch *scratch, uint32_t count)
{
	uint32_t base = scratch->key_count;
	if (scratch->key_capacity - base < count) {
		scratch->key_capacity = 2 * (base + count);
		scratch->keys = xrealloc(scratch->keys,
		    scratch->key_capacity * sizeof(*scratch->keys));
	}
	scratch->key_count += count;
	return base;
}

static void
index_members(
    struct schema_scratch *scratch, struct schema_value object, uint32_t base)
{
	const struct json_node *nodes = object.doc->nodes;
	struct schema_item_key *keys = scratch->keys + base;
	uint32_t count = 0;
	for (uint32_t key = object.node + 1; key < nodes[object.node].next;
	     key = nodes[key + 1].next) {
		keys[count].hash = nodes[key].hash;
		keys[count++].node = key;
	}
	sort_keys(keys, count);
}

/* The key node in the sorted index that spells the same name, or 0. */
static uint32_t
find_indexed(struct schema_scratch *scratch, uint32_t base, uint32_t count,
    struct schema_value key, const struct json_doc *doc)
{
	const struct schema_item_key *keys = scratch->keys + base;
	uint32_t hash = key.doc->nodes[key.node].hash;
	uint32_t low = 0;
	uint32_t high = count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (keys[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && keys[low].hash == hash; low++) {
		struct schema_value candidate = { doc, keys[low].node };
		if (equal_strings(scratch, key, candidate))
			return candidate.node;
	}
	return 0;
}

static uint32_t
find_linear(struct schema_scratch *scratch, struct schema_value object,
    struct schema_value key)
{
	const struct json_node *nodes = object.doc->nodes;
	for (uint32_t at = object.node + 1; at < nodes[object.node].next;
	     at = nodes[at + 1].next) {
		struct schema_value candidate = { object.doc, at };
		if (equal_strings(scratch, key, candidate))
			return at;
	}
	return 0;
}

static bool
equal_members(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b, uint32_t base, uint32_t indexed)
{
	const struct json_node *nodes = a.doc->nodes;
	for (uint32_t at = a.node + 1; at < nodes[a.node].next;
	     at = nodes[at + 1].next) {
		struct schema_value key = { a.doc, at };
		uint32_t found = indexed
		    ? find_indexed(scratch, base, indexed, key, b.doc)
		    : find_linear(scratch, b, key);
		struct schema_value left = { a.doc, at + 1 };
		struct schema_value right = { b.doc, found + 1 };
		if (!found || !schema_value_equal(scratch, left, right))
			return false;
	}
	return true;
}

static bool
equal_objects(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b)
{
	uint32_t count = b.doc->nodes[b.node].count;
	if (count <= LINEAR_MEMBERS)
		return equal_members(scratch, a, b, 0, 0);
	uint32_t base = push_keys(scratch, count);
	index_members(scratch, b, base);
	bool is_equal = equal_members(scratch, a, b, base, count);
	scratch->key_count = base;
	return is_equal;
}

bool
schema_value_equal(struct schema_scratch *scratch, struct schema_value a,
    struct schema_value b)
{
	const struct json_node *left = &a.doc->nodes[a.node];
	const struct json_node *right = &b.doc->nodes[b.node];
	if (left->type != right->type)
		return false;
	switch ((enum json_type)left->type) {
	case JSON_NULL:
	case JSON_FALSE:
	case JSON_TRUE:
		return true;
	case JSON_NUMBER:
		return equal_numbers(a, b);
	case JSON_STRING:
		return equal_strings(scratch, a, b);
	case JSON_ARRAY:
		return left->count == right->count &&
		    equal_arrays(scratch, a, b);
	case JSON_OBJECT:
		return left->count == right->count &&
		    equal_objects(scratch, a, b);
	}
	return false;
}

static uint64_t
mix(uint64_t hash, uint64_t value, uint64_t seed)
{
	hash = (hash ^ value) * seed;
	return hash ^ hash >> 29;
}

/* Equal values have equal hashes: numbers by value, members in any order. */
static uint64_t
hash_value(uint64_t seed, const struct json_doc *doc, uint32_t at)
{
	const struct json_node *value = &doc->nodes[at];
	uint64_t hash = mix(seed, value->type, seed);
	if (value->type == JSON_NUMBER) {
		struct decimal number = decimal_of(json_text(doc, at));
		return mix(hash, decimal_hash(&number, seed), seed);
	}
	if (value->type == JSON_STRING)
		return mix(hash, value->hash, seed);
	if (value->type == JSON_ARRAY) {
		for (uint32_t item = at + 1; item < value->next;
		     item = doc->nodes[item].next)
			hash = mix(hash, hash_value(seed, doc, item), seed);
	}
	if (value->type == JSON_OBJECT) {
		for (uint32_t key = at + 1; key < value->next;
		     key = doc->nodes[key + 1].next)
			hash += mix(doc->nodes[key].hash,
			    hash_value(seed, doc, key + 1), seed);
	}
	return hash;
}

static void
index_items(struct schema_scratch *scratch, const struct json_doc *doc,
    uint32_t array, uint32_t base)
{
	struct schema_item_key *keys = scratch->keys + base;
	uint32_t count = 0;
	for (uint32_t item = array + 1; item < doc->nodes[array].next;
	     item = doc->nodes[item].next) {
		keys[count].hash = hash_value(scratch->seed, doc, item);
		keys[count++].node = item;
	}
	sort_keys(keys, count);
}

/* Items with the same hash are next to each other; hardly ever more than the
 * equal pair that ends the search. */
static bool
has_twin(struct schema_scratch *scratch, const struct json_doc *doc,
    uint32_t first, uint32_t end)
{
	for (uint32_t i = first + 1; i < end; i++) {
		if (scratch->keys[i].hash != scratch->keys[first].hash)
			return false;
		struct schema_value a = { doc, scratch->keys[first].node };
		struct schema_value b = { doc, scratch->keys[i].node };
		if (schema_value_equal(scratch, a, b))
			return true;
	}
	return false;
}

bool
schema_value_is_unique(
    struct schema_scratch *scratch, const struct json_doc *doc, uint32_t array)
{
	uint32_t count = doc->nodes[array].count;
	if (count < 2)
		return true;
	uint32_t base = push_keys(scratch, count);
	index_items(scratch, doc, array, base);
	bool is_unique = true;
	for (uint32_t i = base; is_unique && i < base + count; i++)
		is_unique = !has_twin(scratch, doc, i, base + count);
	scratch->key_count = base;
	return is_unique;
}
