/* SPDX-License-Identifier: MIT */
#ifndef CONNECTION_PLAY_H
#define CONNECTION_PLAY_H

/*
 * What fuzz_connection's script plays with, and what it can say: each act reads
 * from the script what it needs and does one thing.
 */

#include "connection_net.h"
#include "drift.h"
#include "stats.h"

struct play {
	const uint8_t *at, *end; /* the rest of the script */
	const struct contract *contract;
	struct stats stats;
	struct hub *hub;
	struct session_env *env;
	struct users *users;
	struct drift *drift;
	struct drift_bound bound;
	struct fake_redis redis;
	struct net net;
	struct judge *judge;
	uint64_t now_ms;
	unsigned reloads;
	bool is_eager; /* Redis says at once what it has to say */
};

/* The script; 0 and nothing behind its end. */
uint8_t play_next_byte(struct play *play);
struct view play_next_bytes(struct play *play); /* a byte says how many */
struct wire *play_next_wire(struct play *play);
struct fake_stream *play_next_stream(struct play *play); /* or NULL */

/* --- connection_peers.c: clients --- */
void play_come(struct play *play);
void play_come_raw(struct play *play);
void play_say_message(struct play *play);
void play_say_frame(struct play *play);
void play_say_bytes(struct play *play);
void play_say_much(struct play *play);
void play_read_some(struct play *play);
void play_go(struct play *play);

/* --- connection_events.c: producers and Redis --- */
void play_publish(struct play *play);
void play_publish_bytes(struct play *play);
void play_publish_large(struct play *play);
/* On every stream: what is lost is announced before a later event at latest. */
void play_publish_once_more(struct play *play);
void play_lose_entries(struct play *play);
void play_answer_source(struct play *play);
void play_feed(struct play *play);
void play_answer_sink(struct play *play);
void play_turn_redis(struct play *play);

#endif
