/* SPDX-License-Identifier: MIT */
#ifndef CREDENTIAL_H
#define CREDENTIAL_H

/*
 * What a client shows to prove who it is, and where it stands in the request:
 * wire.md section 3, in its order. The first one that is there counts; what it
 * is worth is not known here.
 */

#include "handshake.h"

enum credential_kind { CREDENTIAL_NONE, CREDENTIAL_TOKEN, CREDENTIAL_TICKET };

struct credential {
	enum credential_kind kind;
	struct view text; /* into the head, or into `value` */
	struct buf value;
};

/* Authorization: Bearer alone, for requests that are not upgrades. */
void credential_bearer(
    const struct handshake *handshake, struct credential *credential_r);
/* Anywhere: also as a ticket in the sub-protocols or in the query, and, if
 * `query_token`, as ?access_token=. */
void credential_find(const struct handshake *handshake, bool query_token,
    struct credential *credential_r);
/* Overwrites what it held. */
void credential_fini(struct credential *credential);

#endif
