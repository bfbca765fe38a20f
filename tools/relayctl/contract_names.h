/* SPDX-License-Identifier: MIT */
#ifndef CONTRACT_NAMES_H
#define CONTRACT_NAMES_H

/*
 * All names of a contract in an order of their own: endpoints, directions,
 * types, members with their pointers, and the values that they may have. The
 * same names give the same bytes, wherever the folder lies and however its
 * files are laid out, so that the text can be kept and compared.
 */

#include "buf.h"
#include "contract.h"

/* A line a fact, each complete in itself:
 *   contract NAME/VERSION
 *   ENDPOINT path PATH
 *   ENDPOINT DIRECTION TYPE [terminal] [direct] [dedup] [creates_session]
 *   ENDPOINT DIRECTION TYPE POINTER required|optional TYPE[|TYPE...]
 *   ENDPOINT DIRECTION TYPE POINTER = VALUE
 * In a pointer `*` is any item of an array, or any member of a map. Numbers
 * beyond 64 bits, arrays and objects are left out where values are listed. */
void contract_names_text(const struct contract *contract, struct buf *out);

/* The same as one JSON object. */
void contract_names_json(const struct contract *contract, struct buf *out);

/* The type with more names than can be listed, or NULL. */
const char *contract_names_overflow(const struct contract *contract);

#endif
