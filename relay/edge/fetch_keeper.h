/* SPDX-License-Identifier: MIT */
#ifndef FETCH_KEEPER_H
#define FETCH_KEEPER_H

/*
 * The process that starts relay-fetch for the relay; see fetch.h. It hands bytes
 * from one to the other, reads nothing in them, and ends when its channel is
 * closed.
 */

#include <sys/types.h>

/* Before there are threads. *channel_r is a stream socket, for the caller to
 * close. -1: errno says why. */
pid_t fetch_keeper_fork(int *channel_r);

#endif
