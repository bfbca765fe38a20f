/* SPDX-License-Identifier: MIT */
#ifndef BUDGET_H
#define BUDGET_H

/*
 * Memory is bounded by letting go: who is too far behind the end of its chain,
 * or furthest behind when all chains together are too much, keeps only its
 * cursor and is served from Redis. Private to the hub.
 */

#include "subscription.h"

/* One topic's: no more than subscriber_bytes from a position to the end. */
void budget_check_topic(struct topic *topic);
/* All blocks': no more than total_bytes. Twins go first, then what is kept
 * for those to come, then windows, blocked ones first, then the oldest blocks
 * of the longest chains. */
void budget_check_all(struct hub *hub);
/* Places in windows that were blocked for too long. */
void budget_free_stuck(struct hub *hub);

#endif
