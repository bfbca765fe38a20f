/* SPDX-License-Identifier: MIT */
#include "reference_json.h"

#include <json-c/json.h>

bool
reference_accepts(const char *text, size_t size, size_t *items_r)
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
	if (error == json_tokener_success &&
	    json_object_is_type(object, json_type_array))
		*items_r = json_object_array_length(object);
	json_object_put(object);
	json_tokener_free(tokener);
	return error == json_tokener_success ||
	    error == json_tokener_error_depth;
}
