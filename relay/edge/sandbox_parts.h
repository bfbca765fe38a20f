/* SPDX-License-Identifier: MIT */
#ifndef SANDBOX_PARTS_H
#define SANDBOX_PARTS_H

/* What sandbox.c puts together; nobody else includes this. */

#include "sandbox.h"

/* The file system, and ports, by landlock(7). *abi_r: 0 when the kernel has
 * none, which is no error. */
int sandbox_files(
    const struct sandbox_plan *plan, int *abi_r, struct error *err);
/* System calls, by seccomp(2). -1 also when the kernel has none. */
int sandbox_calls(const struct sandbox_plan *plan, struct error *err);

#endif
