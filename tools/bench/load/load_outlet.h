/* SPDX-License-Identifier: MIT */
#ifndef LOAD_OUTLET_H
#define LOAD_OUTLET_H

/*
 * Where a producer's events go: XADD to Redis, or POST to an HTTP server that
 * publishes (nchan), pipelined on one connection. Answers are counted, not
 * read. Templates may hold {run} (the run's name), {n} (the stream's number)
 * and, in fields and only there, {event}.
 */

#include "error.h"
#include "view.h"

#include <stdint.h>

#define LOAD_FIELDS_MAX 8

struct load_place {
	const char *redis; /* URL; NULL: none */
	const char *http;  /* template http://HOST:PORT/PATH; beats redis */
	const char *run;
	const char *key;                     /* template of the stream's key */
	const char *fields[LOAD_FIELDS_MAX]; /* templates NAME=VALUE */
	size_t field_count;
};

struct load_outlet;

/* `place` is borrowed. NULL: err says why. */
struct load_outlet *load_outlet_open(
    const struct load_place *place, struct error *err);
void load_outlet_close(struct load_outlet **outlet);

/* Events between begin and end become visible at once (MULTI), with HTTP one
 * after the other. */
void load_outlet_begin(struct load_outlet *outlet);
void load_outlet_add(
    struct load_outlet *outlet, unsigned stream, struct view event);
void load_outlet_end(struct load_outlet *outlet);
/* DEL of the stream's key; nothing with HTTP. */
void load_outlet_remove(struct load_outlet *outlet, unsigned stream);

/* Sends what was added and takes what answers are there. -1: err. */
int load_outlet_flush(struct load_outlet *outlet, struct error *err);
/* Waits for the answers to all events; an answer that refuses one, or none for
 * 30 s, is -1. */
int load_outlet_settle(struct load_outlet *outlet, struct error *err);

#endif
