/* SPDX-License-Identifier: MIT */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

/*
 * What was typed, looked at before anything is opened. Each function returns 0,
 * or CTL_USAGE with the error set; none echoes an address, which may hold a
 * password. NULL is what was not typed, and fine.
 */

#include "ctl.h"

/* --relay and --redis; for whoever is about to use one of them. (Not report,
 * which says in its text what is wrong with either.) */
int ctl_check_addresses(struct ctl *ctl);

/* `scheme`://HOST[:PORT], and what may stand behind; no user, no password.
 * `form` is how it is written: "ws://HOST:PORT". */
int ctl_check_url(struct ctl *ctl, const char *option, const char *url,
    const char *scheme, const char *form);

/* A number of at most nine digits. */
int ctl_check_count(struct ctl *ctl, const char *option, const char *text);

#endif
