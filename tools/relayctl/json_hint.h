/* SPDX-License-Identifier: MIT */
#ifndef JSON_HINT_H
#define JSON_HINT_H

#include "json.h"

/* What somebody who wrote this most likely has to change; "" when nobody
 * knows. Static text. */
const char *json_hint(struct view text, const struct json_fault *fault);

#endif
