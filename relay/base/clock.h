/* SPDX-License-Identifier: MIT */
#ifndef CLOCK_H
#define CLOCK_H

/* The two clocks: monotonic for timers, wall (unix) for what people and other
 * machines read. Milliseconds and microseconds in the names. */

#include <stdint.h>

uint64_t clock_mono_ms(void);
uint64_t clock_mono_us(void);
uint64_t clock_unix_ms(void);

#endif
