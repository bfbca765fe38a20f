/* SPDX-License-Identifier: MIT */
#ifndef DELIVER_H
#define DELIVER_H

/* Serves one subscription: the one delivery path. Private to the hub. */

#include "subscription.h"

/* Hands over all that it has to get, run by run, until there is nothing or it
 * can take no more; moves it from window to live chain; settles it. */
void deliver(struct subscription *subscription);

#endif
