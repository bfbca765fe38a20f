/* SPDX-License-Identifier: MIT */
#include "peer_jsonc.h"

#include <json-c/json.h>

struct peer_jsonc *
peer_jsonc_new(void)
{
	return (struct peer_jsonc *)json_tokener_new();
}

void
peer_jsonc_free(struct peer_jsonc **peer)
{
	if (*peer)
		json_tokener_free((struct json_tokener *)*peer);
	*peer = NULL;
}

bool
peer_jsonc_parse(struct peer_jsonc *peer, struct view text)
{
	struct json_tokener *tokener = (struct json_tokener *)peer;
	json_tokener_reset(tokener);
	struct json_object *value =
	    json_tokener_parse_ex(tokener, text.data, (int)text.len);
	bool is_json = value != NULL;
	json_object_put(value);
	return is_json;
}
