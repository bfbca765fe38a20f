/* SPDX-License-Identifier: MIT */

/*
 * A label is judged as code points (A-labels are decoded first): all of them
 * allowed, hyphens and marks in their places, rules of context (RFC 5892
 * appendix A), and, when any label of the name is written from right to left,
 * the Bidi rule for every one of them (RFC 5893).
 */

#include "schema_idna.h"

#include "schema_format.h"

enum { BIDI, JOINING, KIND, SCRIPT };

struct range {
	uint32_t first;
	uint32_t last;
	char attributes[5];
};

static const struct range ranges[] = {
#define R(first, last, attributes) { first, last, #attributes },
#include "schema_idna_ranges.def"
#undef R
};

/* All NUL for code points that are not allowed. */
static const char *
attributes_of(uint32_t point)
{
	size_t low = 0;
	size_t high = sizeof(ranges) / sizeof(ranges[0]);
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (point > ranges[middle].last)
			low = middle + 1;
		else if (point < ranges[middle].first)
			high = middle;
		else
			return ranges[middle].attributes;
	}
	return "\0\0\0";
}

static char
attribute(const struct schema_idna_label *label, size_t at, int which)
{
	return at < label->count ? attributes_of(label->points[at])[which]
				 : '\0';
}

static bool
has_point(const struct schema_idna_label *label, size_t at, uint32_t point)
{
	return at < label->count && label->points[at] == point;
}

static bool
has_range(const struct schema_idna_label *label, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < label->count; i++)
		if (label->points[i] >= first && label->points[i] <= last)
			return true;
	return false;
}

/* ZERO WIDTH NON-JOINER between letters that would join. */
static bool
breaks_join(const struct schema_idna_label *label, size_t at)
{
	size_t before = at;
	size_t after = at + 1;
	while (before > 0 && attribute(label, before - 1, JOINING) == 'T')
		before--;
	while (attribute(label, after, JOINING) == 'T')
		after++;
	if (before == 0 || after >= label->count)
		return false;
	char left = attribute(label, before - 1, JOINING);
	char right = attribute(label, after, JOINING);
	return (left == 'L' || left == 'D') && (right == 'R' || right == 'D');
}

static bool
is_in_kana(const struct schema_idna_label *label)
{
	for (size_t i = 0; i < label->count; i++)
		if (attribute(label, i, SCRIPT) == 'K')
			return true;
	return false;
}

/* The code points of kind C, each by its rule. */
static bool
fits_context(const struct schema_idna_label *label, size_t at)
{
	uint32_t point = label->points[at];
	bool after_virama = at > 0 && attribute(label, at - 1, KIND) == 'V';
	switch (point) {
	case 0x200c:
		return after_virama || breaks_join(label, at);
	case 0x200d:
		return after_virama;
	case 0xb7:
		return at > 0 && has_point(label, at - 1, 'l') &&
		    has_point(label, at + 1, 'l');
	case 0x375:
		return attribute(label, at + 1, SCRIPT) == 'G';
	case 0x5f3:
	case 0x5f4:
		return at > 0 && attribute(label, at - 1, SCRIPT) == 'H';
	case 0x30fb:
		return is_in_kana(label);
	default: /* the two sets of Arabic digits do not mix */
		return point < 0x6f0 ? !has_range(label, 0x6f0, 0x6f9)
				     : !has_range(label, 0x660, 0x669);
	}
}

static bool
is_u_label(const struct schema_idna_label *label)
{
	if (label->count == 0 || has_point(label, 0, '-') ||
	    has_point(label, label->count - 1, '-') ||
	    (has_point(label, 2, '-') && has_point(label, 3, '-')))
		return false;
	char first = attribute(label, 0, KIND);
	if (first == 'M' || first == 'V')
		return false;
	for (size_t i = 0; i < label->count; i++) {
		char kind = attribute(label, i, KIND);
		if (kind == '\0' || (kind == 'C' && !fits_context(label, i)))
			return false;
	}
	return true;
}

static bool
is_right_to_left(const struct schema_idna_label *label)
{
	for (size_t i = 0; i < label->count; i++) {
		char bidi = attribute(label, i, BIDI);
		if (bidi == 'R' || bidi == 'A')
			return true;
	}
	return false;
}

/* RFC 5893 section 2. */
static bool
fits_bidi_rule(const struct schema_idna_label *label)
{
	char first = attribute(label, 0, BIDI);
	bool is_rtl = first == 'R';
	bool has_european = false;
	bool has_arabic = false;
	if (!is_rtl && first != 'L')
		return false;
	for (size_t i = 0; i < label->count; i++) {
		char bidi = attribute(label, i, BIDI);
		if (!strchr(is_rtl ? "RAEON" : "LEON", bidi))
			return false;
		has_european = has_european || bidi == 'E';
		has_arabic = has_arabic || bidi == 'A';
	}
	size_t last = label->count - 1;
	while (last > 0 && attribute(label, last, BIDI) == 'N')
		last--;
	char end = attribute(label, last, BIDI);
	if (!is_rtl)
		return end == 'L' || end == 'E';
	return strchr("REA", end) && !(has_european && has_arabic);
}

static bool
is_ascii(const struct schema_idna_label *label)
{
	return !has_range(label, 0x80, UINT32_MAX);
}

/* ASCII labels may have capitals; they are made small on the way. */
static bool
is_letters_digits_hyphens(struct schema_idna_label *label)
{
	for (size_t i = 0; i < label->count; i++) {
		char c = (char)label->points[i];
		if (c >= 'A' && c <= 'Z')
			label->points[i] |= 0x20;
		bool is_inside = i > 0 && i + 1 < label->count;
		if (!format_is_letter(c) && !format_is_digit(c) &&
		    !(c == '-' && is_inside))
			return false;
	}
	return label->count > 0;
}

/* Turns an A-label into what it stands for; it must be the only spelling. */
static bool
decode_a_label(struct schema_idna_label *label)
{
	char text[IDNA_LABEL_MAX];
	char again[IDNA_LABEL_MAX];
	size_t length = label->count - 4;
	for (size_t i = 0; i < length; i++)
		text[i] = (char)label->points[i + 4];
	return schema_punycode_decode(view_make(text, length), label) &&
	    !is_ascii(label) &&
	    schema_punycode_encode(label, again) == length &&
	    memcmp(text, again, length) == 0;
}

static bool
is_a_label(const struct schema_idna_label *label)
{
	return has_point(label, 0, 'x') && has_point(label, 1, 'n') &&
	    has_point(label, 2, '-') && has_point(label, 3, '-');
}

/* Adds what the label takes in ASCII to *length; it is left decoded. */
static bool
judge_label(struct schema_idna_label *label, bool wide, size_t *length)
{
	if (is_ascii(label)) {
		*length += label->count;
		if (!is_letters_digits_hyphens(label))
			return false;
		return !is_a_label(label) ||
		    (decode_a_label(label) && is_u_label(label));
	}
	char text[IDNA_LABEL_MAX];
	size_t encoded = schema_punycode_encode(label, text);
	*length += encoded + 4;
	return wide && encoded > 0 && encoded + 4 <= IDNA_LABEL_MAX &&
	    is_u_label(label);
}

static uint32_t
take_point(struct view text, size_t *at)
{
	unsigned char first = (unsigned char)text.data[(*at)++];
	if (first < 0x80)
		return first;
	unsigned more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
	uint32_t point = first & (0x3fu >> more);
	for (unsigned i = 0; i < more; i++)
		point =
		    point << 6 | ((unsigned char)text.data[(*at)++] & 0x3fu);
	return point;
}

static bool
is_stop(uint32_t point, bool wide)
{
	bool is_wide_stop =
	    point == 0x3002 || point == 0xff0e || point == 0xff61;
	return point == '.' || (wide && is_wide_stop);
}

/* The next label; *at moves behind its full stop. False: it is too long. */
static bool
take_label(struct view text, size_t *at, bool wide,
    struct schema_idna_label *label, bool *is_last)
{
	label->count = 0;
	*is_last = true;
	while (*at < text.len) {
		uint32_t point = take_point(text, at);
		if (is_stop(point, wide)) {
			*is_last = false;
			break;
		}
		if (label->count == IDNA_LABEL_MAX)
			return false;
		label->points[label->count++] = point;
	}
	return true;
}

/* One walk over the labels; `bidi` asks for the Bidi rule as well. */
static bool
judge_labels(struct view text, bool wide, bool bidi, bool *has_rtl)
{
	struct schema_idna_label label;
	size_t at = 0;
	size_t length = 0;
	bool is_last = false;
	while (!is_last) {
		if (!take_label(text, &at, wide, &label, &is_last) ||
		    !judge_label(&label, wide, &length) ||
		    (bidi && !fits_bidi_rule(&label)))
			return false;
		*has_rtl = *has_rtl || is_right_to_left(&label);
		length += !is_last;
	}
	return length <= IDNA_NAME_MAX;
}

bool
schema_idna_is_name(struct view text, bool wide)
{
	bool has_rtl = false;
	if (text.len > 4 * (IDNA_NAME_MAX + 1))
		return false;
	if (!judge_labels(text, wide, false, &has_rtl))
		return false;
	return !has_rtl || judge_labels(text, wide, true, &has_rtl);
}
