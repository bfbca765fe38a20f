/* SPDX-License-Identifier: MIT */
#include "reference_jsonc.h"

#include <json-c/json.h>

/* Both kinds of zero are one: "-0" is an integer here and a double there. */
void
reference_add_integer(struct buf *shape, int64_t value)
{
	if (value >= REFERENCE_INTEGER || value <= -REFERENCE_INTEGER)
		buf_add_char(shape, 'N');
	else
		buf_addf(shape, "i%lld", (long long)value);
}

void
reference_add_double(struct buf *shape, double value)
{
	if (value > 0 || value < 0)
		buf_addf(shape, "d%.17g", value);
	else
		reference_add_integer(shape, 0);
}

void
reference_add_string(struct buf *shape, struct view text)
{
	buf_addf(shape, "s%zu:", text.len);
	buf_add(shape, text);
}

static void add_shape(struct buf *shape, struct json_object *value);

static void
add_object(struct buf *shape, struct json_object *object)
{
	buf_add_char(shape, '{');
	json_object_object_foreach(object, key, value)
	{
		reference_add_string(shape, view_of(key));
		add_shape(shape, value);
	}
	buf_add_char(shape, '}');
}

static void
add_array(struct buf *shape, struct json_object *array)
{
	buf_add_char(shape, '[');
	for (size_t i = 0; i < json_object_array_length(array); i++)
		add_shape(shape, json_object_array_get_idx(array, i));
	buf_add_char(shape, ']');
}

static void
add_shape(struct buf *shape, struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		buf_add_char(shape, 'n');
		break;
	case json_type_boolean:
		buf_add_char(shape, json_object_get_boolean(value) ? 't' : 'f');
		break;
	case json_type_int:
		reference_add_integer(shape, json_object_get_int64(value));
		break;
	case json_type_double:
		reference_add_double(shape, json_object_get_double(value));
		break;
	case json_type_string:
		reference_add_string(shape,
		    view_make(json_object_get_string(value),
			(size_t)json_object_get_string_len(value)));
		break;
	case json_type_array:
		add_array(shape, value);
		break;
	case json_type_object:
		add_object(shape, value);
		break;
	}
}

bool
reference_jsonc(const char *text, size_t size, struct buf *shape)
{
	struct json_tokener *tokener = json_tokener_new_ex(512);
	json_tokener_set_flags(
	    tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	struct json_object *object =
	    json_tokener_parse_ex(tokener, text, (int)size);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	if (error == json_tokener_continue) { /* a number: is there more? */
		object = json_tokener_parse_ex(tokener, "", 1);
		error = json_tokener_get_error(tokener);
	}
	if (error == json_tokener_success)
		add_shape(shape, object);
	json_object_put(object);
	json_tokener_free(tokener);
	return error == json_tokener_success ||
	    error == json_tokener_error_depth;
}
