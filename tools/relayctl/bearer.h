/* SPDX-License-Identifier: MIT */
#ifndef BEARER_H
#define BEARER_H

/* The token that a client command shows to the relay: from a file or from the
 * environment, never from the command line, where all can read it. */

#include "ctl.h"

/* From `file` (--token-file), else from RELAY_TOKEN;
 * *token_r is empty when there is neither, else it ends with a NUL that does not
 * count. 0, or an exit code with the error set. End it with buf_wipe. */
int bearer_read(struct ctl *ctl, const char *file, struct buf *token_r);

#endif
