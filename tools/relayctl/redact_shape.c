/* SPDX-License-Identifier: MIT */
#include "redact_shape.h"

#include "redact.h"

#include <stdlib.h>
#include <strings.h>

/*
 * One pass over the text. At each byte the rules are tried in turn; a rule that
 * fits writes what is to be seen and says how many bytes it has taken. Where a
 * value ends is a guess, so it is taken to end late.
 */

#define KEY_MAX  16384 /* bytes of a private key that has no end */
#define LOOK_MAX 8192  /* bytes that are looked at for the @ of a URL */

/* Where the scan is. */
struct scan {
	struct view text; /* all of it */
	size_t at;
	struct buf *out;
};

static struct view
rest_of(const struct scan *scan)
{
	return view_make(scan->text.data + scan->at, scan->text.len - scan->at);
}

static struct view
behind(struct view text, size_t count)
{
	return view_make(text.data + count, text.len - count);
}

static bool
begins(struct view text, const char *with)
{
	size_t len = strlen(with);
	return text.len >= len && memcmp(text.data, with, len) == 0;
}

static bool
is_alnum(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	    (byte >= '0' && byte <= '9');
}

static bool
is_in_name(char byte)
{
	return is_alnum(byte) || byte == '_' || byte == '-';
}

/* Characters of base64, its variant for URLs, and of percent-encoding. */
static bool
is_in_token(char byte)
{
	return is_in_name(byte) || byte == '.' || byte == '=' || byte == '+' ||
	    byte == '/' || byte == '%' || byte == '~';
}

static size_t
span(struct view text, bool (*is_in)(char))
{
	size_t len = 0;
	while (len < text.len && is_in(text.data[len]))
		len++;
	return len;
}

static size_t
line_length(struct view text)
{
	const char *end = memchr(text.data, '\n', text.len);
	return end ? (size_t)(end - text.data) : text.len;
}

static bool
is_at_word(const struct scan *scan)
{
	return scan->at == 0 || !is_in_name(scan->text.data[scan->at - 1]);
}

/* Takes so many bytes as they are and `hidden` more behind them unseen. */
static size_t
hide(struct scan *scan, size_t shown, size_t hidden)
{
	buf_add(scan->out, view_make(rest_of(scan).data, shown));
	buf_add_text(scan->out, REDACT_MARK);
	return shown + hidden;
}

/* --- private keys --- */

static size_t
hide_key(struct scan *scan)
{
	static const char end[] = "-----END ";
	struct view text = rest_of(scan);
	if (!begins(text, "-----BEGIN "))
		return 0;
	size_t line = text.len < 80 ? text.len : 80;
	if (!memmem(text.data, line, "PRIVATE KEY", 11))
		return 0;
	const char *last = memmem(text.data, text.len, end, strlen(end));
	size_t len = last ? (size_t)(last - text.data) : text.len;
	if (len > KEY_MAX)
		len = KEY_MAX;
	return hide(scan, 11, len - 11);
}

/* --- URLs --- */

static bool
is_in_url(char byte)
{
	return (uint8_t)byte > ' ' && byte != '"' && byte != '<' && byte != '>';
}

/* Up to the last @: a password may hold one that nobody encoded. */
static size_t
hide_credentials(struct scan *scan)
{
	struct view text = rest_of(scan);
	if (!begins(text, "://"))
		return 0;
	text = behind(text, 3);
	text.len = text.len < LOOK_MAX ? text.len : LOOK_MAX;
	const char *at = memrchr(text.data, '@', span(text, is_in_url));
	return at ? hide(scan, 3, (size_t)(at - text.data)) : 0;
}

/* --- tokens --- */

static size_t
hide_prefixed(struct scan *scan)
{
	static const struct {
		const char *text;
		size_t least;
		bool anywhere;
	} prefixes[] = {
#define REDACT_PREFIX(text, least, anywhere) { text, least, anywhere },
#include "redact_words.def"
	};
	struct view text = rest_of(scan);
	bool is_inside =
	    scan->at > 0 && is_alnum(scan->text.data[scan->at - 1]);
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!begins(text, prefixes[i].text) ||
		    (is_inside && !prefixes[i].anywhere))
			continue;
		size_t shown = strlen(prefixes[i].text);
		size_t len = span(behind(text, shown), is_in_token);
		if (len >= prefixes[i].least)
			return hide(scan, 0, shown + len);
	}
	return 0;
}

/* Long enough and not a word: names of files and hosts are no tokens. */
static bool
is_token_part(struct view part)
{
	if (part.len < 8)
		return false;
	for (size_t i = 0; i < part.len; i++)
		if (part.data[i] < 'a' || part.data[i] > 'z')
			return true;
	return false;
}

/* Three or more parts of base64url with dots between them: a JWT. */
static size_t
hide_token(struct scan *scan)
{
	struct view text = rest_of(scan);
	size_t parts = 0;
	size_t len = 0;
	for (;;) {
		size_t part = span(behind(text, len), is_in_name);
		if (!is_token_part(view_make(text.data + len, part)))
			break;
		parts++;
		len += part;
		if (len == text.len || text.data[len] != '.')
			break;
		len++;
	}
	return parts >= 3 ? hide(scan, 0, len) : 0;
}

/* Bearer and its like, a space in any spelling, the credential. */
static size_t
hide_scheme(struct scan *scan, struct view word)
{
	static const char *const schemes[] = {
#define REDACT_SCHEME(word) word,
#include "redact_words.def"
	};
	bool is_scheme = false;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		is_scheme |= word.len == strlen(schemes[i]) &&
		    strncasecmp(word.data, schemes[i], word.len) == 0;
	if (!is_scheme)
		return 0;
	struct view text = behind(rest_of(scan), word.len);
	size_t space = 0;
	while (space < text.len &&
	    (text.data[space] == ' ' || text.data[space] == '+' ||
		text.data[space] == '\t'))
		space++;
	if (space == 0 && begins(text, "%20"))
		space = 3;
	size_t len = span(behind(text, space), is_in_url);
	return space && len ? hide(scan, word.len + space, len) : 0;
}

/* --- values with a telling name --- */

struct secret_name {
	const char *text;
	bool rest;
};

/* Does the word end with the name, whatever its case, without - and _? */
static bool
ends_with_name(struct view word, const char *name)
{
	size_t left = strlen(name);
	for (size_t i = word.len; i > 0 && left > 0; i--) {
		char byte = word.data[i - 1];
		if (byte == '_' || byte == '-')
			continue;
		if (byte >= 'A' && byte <= 'Z')
			byte = (char)(byte + 'a' - 'A');
		if (byte != name[--left])
			return false;
	}
	return left == 0;
}

static const struct secret_name *
find_name(struct view word)
{
	static const struct secret_name names[] = {
#define REDACT_NAME(name, rest) { name, rest },
#include "redact_words.def"
	};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ends_with_name(word, names[i].text))
			return &names[i];
	return NULL;
}

/* One of the texts that `text` begins with, or NULL. */
static const char *
one_of(struct view text, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (begins(text, texts[i]))
			return texts[i];
	return NULL;
}

static const char *
quote_at(struct view text)
{
	static const char *const quotes[] = { "\\\"", "\"", "'", "%22", "%27" };
	return one_of(text, quotes, sizeof(quotes) / sizeof(quotes[0]));
}

static size_t
blanks(struct view text)
{
	size_t len = 0;
	while (
	    len < text.len && (text.data[len] == ' ' || text.data[len] == '\t'))
		len++;
	return len;
}

/* `":`, `=`, ` = `, `%3D`: the bytes between name and value; 0: none. */
static size_t
separator_length(struct view text)
{
	static const char *const marks[] = { ":", "=", "%3D", "%3d", "%3A",
		"%3a" };
	const char *quote = quote_at(text);
	size_t len = quote ? strlen(quote) : 0;
	len += blanks(behind(text, len));
	const char *mark =
	    one_of(behind(text, len), marks, sizeof(marks) / sizeof(marks[0]));
	if (!mark)
		return 0;
	len += strlen(mark);
	return len + blanks(behind(text, len));
}

/* Up to the closing quote or the end of the line. */
static size_t
quoted_length(struct view text, const char *quote)
{
	size_t line = line_length(text);
	size_t len = strlen(quote);
	for (size_t i = 0; i + len <= line; i++) {
		if (memcmp(text.data + i, quote, len) == 0)
			return i;
		if (text.data[i] == '\\' && *quote != '\'')
			i++;
	}
	return line;
}

static size_t
plain_length(struct view text)
{
	size_t len = 0;
	while (len < text.len && (uint8_t)text.data[len] > ' ' &&
	    text.data[len] != '"' && text.data[len] != '&' &&
	    !begins(behind(text, len), "\\\""))
		len++;
	return len;
}

/* A plain value that tells nothing; `,` and brackets may follow it. */
static bool
is_kept(struct view value)
{
	static const char *const kept[] = {
#define REDACT_KEEP(word) word,
#include "redact_words.def"
	};
	size_t len = span(value, is_alnum);
	if (len < value.len && !strchr(",;)]}", value.data[len]))
		return false;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (view_is(view_make(value.data, len), kept[i]))
			return true;
	return false;
}

static size_t
hide_value(struct scan *scan, const struct secret_name *name, size_t shown)
{
	struct view value = behind(rest_of(scan), shown);
	const char *quote = quote_at(value);
	if (quote) {
		size_t open = strlen(quote);
		size_t len = quoted_length(behind(value, open), quote);
		return len ? hide(scan, shown + open, len) : 0;
	}
	if (name->rest)
		return line_length(value)
		    ? hide(scan, shown, line_length(value))
		    : 0;
	size_t len = plain_length(value);
	if (len == 0 || *value.data == '{' || *value.data == '[' ||
	    is_kept(view_make(value.data, len)))
		return 0;
	return hide(scan, shown, len);
}

static size_t
hide_named(struct scan *scan, struct view word)
{
	const struct secret_name *name = find_name(word);
	size_t between =
	    name ? separator_length(behind(rest_of(scan), word.len)) : 0;
	return between ? hide_value(scan, name, word.len + between) : 0;
}

/* --- all rules --- */

static size_t
take_one(struct scan *scan)
{
	size_t taken = hide_key(scan);
	if (taken == 0)
		taken = hide_credentials(scan);
	if (taken == 0)
		taken = hide_prefixed(scan);
	if (taken > 0 || !is_at_word(scan))
		return taken;
	struct view text = rest_of(scan);
	struct view word = view_make(text.data, span(text, is_in_name));
	taken = hide_named(scan, word);
	if (taken == 0)
		taken = hide_scheme(scan, word);
	return taken ? taken : hide_token(scan);
}

void
redact_shapes(struct view text, struct buf *out)
{
	struct scan scan = { .text = text, .out = out };
	while (scan.at < text.len) {
		size_t taken = take_one(&scan);
		if (taken == 0)
			buf_add_char(out, text.data[scan.at++]);
		scan.at += taken;
	}
}
