/* SPDX-License-Identifier: MIT */
#ifndef FUZZ_H
#define FUZZ_H

/* What every target has: the entry point, and a check that stays when NDEBUG
 * is set and ends the run, which libFuzzer reports with the input. */

#include <stdint.h>
#include <stdlib.h>

#define must(fact)               \
	do {                     \
		if (!(fact))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
