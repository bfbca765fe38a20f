/* SPDX-License-Identifier: MIT */
#ifndef STREAM_H
#define STREAM_H

/*
 * The hub's streams and topics. A stream is a key in Redis that somebody
 * listens to; a topic is one endpoint's view of it, with the live chain of
 * frames and all who subscribe to it. Private to the hub.
 */

#include "chain.h"
#include "judge.h"
#include "judged.h"
#include "list.h"
#include "position.h"

struct hub;

/* The read of a window that is under way; one per stream at most. Owned by the
 * stream, then by who takes its answer. */
struct fetch {
	uint64_t id;
	uint32_t generation; /* the stream's, when it was asked for */
	struct entry_id after;
	struct entry_id fed; /* the stream's tail at that time */
	uint64_t since_ms;
	bool is_ahead; /* for those who are about to leave a window there */
	struct position pins[]; /* by endpoint: keeps the topic's chain */
};

/* Owned by its stream; lives as long as it has a member. Like the stream it may
 * be there once for each client: kept small. */
struct topic {
	struct stream *stream;
	struct chain chain;
	struct list members; /* subscription.member */
	struct list ready;   /* subscription.link: at the end, can take */
	struct list parked;  /* subscription.link: in the chain, cannot */
	struct list dirty;   /* in hub->dirty: frames were appended */
	struct list loaded;  /* in hub->loaded: may hold blocks */
	struct list quiet;   /* in hub->quiet: scanned, nothing appended */
	uint64_t quiet_since_ms;
	uint64_t check_byte;   /* beyond it someone's budget is exceeded */
	uint32_t quiet_number; /* chain.sent_number at that time; low bits */
	uint32_t endpoint;
	uint32_t member_count;
	uint32_t notices_count; /* members that know notices */
};

/* Owned by the hub's map; lives as long as it has a topic. */
struct stream {
	struct hub *hub;
	uint64_t id;
	struct stream *next_by_id;
	struct stream *next_by_key;
	struct entry_id tail;  /* fed up to here */
	struct judged *judged; /* owned; NULL: nothing was looked at yet */
	struct list opening;   /* subscription.aside */
	struct list beyond;    /* subscription.aside: ahead of the tail */
	struct list waiting;   /* subscription.link: want a window */
	struct list hungry;    /* in hub->hungry or hub->paused */
	struct fetch *fetch;   /* owned; NULL: none is under way */
	uint32_t generation;   /* from 1; +1 when ids begin to mean anew */
	uint32_t key_hash;
	uint16_t key_length; /* of the key, which stands behind the topics */
	uint8_t endpoints;   /* of the contract */
	uint8_t topic_count; /* of those that are there */
	uint8_t fetches;     /* in turn */
	bool is_open;        /* the tail is known */
	bool is_fresh;       /* answered since Redis was last lost */
	bool is_inspecting;
	struct topic *topics[]; /* by endpoint, or NULL */
};

struct stream_map {
	struct stream **by_id;
	struct stream **by_key;
	size_t buckets; /* power of two */
	size_t count;
};

void stream_map_init(struct stream_map *map);
void stream_map_fini(struct stream_map *map); /* must be empty */
struct stream *stream_map_by_id(const struct stream_map *map, uint64_t id);
struct stream *stream_map_by_key(const struct stream_map *map, struct view key);
void stream_map_add(struct stream_map *map, struct stream *stream);
void stream_map_remove(struct stream_map *map, struct stream *stream);

struct stream *stream_new(struct hub *hub, uint64_t id, struct view key);
void stream_free(struct stream **stream); /* no topic may be left */
/* What was judged so far was judged by what no longer holds. */
void stream_map_age(struct stream_map *map);
void stream_was_judged(
    struct stream *stream, struct entry_id after, struct entry_id through);
void stream_forget_judged(struct stream *stream);
struct view stream_key_view(const struct stream *stream);

/* The topic of that endpoint, made if there is none. */
struct topic *stream_topic(struct stream *stream, size_t endpoint);
void topic_free(struct topic **topic); /* no member may be left */

/* What keeps its chain while a window is read; NULL when none is. */
static inline struct position *
topic_pin(const struct topic *topic)
{
	struct fetch *fetch = topic->stream->fetch;
	return fetch == NULL ? NULL : &fetch->pins[topic->endpoint];
}

/* Frames were appended: serve it with the next flush. */
void topic_is_dirty(struct topic *topic);

#endif
