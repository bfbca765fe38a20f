/* SPDX-License-Identifier: MIT */
#ifndef PORT_OWNER_H
#define PORT_OWNER_H

/* Which process listens on an address that we could not bind, as far as /proc
 * shows it to us. Only for error messages. */

#include "error.h"

#include <stddef.h>

/* Writes "pid 123 (nginx)" for "ADDR:PORT" or "unix:PATH"; returns 0, or -1
 * when the owner is not visible. */
int port_owner(const char *address, char *text_r, size_t size);

/* Adds to err what to do about an address that could not be bound for the
 * reason `problem` (an errno). Returns the exit code. */
int port_owner_explain(const char *address, int problem, struct error *err);

#endif
