/* SPDX-License-Identifier: MIT */
#ifndef BUNDLED_H
#define BUNDLED_H

/*
 * Where the contract lies that is used when none is named: beside the program
 * (in an installation or in a build folder), wherever the program was put.
 */

#include <stddef.h>

/* Writes the first folder that exists of <exe>/../share/relay/schemas,
 * <exe>/../../schemas and the source tree that the program was built from,
 * each with the default contract; the last one when none exists. */
void bundled_contract(char *path, size_t size);

#endif
