/* SPDX-License-Identifier: MIT */

/* The table of formats, and the short ones: UUID, JSON pointers, regex. */

#include "schema_format.h"

#include "schema_regex.h"

const struct schema_format *
schema_format_find(struct view name)
{
	static const struct schema_format formats[] = {
#define FORMAT(name, function) { name, schema_format_##function },
#include "schema_formats.def"
#undef FORMAT
	};
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (view_is(name, formats[i].name))
			return &formats[i];
	return NULL;
}

bool
schema_format_uuid(struct view text)
{
	if (text.len != 36)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		bool wants_dash = i == 8 || i == 13 || i == 18 || i == 23;
		bool fits = wants_dash ? text.data[i] == '-'
				       : format_is_hex(text.data[i]);
		if (!fits)
			return false;
	}
	return true;
}

bool
schema_format_json_pointer(struct view text)
{
	if (text.len > 0 && text.data[0] != '/')
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] != '~')
			continue;
		char next = i + 1 < text.len ? text.data[i + 1] : '\0';
		if (next != '0' && next != '1')
			return false;
	}
	return true;
}

bool
schema_format_relative_json_pointer(struct view text)
{
	size_t digits = 0;
	while (digits < text.len && format_is_digit(text.data[digits]))
		digits++;
	if (digits == 0 || (digits > 1 && text.data[0] == '0'))
		return false;
	struct view rest = view_make(text.data + digits, text.len - digits);
	return view_is(rest, "#") || schema_format_json_pointer(rest);
}

bool
schema_format_regex(struct view text)
{
	return schema_regex_is_ecma(text);
}
