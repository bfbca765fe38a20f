/* SPDX-License-Identifier: MIT */
#ifndef RAW_KEYS_H
#define RAW_KEYS_H

/*
 * The raw server's events from as many Redis streams as it serves, one key
 * each, as the relay has them: CLIENT TRACKING tells on one connection which
 * keys have changed, each of them is read with an XREAD on the other. Entries
 * are `event E`. No contract, no pause, no proof that nothing is missing.
 */

#include "raw_peer.h"

struct raw_keys;

/* Keys are `prefix` and the stream's number; they are read from their
 * beginning. NULL: Redis cannot be reached, or refuses, which is told. */
struct raw_keys *raw_keys_new(int epoll, struct raw_peers *peers,
    const char *socket, const char *prefix, unsigned streams);
/* Whether the descriptor is one of the two connections; it was readable. */
bool raw_keys_serve(struct raw_keys *keys, int fd);

#endif
