/* SPDX-License-Identifier: MIT */
#include "schema_uri.h"

/* A part is present when its data is not NULL, and may be empty. Each part
 * excludes the character that introduces it, save query and fragment, which
 * keep theirs. */
struct uri {
	struct view scheme;
	struct view authority;
	struct view path;
	struct view query;
	struct view fragment;
};

static size_t
find_any(struct view text, size_t from, const char *stops)
{
	size_t at = from;
	while (
	    at < text.len && !(text.data[at] && strchr(stops, text.data[at])))
		at++;
	return at;
}

static struct view
slice(struct view text, size_t from, size_t to)
{
	return view_make(text.data + from, to - from);
}

static bool
is_scheme(struct view text, size_t end)
{
	if (end == 0 || end >= text.len || text.data[end] != ':')
		return false;
	for (size_t i = 0; i < end; i++) {
		char c = text.data[i];
		bool is_letter =
		    (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool is_other =
		    (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
		if (!is_letter && (i == 0 || !is_other))
			return false;
	}
	return true;
}

static struct uri
parse(struct view text)
{
	struct uri uri = { 0 };
	size_t at = 0;
	size_t colon = find_any(text, 0, ":/?#");
	if (is_scheme(text, colon)) {
		uri.scheme = slice(text, 0, colon);
		at = colon + 1;
	}
	if (text.len - at >= 2 && memcmp(text.data + at, "//", 2) == 0) {
		size_t end = find_any(text, at + 2, "/?#");
		uri.authority = slice(text, at + 2, end);
		at = end;
	}
	size_t path_end = find_any(text, at, "?#");
	uri.path = slice(text, at, path_end);
	size_t query_end = find_any(text, path_end, "#");
	if (query_end > path_end)
		uri.query = slice(text, path_end, query_end);
	if (query_end < text.len)
		uri.fragment = slice(text, query_end, text.len);
	return uri;
}

/* Drops the last segment that was written behind `from`, with its slash. */
static void
drop_segment(struct buf *out, size_t from)
{
	while (out->len > from && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > from)
		out->len--;
}

/* Section 5.2.4, segment by segment; a segment begins with its slash. */
static void
add_without_dots(struct buf *out, struct view path)
{
	size_t from = out->len;
	size_t at = 0;
	while (at < path.len) {
		size_t end = find_any(path, at + 1, "/");
		struct view segment = slice(path, at, end);
		struct view name = segment;
		if (name.data[0] == '/')
			name = slice(name, 1, name.len);
		bool is_last = end == path.len;
		if (view_is(name, ".") || view_is(name, "..")) {
			if (name.len == 2)
				drop_segment(out, from);
			if (is_last && segment.len > name.len)
				buf_add_char(out, '/');
		} else {
			/* What was relative stays so: dir/../b is b. */
			bool is_lost = out->len == from && path.data[0] != '/';
			buf_add(out, is_lost ? name : segment);
		}
		at = end;
	}
}

/* Section 5.2.3: the base's path up to its last slash, then the reference. */
static void
add_merged(struct buf *out, const struct uri *base, struct view path)
{
	struct buf merged;
	buf_init(&merged, 0);
	size_t keep = base->path.len;
	while (keep > 0 && base->path.data[keep - 1] != '/')
		keep--;
	if (base->authority.data && base->path.len == 0)
		buf_add_char(&merged, '/');
	buf_add(&merged, slice(base->path, 0, keep));
	buf_add(&merged, path);
	add_without_dots(out, buf_view(&merged));
	buf_fini(&merged);
}

static void
add_origin(struct buf *out, struct view scheme, struct view authority)
{
	if (scheme.data) {
		buf_add(out, scheme);
		buf_add_char(out, ':');
	}
	if (authority.data) {
		buf_add_text(out, "//");
		buf_add(out, authority);
	}
}

static void
add_path(struct buf *out, const struct uri *base, const struct uri *ref)
{
	bool starts_at_root = ref->scheme.data || ref->authority.data ||
	    (ref->path.len > 0 && ref->path.data[0] == '/');
	if (ref->scheme.data && !ref->authority.data && ref->path.len > 0 &&
	    ref->path.data[0] != '/')
		buf_add(out, ref->path); /* urn:… has no segments */
	else if (starts_at_root)
		add_without_dots(out, ref->path);
	else if (ref->path.len > 0)
		add_merged(out, base, ref->path);
	else
		buf_add(out, base->path);
}

void
schema_uri_resolve(struct view base_text, struct view ref_text, struct buf *out)
{
	struct uri base = parse(base_text);
	struct uri ref = parse(ref_text);
	buf_clear(out);
	struct view scheme = ref.scheme.data ? ref.scheme : base.scheme;
	struct view authority = ref.scheme.data || ref.authority.data
	    ? ref.authority
	    : base.authority;
	add_origin(out, scheme, authority);
	add_path(out, &base, &ref);
	bool keeps_query = !ref.scheme.data && !ref.authority.data &&
	    ref.path.len == 0 && !ref.query.data;
	buf_add(out, keeps_query ? base.query : ref.query);
	buf_add(out, ref.fragment);
}

struct view
schema_uri_split(struct view uri, struct view *fragment_r)
{
	size_t end = find_any(uri, 0, "#");
	*fragment_r = view_make(NULL, 0);
	if (end < uri.len)
		*fragment_r = slice(uri, end + 1, uri.len);
	return slice(uri, 0, end);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void
schema_uri_decode(struct view text, struct buf *out)
{
	buf_clear(out);
	for (size_t i = 0; i < text.len; i++) {
		int high = -1;
		int low = -1;
		if (text.data[i] == '%' && i + 2 < text.len) {
			high = hex_digit(text.data[i + 1]);
			low = hex_digit(text.data[i + 2]);
		}
		if (high < 0 || low < 0) {
			buf_add_char(out, text.data[i]);
			continue;
		}
		buf_add_char(out, (char)(high << 4 | low));
		i += 2;
	}
}
