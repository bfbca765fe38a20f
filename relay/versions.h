/* SPDX-License-Identifier: MIT */
#ifndef VERSIONS_H
#define VERSIONS_H

/* The libraries that were really loaded, as they name themselves at run time;
 * asked by symbol, so that no library's header is needed here. */

#include "buf.h"

/* One line each: name, version, file. */
void versions_print(struct buf *out);
/* Logs a warning for each one that has a hole which is known. */
void versions_warn(void);

#endif
