/* SPDX-License-Identifier: MIT */
#ifndef QUIET_SUBSCRIBER_H
#define QUIET_SUBSCRIBER_H

/* What a subscriber of the hub of whom only the frames count, in a test or a
 * benchmark, makes of all else: nothing. */

#include "hub.h"

static inline void
quiet_opened(void *arg, const struct stream_info *info)
{
	(void)arg;
	(void)info;
}

static inline enum hub_write
quiet_live(void *arg, struct entry_id cursor, uint64_t replayed)
{
	(void)arg;
	(void)cursor;
	(void)replayed;
	return HUB_WRITE_OK;
}

static inline enum hub_write
quiet_cursor(void *arg, struct entry_id cursor)
{
	(void)arg;
	(void)cursor;
	return HUB_WRITE_OK;
}

#endif
