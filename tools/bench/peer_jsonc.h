/* SPDX-License-Identifier: MIT */
#ifndef PEER_JSONC_H
#define PEER_JSONC_H

/* json-c's parse, to measure beside ours. A file of its own, because its
 * headers use names that ours use too. */

#include "view.h"

struct peer_jsonc; /* a json_tokener, reused */

struct peer_jsonc *peer_jsonc_new(void);
void peer_jsonc_free(struct peer_jsonc **peer);

/* Parses to a tree and frees it. False: it is not JSON. */
bool peer_jsonc_parse(struct peer_jsonc *peer, struct view text);

#endif
