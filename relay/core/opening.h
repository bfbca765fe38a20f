/* SPDX-License-Identifier: MIT */
#ifndef OPENING_H
#define OPENING_H

/*
 * What the query of an upgrade asks for, and with what it is refused. Pure:
 * asked by a session when it opens, and before a ticket is burnt for a client
 * that would be refused anyhow.
 */

#include "contract.h"
#include "hub.h"

struct opening {
	/* Of an endpoint that has it in its query; data NULL: it has not. */
	struct view session;
	struct start start; /* of such an endpoint */
	bool has_after;
	struct entry_id after;
	struct buf id; /* holds `session` */
};

/* A parameter that the endpoint refuses: this comes before everything else. */
const struct contract_refusal *opening_refused(
    const struct contract_endpoint *endpoint, struct view query);

/* The rest, in order: session id, cursor, start. NULL: fine. opening_fini in
 * any case. */
const struct contract_refusal *opening_read(
    const struct contract_endpoint *endpoint, struct view query,
    struct opening *opening_r);
void opening_fini(struct opening *opening);

extern const struct contract_refusal opening_bad_session_id;

#endif
