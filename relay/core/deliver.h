/* SPDX-License-Identifier: MIT */
#ifndef DELIVER_H
#define DELIVER_H

/* Serves one subscription: the one delivery path. Private to the hub. */

#include "run.h"
#include "subscription.h"

/* Hands over all that it has to get, run by run, until there is nothing or it
 * can take no more; moves it from window to live chain; settles it. */
void deliver(struct subscription *subscription);

/* The peer has answered other than HUB_WRITE_OK to a run of `block`, written
 * straight: it is told, moved and settled as deliver() does it. */
void deliver_answered(struct subscription *subscription, struct block *block,
    const struct run *run, enum hub_write answer);

/* So many who are live have got this run. */
void deliver_count(struct topic *topic, const struct run *run, unsigned times);

#endif
