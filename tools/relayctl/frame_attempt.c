/* SPDX-License-Identifier: MIT */
#include "frame_attempt.h"

/* A better reason than another: the further the frame got. */
static unsigned
rank(enum contract_verdict verdict)
{
	switch (verdict) {
	case CONTRACT_VALID:
		return 4;
	case CONTRACT_INVALID:
		return 3;
	case CONTRACT_UNKNOWN_TYPE:
		return 2;
	case CONTRACT_MISSING_TYPE:
		return 1;
	case CONTRACT_NOT_OBJECT:
		break;
	}
	return 0;
}

static void
attempt_side(struct frame_attempt *best,
    const struct contract_endpoint *endpoint, const struct contract_side *side,
    struct schema_scratch *scratch, const struct json_doc *doc)
{
	struct frame_attempt attempt = { .verdict = CONTRACT_NOT_OBJECT,
		.endpoint = endpoint,
		.side = side,
		.is_made = true };
	if (best->is_made && best->verdict == CONTRACT_VALID)
		return;
	if (side)
		attempt.verdict =
		    contract_check(side, scratch, doc, &attempt.message);
	else if (doc->nodes[0].type == JSON_OBJECT)
		attempt.verdict = CONTRACT_MISSING_TYPE;
	if (!best->is_made || rank(attempt.verdict) > rank(best->verdict))
		*best = attempt;
}

struct frame_attempt
frame_attempt(const struct frame_scope *scope, struct schema_scratch *scratch,
    const struct json_doc *doc)
{
	struct frame_attempt best = { .is_made = false };
	const struct contract *contract = scope->contract;
	for (size_t i = 0; i < contract->endpoint_count; i++) {
		const struct contract_endpoint *endpoint =
		    &contract->endpoints[i];
		if (scope->endpoint && scope->endpoint != endpoint)
			continue;
		if (scope->direction != FRAME_CLIENT)
			attempt_side(
			    &best, endpoint, &endpoint->server, scratch, doc);
		if (scope->direction != FRAME_SERVER)
			attempt_side(&best, endpoint,
			    endpoint->has_client ? &endpoint->client : NULL,
			    scratch, doc);
	}
	return best;
}

static bool
is_notice(const struct frame_attempt *attempt, const struct json_doc *doc)
{
	static const char start[] = "relay.";
	struct buf scratch;
	uint32_t node;
	if (!json_pointer_get(
		doc, view_of(attempt->side->discriminator), &node) ||
	    doc->nodes[node].type != JSON_STRING)
		return false;
	buf_init(&scratch, 0);
	struct view type = json_string(doc, node, &scratch);
	bool is_ours = type.len >= strlen(start) &&
	    memcmp(type.data, start, strlen(start)) == 0;
	buf_fini(&scratch);
	return is_ours;
}

enum frame_reserved
frame_reserved(const struct frame_attempt *attempt, const struct json_doc *doc)
{
	if (attempt->side != &attempt->endpoint->server)
		return FRAME_FREE;
	if (attempt->endpoint->splice_cursor &&
	    json_member(doc, 0, view_of("cursor")))
		return FRAME_HAS_CURSOR;
	return is_notice(attempt, doc) ? FRAME_IS_NOTICE : FRAME_FREE;
}
