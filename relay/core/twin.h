/* SPDX-License-Identifier: MIT */
#ifndef TWIN_H
#define TWIN_H

/*
 * The compressed twin of a block, made lazily and at most once for all
 * subscribers that negotiated permessage-deflate: the same frames under the
 * same numbers, each compressed for itself, so that whoever reads the twin has
 * its position in the block like everybody else. It weighs in the budgets as
 * much as its block and goes with it, or before, when memory is short: it can
 * be made again. Private to the hub.
 */

#include "block.h"

struct hub;

/* With window_bits as negotiated (9 to 15; 0: not at all). */
enum block_form twin_form(unsigned window_bits);

/* The block as those get it who want this form, up to its last frame now. */
struct block *twin_of(
    struct hub *hub, struct block *block, enum block_form form);

/* All there are. Not while somebody is served. */
void twins_drop(struct hub *hub);

#endif
