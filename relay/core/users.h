/* SPDX-License-Identifier: MIT */
#ifndef USERS_H
#define USERS_H

/*
 * How many connections each user of each tenant has on this process, over all
 * its workers. Asked when a connection opens and when it ends, hence a lock.
 */

#include "view.h"

#include <stdint.h>

struct users;

struct users *users_new(void);
/* All have left. */
void users_free(struct users **users);

/* One more of this user; false (and it does not count) when there are `max`
 * already; 0 = no bound. */
bool users_enter(
    struct users *users, struct view tenant, struct view user, uint64_t max);
/* One that entered is gone. */
void users_leave(struct users *users, struct view tenant, struct view user);
/* Users that have a connection. */
size_t users_count(struct users *users);

#endif
