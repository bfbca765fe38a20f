/* SPDX-License-Identifier: MIT */
#include "redis_link.h"

#include <hiredis/hiredis.h>

/* A redis_value is hiredis' redisReply under a name that the rest of the
 * program may know. */
static const redisReply *
reply_of(const struct redis_value *value)
{
	return (const redisReply *)(const void *)value;
}

enum redis_type
redis_value_type(const struct redis_value *value)
{
	if (value == NULL)
		return REDIS_NIL;
	switch (reply_of(value)->type) {
	case REDIS_REPLY_STRING:
	case REDIS_REPLY_STATUS:
		return REDIS_TEXT;
	case REDIS_REPLY_ARRAY:
		return REDIS_ARRAY;
	case REDIS_REPLY_INTEGER:
		return REDIS_INTEGER;
	case REDIS_REPLY_ERROR:
		return REDIS_ERROR;
	default: /* nil, and the RESP3 types, which we never ask for */
		return REDIS_NIL;
	}
}

struct view
redis_value_text(const struct redis_value *value)
{
	enum redis_type type = redis_value_type(value);

	if (type != REDIS_TEXT && type != REDIS_ERROR)
		return view_make(NULL, 0);
	return view_make(reply_of(value)->str, reply_of(value)->len);
}

int64_t
redis_value_integer(const struct redis_value *value)
{
	if (redis_value_type(value) != REDIS_INTEGER)
		return 0;
	return reply_of(value)->integer;
}

size_t
redis_value_count(const struct redis_value *value)
{
	if (redis_value_type(value) != REDIS_ARRAY)
		return 0;
	return reply_of(value)->elements;
}

const struct redis_value *
redis_value_at(const struct redis_value *value, size_t index)
{
	if (index >= redis_value_count(value))
		return NULL;
	return (const struct redis_value *)(const void *)reply_of(value)
	    ->element[index];
}

static bool
begins(struct view text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.len >= len && memcmp(text.data, prefix, len) == 0;
}

const char *
redis_error_reason(const struct redis_value *value)
{
	static const struct {
		const char *prefix, *reason;
	} known[] = {
		{ "LOADING", "loading" },
		{ "READONLY", "readonly" },
		{ "MASTERDOWN", "readonly" },
		{ "NOAUTH", "auth" },
		{ "WRONGPASS", "auth" },
		{ "NOPERM", "noperm" },
		{ "ERR max number of clients", "refused" },
		{ "DENIED", "refused" },
	};
	struct view text = redis_value_text(value);

	if (redis_value_type(value) != REDIS_ERROR)
		return NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (begins(text, known[i].prefix))
			return known[i].reason;
	return NULL;
}

const char *
redis_error_fatal(const struct redis_value *value)
{
	const char *reason = redis_error_reason(value);

	return reason != NULL && strcmp(reason, "noperm") != 0 ? reason : NULL;
}
