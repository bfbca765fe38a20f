/* SPDX-License-Identifier: MIT */
#include "opening.h"

#include "query.h"
#include "stream_key.h"

#define POLICY 1008

const struct contract_refusal opening_bad_session_id = {
	.code = "invalid_session_id",
	.message = "Invalid session id: 1 to 256 bytes of UTF-8 without "
		   "control characters.",
	.close = POLICY,
};

static const struct contract_refusal no_session_id = {
	.code = "missing_session_id",
	.message = "The query parameter with the session id is missing.",
	.close = POLICY,
};

static const struct contract_refusal bad_after = {
	.code = "invalid_cursor",
	.message = "Invalid cursor: after must be the cursor of an event, "
		   "<ms>-<seq>.",
	.close = POLICY,
};

static const struct contract_refusal bad_since = {
	.code = "invalid_cursor",
	.message = "Invalid cursor: since must be unix milliseconds.",
	.close = POLICY,
};

static const struct contract_refusal two_starts = {
	.code = "invalid_cursor",
	.message = "Invalid cursor: after and since exclude each other.",
	.close = POLICY,
};

static bool
is_refused(const struct contract_refusal *refusal, struct view query)
{
	struct buf value;
	buf_init(&value, 0);
	bool is_there = query_get(query, refusal->name, &value);
	bool is_blank = query_trim(buf_view(&value)).len == 0;
	buf_fini(&value);
	return is_there && !(refusal->allow_blank && is_blank);
}

const struct contract_refusal *
opening_refused(const struct contract_endpoint *endpoint, struct view query)
{
	for (size_t i = 0; i < endpoint->refuse_query_count; i++)
		if (is_refused(&endpoint->refuse_query[i], query))
			return &endpoint->refuse_query[i];
	return NULL;
}

/* --- session id --- */

static const struct contract_refusal *
read_session(const struct contract_endpoint *endpoint, struct view query,
    struct opening *opening)
{
	const char *name = endpoint->session_query;
	struct view id = { 0 };
	if (name && query_get(query, name, &opening->id))
		id = query_trim(buf_view(&opening->id));
	if (id.len == 0)
		return endpoint->missing_session ? endpoint->missing_session
						 : &no_session_id;
	if (!stream_key_session_is_valid(id))
		return &opening_bad_session_id;
	opening->session = id;
	return NULL;
}

/* --- where it starts --- */

/* The cursor that the client came with, for both kinds of endpoint. */
static const struct contract_refusal *
read_after(struct view query, struct buf *value, struct opening *opening)
{
	if (!query_get(query, "after", value))
		return NULL;
	if (entry_id_parse(buf_view(value), &opening->after) < 0)
		return &bad_after;
	opening->has_after = true;
	return NULL;
}

/* Where an endpoint that only sends is to start. */
static const struct contract_refusal *
read_start(struct view query, struct buf *value, struct opening *opening)
{
	struct start *start = &opening->start;
	bool has_since = query_get(query, "since", value);
	*start = (struct start){ .kind = START_LIVE };
	if (has_since && !view_decimal(buf_view(value), 19, &start->since_ms))
		return &bad_since;
	if (has_since && opening->has_after)
		return &two_starts;
	if (has_since)
		start->kind = START_SINCE;
	if (!opening->has_after)
		return NULL;
	start->kind = START_AFTER;
	start->after = opening->after;
	return NULL;
}

const struct contract_refusal *
opening_read(const struct contract_endpoint *endpoint, struct view query,
    struct opening *opening_r)
{
	struct buf value;
	const struct contract_refusal *refusal = NULL;
	bool is_bound = endpoint->session_query ||
	    endpoint->direction == CONTRACT_SERVER_ONLY;
	*opening_r = (struct opening){ 0 };
	buf_init(&opening_r->id, 0);
	buf_init(&value, 0);
	if (is_bound)
		refusal = read_session(endpoint, query, opening_r);
	if (!refusal)
		refusal = read_after(query, &value, opening_r);
	if (!refusal && is_bound)
		refusal = read_start(query, &value, opening_r);
	buf_fini(&value);
	return refusal;
}

void
opening_fini(struct opening *opening)
{
	buf_fini(&opening->id);
}
