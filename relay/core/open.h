/* SPDX-License-Identifier: MIT */
#ifndef OPEN_H
#define OPEN_H

/* Where a subscription begins. Private to the hub. */

#include "subscription.h"

/* Goes on behind this cursor: in the live chain where that knows it, else by
 * windows. info: what Redis says of the stream, or NULL. Settle afterwards. */
void subscription_begin_after(struct subscription *subscription,
    struct entry_id after, const struct stream_info *info);

#endif
