/* SPDX-License-Identifier: MIT */
#ifndef TICKET_H
#define TICKET_H

/*
 * A ticket stands for a token where none can be sent: 32 random bytes in
 * base64url, good once and for seconds. Redis keeps, under its digest, whom it
 * is for; the ticket itself is kept nowhere. Texts only, no Redis here.
 */

#include "buf.h"
#include "token.h"

#define TICKET_SIZE    43 /* characters */
#define TICKET_SECONDS 30

/* Not NUL-terminated. */
void ticket_make(char text[TICKET_SIZE]);
bool ticket_is_well_formed(struct view ticket);

/* `relay:ticket:<SHA-256>`, appended. */
void ticket_key(struct view prefix, struct view ticket, struct buf *out);
/* What Redis holds under it: the bearer. */
void ticket_write(const struct token_bearer *bearer, struct buf *out);
/* -1: nobody here has written that. */
int ticket_read(struct view value, struct token_bearer *bearer_r);

#endif
