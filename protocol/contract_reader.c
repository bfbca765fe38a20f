/* SPDX-License-Identifier: MIT */
#include "contract_reader.h"

#include "nearest.h"
#include "xmalloc.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_MAX  4096
#define NAMES_MAX 64 /* most members of a table */

int
reader_refuse(struct reader *reader, const char *format, ...)
{
	char message[400];
	va_list args;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	return contract_files_error(reader->files, CONTRACT_FILE,
	    reader->pointer, reader->err, message);
}

/* Steps down to a member and returns the length to reader_leave() with. What does not
 * fit is left out: the pointer is for people. */
size_t
reader_enter(struct reader *reader, struct view name)
{
	size_t before = reader->length;
	size_t at = before;
	if (at + 2 < sizeof(reader->pointer))
		reader->pointer[at++] = '/';
	for (size_t i = 0; i < name.len; i++) {
		if (at + 3 > sizeof(reader->pointer))
			break;
		char byte = name.data[i];
		bool escaped = byte == '~' || byte == '/';
		reader->pointer[at++] = escaped ? '~' : byte;
		if (escaped)
			reader->pointer[at++] = byte == '~' ? '0' : '1';
	}
	reader->pointer[at] = '\0';
	reader->length = at;
	return before;
}

void
reader_leave(struct reader *reader, size_t before)
{
	reader->length = before;
	reader->pointer[before] = '\0';
}

enum json_type
reader_type(const struct reader *reader, uint32_t node)
{
	return (enum json_type)reader->doc->nodes[node].type;
}

int
reader_expect(struct reader *reader, uint32_t value, enum json_type type,
    const char *what)
{
	if (reader_type(reader, value) == type)
		return 0;
	return reader_refuse(reader, "wants %s, not %s", what,
	    json_type_name(reader_type(reader, value)));
}

/* --- objects by table --- */

static bool
is_comment(struct view name)
{
	return name.len > 0 && name.data[0] == '$';
}

static int
refuse_unknown(struct reader *reader, struct view name,
    const struct member *members, size_t count)
{
	const char *names[NAMES_MAX];
	for (size_t i = 0; i < count && i < NAMES_MAX; i++)
		names[i] = members[i].name;
	const char *near =
	    nearest_name(name, names, count < NAMES_MAX ? count : NAMES_MAX);
	reader_enter(reader, name);
	if (near)
		return reader_refuse(
		    reader, "is no member here; did you mean \"%s\"?", near);
	return reader_refuse(reader, "is no member here");
}

static int
check_names(struct reader *reader, uint32_t object,
    const struct member *members, size_t count)
{
	uint32_t key = object + 1;
	for (uint32_t i = 0; i < reader->doc->nodes[object].count; i++) {
		bool known = false;
		for (size_t j = 0; j < count && !known; j++)
			known = json_string_is(
			    reader->doc, key, view_of(members[j].name));
		struct view name =
		    json_string(reader->doc, key, &reader->scratch);
		if (!known && !is_comment(name))
			return refuse_unknown(reader, name, members, count);
		key = reader->doc->nodes[key + 1].next;
	}
	return 0;
}

int
reader_object(struct reader *reader, uint32_t object, void *target,
    const struct member *members, size_t count)
{
	if (reader_expect(reader, object, JSON_OBJECT, "an object") == -1)
		return -1;
	if (check_names(reader, object, members, count) == -1)
		return -1;
	for (size_t i = 0; i < count; i++) {
		const struct member *member = &members[i];
		uint32_t value =
		    json_member(reader->doc, object, view_of(member->name));
		if (value == 0 && member->required)
			return reader_refuse(
			    reader, "lacks the member \"%s\"", member->name);
		if (value == 0)
			continue;
		size_t before = reader_enter(reader, view_of(member->name));
		if (member->read(reader, value, (char *)target + member->offset,
			member) == -1)
			return -1;
		reader_leave(reader, before);
	}
	return 0;
}

/* --- plain values --- */

int
reader_copy_text(struct reader *reader, uint32_t value, char **text_r)
{
	if (reader_expect(reader, value, JSON_STRING, "a string") == -1)
		return -1;
	struct view text = json_string(reader->doc, value, &reader->scratch);
	if (text.len == 0 || text.len > TEXT_MAX)
		return reader_refuse(reader, "wants 1 to %d bytes", TEXT_MAX);
	if (memchr(text.data, '\0', text.len))
		return reader_refuse(reader, "holds U+0000");
	*text_r = xstrndup(text.data, text.len);
	return 0;
}

int
reader_text(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	(void)member;
	return reader_copy_text(reader, value, target);
}

/* Goes into keys, logs and "name/version": no surprises. */
int
reader_name(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	char **name = target;
	if (reader_text(reader, value, target, member) == -1)
		return -1;
	size_t plain = strspn(*name,
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789._-");
	if ((*name)[plain] || plain > 64)
		return reader_refuse(reader,
		    "wants at most 64 letters, digits, '.', '_' and '-'");
	return 0;
}

int
reader_pointer(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	char **pointer = target;
	if (reader_text(reader, value, target, member) == -1)
		return -1;
	const char *tilde = strchr(*pointer, '~');
	while (tilde && (tilde[1] == '0' || tilde[1] == '1'))
		tilde = strchr(tilde + 2, '~');
	if (**pointer != '/' || tilde)
		return reader_refuse(reader,
		    "wants a JSON pointer to a member, such as \"/type\"");
	return 0;
}

int
reader_flag(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	bool *flag = target;
	(void)member;
	enum json_type type = reader_type(reader, value);
	if (type != JSON_TRUE && type != JSON_FALSE)
		return reader_refuse(reader, "wants true or false");
	*flag = type == JSON_TRUE;
	return 0;
}

int
reader_close(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	uint16_t *close = target;
	(void)member;
	struct view text = json_text(reader->doc, value);
	unsigned code = 0;
	for (size_t i = 0; i < text.len && code < 10000; i++)
		code = text.data[i] >= '0' && text.data[i] <= '9'
		    ? code * 10 + (unsigned)(text.data[i] - '0')
		    : 10000;
	bool standard = code >= 1001 && code <= 1014 && code != 1004 &&
	    code != 1005 && code != 1006;
	if (!standard && (code < 3000 || code > 4999))
		return reader_refuse(reader,
		    "wants a close code: 1001 to 1014 without 1004 to 1006, "
		    "or 3000 to 4999");
	*close = (uint16_t)code;
	return 0;
}

int
reader_skip_text(struct reader *reader, uint32_t value, void *target,
    const struct member *member)
{
	(void)target;
	(void)member;
	return reader_expect(reader, value, JSON_STRING, "a string");
}
