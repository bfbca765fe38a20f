/* SPDX-License-Identifier: MIT */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* File descriptors: how many there may be, and how many connections that
 * leaves room for. */

#include "error.h"

#include <stdint.h>

/* Raises the soft limit to the hard one. -1: fewer than 64. *limit_r: how many
 * this process may have. */
int descriptors_raise(uint64_t *limit_r, struct error *err);

/* Connections that fit besides what `workers` event loops need themselves. */
uint64_t descriptors_for_clients(uint64_t limit, uint64_t workers);

#endif
