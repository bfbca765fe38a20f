/* SPDX-License-Identifier: MIT */

/* Addresses: IPv4 (RFC 2673), IPv6 (RFC 4291), host names (RFC 1123), mail
 * (RFC 5321, 6531). */

#include "schema_format.h"
#include "schema_idna.h"

static struct view
slice(struct view text, size_t from, size_t to)
{
	return view_make(text.data + from, to - from);
}

/* A decimal byte without a leading zero; its length, 0 = none. */
static size_t
octet_length(struct view text, size_t from)
{
	unsigned value = 0;
	size_t at = from;
	while (at < text.len && at < from + 3 && format_is_digit(text.data[at]))
		value = value * 10 + (unsigned)(text.data[at++] - '0');
	bool has_zero = at > from + 1 && text.data[from] == '0';
	return value > 255 || has_zero ? 0 : at - from;
}

bool
schema_format_ipv4(struct view text)
{
	size_t at = 0;
	for (unsigned part = 0; part < 4; part++) {
		if (part > 0 && (at >= text.len || text.data[at++] != '.'))
			return false;
		size_t length = octet_length(text, at);
		if (length == 0)
			return false;
		at += length;
	}
	return at == text.len;
}

static size_t
group_length(struct view text, size_t from)
{
	size_t at = from;
	while (at < text.len && format_is_hex(text.data[at]))
		at++;
	return at - from;
}

/* Groups of the half of an address, the last of which may be an IPv4 address
 * and then counts for two. -1: does not fit. */
static int
count_groups(struct view text)
{
	int groups = 0;
	size_t at = 0;
	if (text.len == 0)
		return 0;
	for (;;) {
		if (schema_format_ipv4(slice(text, at, text.len)))
			return groups + 2;
		size_t length = group_length(text, at);
		if (length == 0 || length > 4)
			return -1;
		groups++;
		at += length;
		if (at == text.len)
			return groups;
		if (text.data[at++] != ':')
			return -1;
	}
}

bool
schema_format_ipv6(struct view text)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if (text.data[i] != ':' || text.data[i + 1] != ':')
			continue;
		struct view left = slice(text, 0, i);
		int before = count_groups(left);
		int after = count_groups(slice(text, i + 2, text.len));
		bool is_mixed = memchr(left.data, '.', left.len) != NULL;
		return before >= 0 && after >= 0 && !is_mixed &&
		    before + after <= 7;
	}
	return count_groups(text) == 8;
}

bool
schema_format_hostname(struct view text)
{
	return schema_idna_is_name(text, false);
}

bool
schema_format_idn_hostname(struct view text)
{
	return schema_idna_is_name(text, true);
}

static bool
is_atom_char(unsigned char c, bool allows_wide)
{
	if (c >= 0x80)
		return allows_wide;
	return format_is_letter((char)c) || format_is_digit((char)c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool
is_dot_atom(struct view text, bool allows_wide)
{
	bool was_dot = true;
	for (size_t i = 0; i < text.len; i++) {
		bool is_dot = text.data[i] == '.';
		if (is_dot && was_dot)
			return false;
		if (!is_dot &&
		    !is_atom_char((unsigned char)text.data[i], allows_wide))
			return false;
		was_dot = is_dot;
	}
	return text.len > 0 && !was_dot;
}

static bool
is_quoted(struct view text, bool allows_wide)
{
	if (text.len < 2 || text.data[0] != '"' ||
	    text.data[text.len - 1] != '"')
		return false;
	for (size_t i = 1; i + 1 < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		if (c < ' ' || c == 0x7f || c == '"' ||
		    (c >= 0x80 && !allows_wide))
			return false;
		if (c == '\\' && ++i + 1 >= text.len)
			return false;
	}
	return true;
}

static bool
is_mail_domain(struct view text, bool allows_wide)
{
	if (text.len < 2 || text.data[0] != '[' ||
	    text.data[text.len - 1] != ']')
		return allows_wide ? schema_format_idn_hostname(text)
				   : schema_format_hostname(text);
	struct view address = slice(text, 1, text.len - 1);
	if (address.len > 5 && memcmp(address.data, "IPv6:", 5) == 0)
		return schema_format_ipv6(slice(address, 5, address.len));
	return schema_format_ipv4(address);
}

static bool
is_mail(struct view text, bool allows_wide)
{
	size_t at = text.len;
	while (at > 0 && text.data[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	struct view local = slice(text, 0, at - 1);
	if (local.len > 64)
		return false;
	if (!is_dot_atom(local, allows_wide) && !is_quoted(local, allows_wide))
		return false;
	return is_mail_domain(slice(text, at, text.len), allows_wide);
}

bool
schema_format_email(struct view text)
{
	return is_mail(text, false);
}

bool
schema_format_idn_email(struct view text)
{
	return is_mail(text, true);
}
