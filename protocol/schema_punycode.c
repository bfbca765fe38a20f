/* SPDX-License-Identifier: MIT */

/* RFC 3492, with its names for the parameters. */

#include "schema_idna.h"

enum {
	BASE = 36,
	T_MIN = 1,
	T_MAX = 26,
	SKEW = 38,
	DAMP = 700,
	INITIAL_BIAS = 72,
	INITIAL_N = 128
};

#define DELTA_MAX 0xffffffu /* far more than a label of 63 can need */

static uint32_t
adapt(uint32_t delta, uint32_t count, bool is_first)
{
	uint32_t k = 0;
	delta = is_first ? delta / DAMP : delta / 2;
	delta += delta / count;
	for (; delta > (BASE - T_MIN) * T_MAX / 2; k += BASE)
		delta /= BASE - T_MIN;
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t
threshold(uint32_t k, uint32_t bias)
{
	if (k <= bias + T_MIN)
		return T_MIN;
	return k >= bias + T_MAX ? T_MAX : k - bias;
}

static uint32_t
digit_value(char c)
{
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a');
	return c >= '0' && c <= '9' ? (uint32_t)(c - '0') + 26 : BASE;
}

static bool
read_delta(struct view text, size_t *at, uint32_t bias, uint32_t *delta_r)
{
	uint64_t weight = 1;
	uint64_t delta = 0;
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t digit =
		    *at < text.len ? digit_value(text.data[*at]) : BASE;
		if (digit == BASE)
			return false;
		++*at;
		delta += digit * weight;
		uint32_t t = threshold(k, bias);
		if (delta > (uint64_t)DELTA_MAX * IDNA_LABEL_MAX)
			return false;
		if (digit < t)
			break;
		weight *= BASE - t;
	}
	*delta_r = (uint32_t)delta;
	return true;
}

static size_t
copy_basic(struct view text, struct schema_idna_label *label)
{
	size_t basic = text.len;
	while (basic > 0 && text.data[basic - 1] != '-')
		basic--;
	label->count = 0;
	for (size_t i = 0; i + 1 < basic; i++)
		label->points[label->count++] = (unsigned char)text.data[i];
	return basic;
}

bool
schema_punycode_decode(struct view text, struct schema_idna_label *label_r)
{
	uint32_t n = INITIAL_N;
	uint32_t i = 0;
	uint32_t bias = INITIAL_BIAS;
	if (text.len > IDNA_LABEL_MAX)
		return false;
	size_t at = copy_basic(text, label_r);
	size_t basic = label_r->count;
	while (at < text.len) {
		uint32_t delta = 0;
		if (!read_delta(text, &at, bias, &delta) ||
		    label_r->count == IDNA_LABEL_MAX)
			return false;
		uint32_t count = (uint32_t)label_r->count + 1;
		bias = adapt(delta, count, label_r->count == basic);
		i += delta;
		n += i / count;
		i %= count;
		if (n > 0x10ffff)
			return false;
		memmove(label_r->points + i + 1, label_r->points + i,
		    (label_r->count - i) * sizeof(n));
		label_r->points[i++] = n;
		label_r->count++;
	}
	return true;
}

struct writer {
	char *text;
	size_t length;
	bool is_full;
};

static void
put(struct writer *out, char c)
{
	if (out->length == IDNA_LABEL_MAX)
		out->is_full = true;
	else
		out->text[out->length++] = c;
}

static void
put_delta(struct writer *out, uint32_t delta, uint32_t bias)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
	for (uint32_t k = BASE;; k += BASE) {
		uint32_t t = threshold(k, bias);
		if (delta < t)
			break;
		put(out, digits[t + (delta - t) % (BASE - t)]);
		delta = (delta - t) / (BASE - t);
	}
	put(out, digits[delta]);
}

static uint32_t
next_point(const struct schema_idna_label *label, uint32_t from)
{
	uint32_t next = UINT32_MAX;
	for (size_t i = 0; i < label->count; i++)
		if (label->points[i] >= from && label->points[i] < next)
			next = label->points[i];
	return next;
}

static uint32_t
put_basic(struct writer *out, const struct schema_idna_label *label)
{
	uint32_t count = 0;
	for (size_t i = 0; i < label->count; i++) {
		if (label->points[i] < INITIAL_N) {
			put(out, (char)label->points[i]);
			count++;
		}
	}
	if (count > 0)
		put(out, '-');
	return count;
}

size_t
schema_punycode_encode(
    const struct schema_idna_label *label, char text[IDNA_LABEL_MAX])
{
	struct writer out = { .text = text };
	uint32_t n = INITIAL_N;
	uint32_t delta = 0;
	uint32_t bias = INITIAL_BIAS;
	uint32_t basic = put_basic(&out, label);
	uint32_t done = basic;
	while (done < label->count) {
		uint32_t next = next_point(label, n);
		delta += (next - n) * (done + 1);
		n = next;
		for (size_t i = 0; i < label->count; i++) {
			delta += label->points[i] < n;
			if (label->points[i] != n)
				continue;
			put_delta(&out, delta, bias);
			bias = adapt(delta, done + 1, done == basic);
			delta = 0;
			done++;
		}
		delta++;
		n++;
	}
	return out.is_full ? 0 : out.length;
}
