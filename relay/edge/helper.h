/* SPDX-License-Identifier: MIT */
#ifndef HELPER_H
#define HELPER_H

/*
 * A process beside the relay that keeps a right which the relay gives up when
 * it enters its sandbox, and that reads nothing from strangers. The end of its
 * channel is that of the relay.
 */

#include <sys/types.h>

/* What the process does with its end of the channel; when it returns, the
 * process ends. */
typedef void helper_fn(int channel, const void *arg);

/*
 * Forks it; call it before there are threads. It has a session of its own, is
 * left alone by the signals that end or reload the relay (a terminal or a
 * service manager sends them to all), and holds no descriptor of its parent's
 * but the standard ones. *channel_r is for the caller to close. -1: errno says
 * why.
 */
pid_t helper_fork(helper_fn *run, const void *arg, int *channel_r);

#endif
