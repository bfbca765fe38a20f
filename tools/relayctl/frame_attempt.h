/* SPDX-License-Identifier: MIT */
#ifndef FRAME_ATTEMPT_H
#define FRAME_ATTEMPT_H

/*
 * Which side of which endpoint takes a frame: of all that are asked for, the
 * one that takes it, or that came nearest to taking it.
 */

#include "contract.h"

enum frame_direction { FRAME_ANY, FRAME_CLIENT, FRAME_SERVER };

struct frame_scope {
	const struct contract *contract;
	const struct contract_endpoint *endpoint; /* NULL: any */
	enum frame_direction direction;
};

struct frame_attempt {
	enum contract_verdict verdict;
	const struct contract_endpoint *endpoint;
	const struct contract_side *side; /* NULL: nothing is taken there */
	const struct contract_message *message;
	bool is_made;
};

struct frame_attempt frame_attempt(const struct frame_scope *scope,
    struct schema_scratch *scratch, const struct json_doc *doc);

/* What no producer may say, whatever the schemas let pass. */
enum frame_reserved {
	FRAME_FREE,
	FRAME_HAS_CURSOR, /* a member "cursor" */
	FRAME_IS_NOTICE   /* a type relay.* */
};
enum frame_reserved frame_reserved(
    const struct frame_attempt *attempt, const struct json_doc *doc);

#endif
