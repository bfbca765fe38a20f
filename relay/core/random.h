/* SPDX-License-Identifier: MIT */
#ifndef RANDOM_H
#define RANDOM_H

/* Random names, all from getrandom; the process ends if the kernel has none. */

#include "view.h"

#include <stdint.h>

#define RANDOM_UUID_MAX        37 /* with its NUL */
#define RANDOM_TRACEPARENT_MAX 56

/* At most 256 bytes. */
void random_bytes(void *out, size_t size);

/* UUID version 4, lower case, with dashes. */
void random_uuid(char text[RANDOM_UUID_MAX]);

/* A W3C trace context with new trace and span ids, sampled. */
void random_traceparent(char text[RANDOM_TRACEPARENT_MAX]);

/* Is this text a usable traceparent header? */
bool random_traceparent_is_valid(struct view text);

/* Evenly from low to high, both included. */
uint64_t random_between(uint64_t low, uint64_t high);

#endif
