/* SPDX-License-Identifier: MIT */

/*
 * Makes protocol/schema_idna_ranges.def out of ICU's data (RFC 5892 section 3).
 * Not part of the build; when Unicode moves on:
 *   cc -o /tmp/ranges tools/idna/ranges.c -licuuc && /tmp/ranges > FILE
 */

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/ustring.h>

#include <stdio.h>
#include <string.h>

#define LINE_MAX_CHARS 100

static const char header[] =
    "/* SPDX-License-Identifier: MIT */\n"
    "// clang-format off\n"
    "/*\n"
    " * The code points that IDNA2008 allows in labels, made from ICU's data "
    "by\n"
    " * tools/idna/ranges.c (Unicode " U_UNICODE_VERSION
    "): R(first, last, attributes), sorted.\n"
    " * The four letters are\n"
    " *   bidi class: L, R (and AL), E (EN), A (AN), N (NSM), O (others "
    "allowed)\n"
    " *   joining type: D, L, R, T, U\n"
    " *   kind: P plain, M mark, V virama, C only in a certain context\n"
    " *   script: G Greek, H Hebrew, K Hiragana, Katakana or Han, O any "
    "other\n"
    " */\n";

/* Exceptions (2.6): 'P' allowed, 'C' by context, 'D' not allowed, 0 none. */
static char
exception(UChar32 c)
{
	static const UChar32 allowed[] = { 0xdf, 0x3c2, 0x6fd, 0x6fe, 0xf0b,
		0x3007 };
	static const UChar32 context[] = { 0xb7, 0x375, 0x5f3, 0x5f4, 0x30fb };
	static const UChar32 refused[] = { 0x640, 0x7fa, 0x302e, 0x302f, 0x3031,
		0x3032, 0x3033, 0x3034, 0x3035, 0x303b };
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		if (c == allowed[i])
			return 'P';
	for (size_t i = 0; i < sizeof(context) / sizeof(*context); i++)
		if (c == context[i])
			return 'C';
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (c == refused[i])
			return 'D';
	bool is_digit =
	    (c >= 0x660 && c <= 0x669) || (c >= 0x6f0 && c <= 0x6f9);
	return is_digit ? 'C' : 0;
}

/* Unstable (2.2): changed by normalization and case folding. */
static bool
is_unstable(UChar32 c)
{
	UErrorCode error = U_ZERO_ERROR;
	const UNormalizer2 *nfkc = unorm2_getNFKCInstance(&error);
	UChar text[4];
	UChar a[64];
	UChar b[64];
	int32_t length = 0;
	U16_APPEND_UNSAFE(text, length, c);
	int32_t size = unorm2_normalize(nfkc, text, length, a, 64, &error);
	size = u_strFoldCase(b, 64, a, size, U_FOLD_CASE_DEFAULT, &error);
	size = unorm2_normalize(nfkc, b, size, a, 64, &error);
	return size != length ||
	    memcmp(a, text, (size_t)length * sizeof(UChar)) != 0;
}

static bool
is_ignorable(UChar32 c)
{
	int32_t block = ublock_getCode(c);
	int32_t hangul = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
	return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
	    u_hasBinaryProperty(c, UCHAR_WHITE_SPACE) ||
	    u_hasBinaryProperty(c, UCHAR_NONCHARACTER_CODE_POINT) ||
	    block == UBLOCK_COMBINING_MARKS_FOR_SYMBOLS ||
	    block == UBLOCK_MUSICAL_SYMBOLS ||
	    block == UBLOCK_ANCIENT_GREEK_MUSICAL_NOTATION ||
	    hangul == U_HST_LEADING_JAMO || hangul == U_HST_VOWEL_JAMO ||
	    hangul == U_HST_TRAILING_JAMO;
}

/* The derived property: 'P', 'C', or 'D' for everything else. */
static char
status(UChar32 c)
{
	const uint32_t letters_digits = U_GC_LL_MASK | U_GC_LU_MASK |
	    U_GC_LO_MASK | U_GC_LM_MASK | U_GC_MN_MASK | U_GC_MC_MASK |
	    U_GC_ND_MASK;
	char known = exception(c);
	if (known)
		return known;
	if (c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
		return 'P';
	if (c == 0x200c || c == 0x200d)
		return 'C';
	if (u_charType(c) == U_UNASSIGNED || is_unstable(c) || is_ignorable(c))
		return 'D';
	return U_GET_GC_MASK(c) & letters_digits ? 'P' : 'D';
}

static char
bidi(UChar32 c)
{
	switch (u_charDirection(c)) {
	case U_LEFT_TO_RIGHT:
		return 'L';
	case U_RIGHT_TO_LEFT:
	case U_RIGHT_TO_LEFT_ARABIC:
		return 'R';
	case U_EUROPEAN_NUMBER:
		return 'E';
	case U_ARABIC_NUMBER:
		return 'A';
	case U_DIR_NON_SPACING_MARK:
		return 'N';
	default:
		return 'O';
	}
}

static char
joining(UChar32 c)
{
	switch (u_getIntPropertyValue(c, UCHAR_JOINING_TYPE)) {
	case U_JT_DUAL_JOINING:
		return 'D';
	case U_JT_LEFT_JOINING:
		return 'L';
	case U_JT_RIGHT_JOINING:
		return 'R';
	case U_JT_TRANSPARENT:
		return 'T';
	default:
		return 'U';
	}
}

static char
kind(UChar32 c, char derived)
{
	if (u_getCombiningClass(c) == 9)
		return 'V';
	if (U_GET_GC_MASK(c) & U_GC_M_MASK)
		return 'M';
	return derived;
}

static char
script(UChar32 c)
{
	UErrorCode error = U_ZERO_ERROR;
	switch (uscript_getScript(c, &error)) {
	case USCRIPT_GREEK:
		return 'G';
	case USCRIPT_HEBREW:
		return 'H';
	case USCRIPT_HIRAGANA:
	case USCRIPT_KATAKANA:
	case USCRIPT_HAN:
		return 'K';
	default:
		return 'O';
	}
}

static void
describe(UChar32 c, char text[5])
{
	char derived = c <= 0x10ffff ? status(c) : 'D';
	memset(text, 0, 5);
	if (derived == 'D')
		return;
	text[0] = bidi(c);
	text[1] = joining(c);
	text[2] = kind(c, derived);
	text[3] = script(c);
}

static void
print_range(UChar32 first, UChar32 last, const char *text)
{
	static size_t column;
	char range[64];
	int length = snprintf(
	    range, sizeof(range), "R(0x%x,0x%x,%s)", first, last, text);
	if (column > 0 && column + (size_t)length > LINE_MAX_CHARS) {
		putchar('\n');
		column = 0;
	}
	printf("%s%s", column > 0 ? " " : "", range);
	column += (size_t)length + (column > 0);
}

int
main(void)
{
	char now[5] = "";
	char before[5] = "";
	UChar32 first = 0;
	fputs(header, stdout);
	for (UChar32 c = 0; c <= 0x110000; c++) {
		describe(c, now);
		if (strcmp(now, before) == 0)
			continue;
		if (before[0])
			print_range(first, c - 1, before);
		memcpy(before, now, sizeof(now));
		first = c;
	}
	putchar('\n');
	return 0;
}
