/* SPDX-License-Identifier: MIT */
#ifndef MODEL_CLIENT_H
#define MODEL_CLIENT_H

/*
 * A client that lives through many connections and knows from the streams in
 * memory what it must get: every entry of its view behind its cursor, once, in
 * order, unaltered; what is missing must have been announced before any later
 * event (to those who know notices), or be gone from Redis (for the others).
 * Who cannot be told that its cursor is void must have been counted.
 */

#include "hub_world.h"

/* Gaps but refusals, and those of them that void what a client has. */
struct gap_counts {
	uint64_t all;
	uint64_t voids;
};

struct client_faults {
	uint64_t lost;   /* missing though it is there */
	uint64_t silent; /* missing because it is gone, but not announced */
	uint64_t duplicated;
	uint64_t reordered;
	uint64_t altered;
	uint64_t misled; /* a gap where nothing is missing, another's frame,
			      * a notice at the wrong time */
	struct gap_counts told; /* no faults: to all who can be told */
};

struct model_client {
	struct listener listener; /* first member: the ops' arg */
	struct model_stream *stream;
	struct client_faults *faults;
	size_t endpoint;
	bool notices;
	bool can_reset; /* its stream may begin a new life */
	bool held;
	bool is_live_due;
	bool is_live_start;   /* its position is not known until live */
	bool is_since;        /* likewise, if nothing was replayed */
	bool is_waiting_late; /* asked while Redis was away, for too long */
	struct entry_id last; /* what it has: everything up to here */
	bool has_cursor;      /* and that is a cursor, not a point in time */
	unsigned generation;  /* of the stream in which that was; 0: any */
	struct entry_id tail_when_asked;
	bool was_open_when_asked;
	/* When it last heard something: told to nobody, only counted. */
	struct gap_counts untold;
	uint64_t asked_ms;
	uint64_t replayed;
	uint64_t events;
	uint64_t ends; /* terminal events it got, minus those told */
};

void model_client_init(struct model_client *client, struct world *world,
    struct model_stream *stream, struct client_faults *faults);
void model_client_fini(struct model_client *client);

void model_client_connect(
    struct model_client *client, struct start start, bool held);
void model_client_disconnect(struct model_client *client);
void model_client_release(struct model_client *client);
void model_client_seek(struct model_client *client, struct entry_id after);
/* At the end, when everything was delivered: is it complete? */
void model_client_finish(struct model_client *client);

#endif
